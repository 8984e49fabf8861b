package kind_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/skiff-k8s/skiff/kind"
)

var (
	pod = kind.Info{Version: "v1", Kind: "Pod", Resource: "pods", Namespaced: true, Protobuf: true}
	dep = kind.Info{Group: "apps", Version: "v1", Kind: "Deployment", Resource: "deployments", Namespaced: true, Protobuf: true}
)

func TestNamesAndString(t *testing.T) {
	for _, c := range []struct {
		k                    kind.Info
		apiVersion, asString string
	}{
		{pod, "v1", "v1 Pod"},
		{dep, "apps/v1", "apps/v1 Deployment"},
		{kind.Info{}, "", "no kind"},
	} {
		if got := c.k.APIVersion(); got != c.apiVersion {
			t.Errorf("APIVersion() = %q, want %q", got, c.apiVersion)
		}
		if got := c.k.String(); got != c.asString {
			t.Errorf("String() = %q, want %q", got, c.asString)
		}
		if gv := c.k.GVK().GroupVersion(); gv != c.k.GroupVersion() || c.k.GVR().GroupVersion() != gv {
			t.Errorf("%v: GVK, GVR and GroupVersion disagree", c.k)
		}
	}
}

func TestABuiltInIsKnownByItsTypeAndBothItsNames(t *testing.T) {
	type alias = corev1.Pod
	for _, got := range []found{
		of[corev1.Pod]("the struct"),
		ofType(reflect.TypeFor[*corev1.Pod](), "a pointer to it"),
		of[alias]("an alias"),
	} {
		if got.err != nil || got.k != pod {
			t.Errorf("%s: %+v, %v; want %+v", got.how, got.k, got.err, pod)
		}
	}
	if k, err := kind.Of[appsv1.Deployment](); k != dep || err != nil {
		t.Errorf("Of Deployment: %+v, %v", k, err)
	}
	if k, ok := kind.ByGVK(dep.GVK()); k != dep || !ok {
		t.Errorf("ByGVK: %+v, %t", k, ok)
	}
	if k, ok := kind.ByGVR(dep.GVR()); k != dep || !ok {
		t.Errorf("ByGVR: %+v, %t", k, ok)
	}
	if k, ok := kind.ByGVK(schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Pod"}); ok {
		t.Errorf("apps/v1 Pod is not a thing, ByGVK says %+v", k)
	}
	if k, ok := kind.ByGVR(schema.GroupVersionResource{Version: "v1", Resource: "deployments"}); ok {
		t.Errorf("v1 deployments is not a thing, ByGVR says %+v", k)
	}
}

type found struct {
	how string
	k   kind.Info
	err error
}

func of[T any, P kind.Object[T]](how string) found {
	k, err := kind.Of[T, P]()
	return found{how, k, err}
}

func ofType(t reflect.Type, how string) found {
	k, err := kind.OfType(t)
	return found{how, k, err}
}

type (
	derived   corev1.Pod
	embedding struct{ corev1.Pod }
)

func TestAnUnknownTypeSaysWhatToDo(t *testing.T) {
	for _, c := range []struct {
		t    reflect.Type
		says string
	}{
		{reflect.TypeFor[derived](), "kind.Register[kind_test.derived]"},
		{reflect.TypeFor[embedding](), "kind.Register[kind_test.embedding]"},
		{reflect.TypeFor[corev1.PodSpec](), "kind.Register[v1.PodSpec]"},
		{reflect.TypeFor[corev1.PodList](), "it is a list: use the type of its items, Pod"},
		{reflect.TypeFor[**corev1.Pod](), "pointer to a pointer"},
		{reflect.TypeFor[unstructured.Unstructured](), "package dynamic"},
		{reflect.TypeFor[struct{}](), "only a struct type with a name"},
		{reflect.TypeFor[string](), "only a struct type with a name"},
		{reflect.TypeFor[error](), "only a struct type with a name"},
		{nil, "nil"},
	} {
		k, err := kind.OfType(c.t)
		var unknown *kind.UnknownError
		if !errors.As(err, &unknown) || k != (kind.Info{}) {
			t.Errorf("%v: %+v, %v; want an UnknownError", c.t, k, err)
			continue
		}
		if !strings.Contains(err.Error(), c.says) {
			t.Errorf("%v: %q does not say %q", c.t, err, c.says)
		}
	}
}

type (
	backup  struct{ metav1.ObjectMeta }
	backup2 struct{ metav1.ObjectMeta }
	slim    struct{ metav1.ObjectMeta }
)

func TestARegisteredTypeIsKnownLikeABuiltIn(t *testing.T) {
	want := kind.Info{Group: "example.com", Version: "v1", Kind: "Backup", Resource: "backups", Namespaced: true}
	for range 2 { // again is no error
		if err := kind.Register[backup](want); err != nil {
			t.Fatal(err)
		}
	}
	if err := kind.Register[backup2](want); err != nil {
		t.Errorf("two Go types may be the same kind: %v", err)
	}
	if err := kind.Register[slim](pod); err != nil {
		t.Errorf("a Go type may be a built-in kind: %v", err)
	}
	if err := kind.Register[corev1.Pod](pod); err != nil {
		t.Errorf("a built-in registered as what it is: %v", err)
	}
	for _, got := range []found{of[backup]("backup"), ofType(reflect.TypeFor[*backup](), "*backup"), of[backup2]("backup2")} {
		if got.k != want || got.err != nil {
			t.Errorf("%s: %+v, %v", got.how, got.k, got.err)
		}
	}
	if k, err := kind.Of[slim](); k != pod || err != nil {
		t.Errorf("slim: %+v, %v", k, err)
	}
	if k, ok := kind.ByGVK(want.GVK()); k != want || !ok {
		t.Errorf("ByGVK: %+v, %t", k, ok)
	}
	if k, ok := kind.ByGVR(want.GVR()); k != want || !ok {
		t.Errorf("ByGVR: %+v, %t", k, ok)
	}
	count := map[kind.Info]int{}
	for k := range kind.All() {
		count[k]++
	}
	for _, k := range []kind.Info{want, pod} {
		if count[k] != 1 {
			t.Errorf("All yields %v %d times", k, count[k])
		}
	}
}

type (
	contrary  struct{ metav1.ObjectMeta }
	contrary2 struct{ metav1.ObjectMeta }
)

func TestAContradictionIsAnErrorThatSaysWhich(t *testing.T) {
	k := kind.Info{Group: "example.com", Version: "v1", Kind: "Contrary", Resource: "contraries"}
	if err := kind.Register[contrary](k); err != nil {
		t.Fatal(err)
	}
	with := func(k kind.Info, change func(*kind.Info)) kind.Info { change(&k); return k }
	for _, c := range []struct {
		name string
		err  error
		says string
	}{
		{"another kind for a type", kind.Register[contrary](with(k, func(k *kind.Info) { k.Kind = "Other"; k.Resource = "others" })),
			"it is example.com/v1 Contrary, resource contraries already"},
		{"another scope", kind.Register[contrary2](with(k, func(k *kind.Info) { k.Namespaced = true })), "Namespaced: false"},
		{"another encoding", kind.Register[contrary2](with(k, func(k *kind.Info) { k.Protobuf = true })), "Protobuf: false"},
		{"another resource", kind.Register[contrary2](with(k, func(k *kind.Info) { k.Resource = "contrarys" })), "resource contraries"},
		{"a resource twice", kind.Register[contrary2](with(k, func(k *kind.Info) { k.Kind = "Other" })), "its resource contraries is"},
		{"a built-in type", kind.Register[corev1.Pod](k), "it is v1 Pod"},
		{"a built-in kind", kind.Register[contrary2](with(pod, func(k *kind.Info) { k.Namespaced = false })), "Namespaced: true"},
		{"a built-in resource", kind.Register[contrary2](with(pod, func(k *kind.Info) { k.Kind = "Pot" })), "its resource pods is v1 Pod"},
		{"no version", kind.Register[contrary2](with(k, func(k *kind.Info) { k.Version = "" })), "Version is empty"},
		{"no kind", kind.Register[contrary2](with(k, func(k *kind.Info) { k.Kind = "" })), "Kind is empty"},
		{"no resource", kind.Register[contrary2](with(k, func(k *kind.Info) { k.Resource = "" })), "Resource is empty"},
		{"an API version as version", kind.Register[contrary2](with(k, func(k *kind.Info) { k.Version = "example.com/v1" })), "fields of their own"},
		{"a kind as resource", kind.Register[contrary2](with(k, func(k *kind.Info) { k.Resource = "Contrary" })), "plural, lower-case"},
		{"no name", kind.Register[struct{ metav1.ObjectMeta }](k), "only a struct type with a name"},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.says) {
			t.Errorf("%s: the error is %v, and should say %q", c.name, c.err, c.says)
		}
	}
	if _, err := kind.Of[contrary2](); err == nil {
		t.Error("a refused registration was kept")
	}
}

func TestConcurrentRegistrationAndLookup(t *testing.T) {
	type a struct{ metav1.ObjectMeta }
	type b struct{ metav1.ObjectMeta }
	ka := kind.Info{Group: "race.example.com", Version: "v1", Kind: "A", Resource: "as"}
	kb := kind.Info{Group: "race.example.com", Version: "v1", Kind: "B", Resource: "bs"}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for _, err := range []error{kind.Register[a](ka), kind.Register[b](kb)} {
				if err != nil {
					t.Error(err)
				}
			}
			if k, err := kind.Of[a](); k != ka || err != nil {
				t.Errorf("registered and not found: %v, %v", k, err)
			}
			if _, ok := kind.ByGVR(kb.GVR()); !ok {
				t.Error("registered and not found by resource")
			}
			if n := len(slices.Collect(kind.All())); n < 100 {
				t.Errorf("All yields %d", n)
			}
		})
	}
	wg.Wait()
}

func TestTheTableIsAsGenerated(t *testing.T) {
	file := filepath.Join(t.TempDir(), "builtin.go")
	if out, err := exec.CommandContext(t.Context(), "go", "run", "./internal/gentable", file).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("builtin.go")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("builtin.go is not what k8s.io/api says: run go generate ./kind")
	}
}

func BenchmarkOf(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := kind.Of[corev1.Pod](); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkByGVR(b *testing.B) {
	b.ReportAllocs()
	gvr := schema.GroupVersionResource{Group: "storagemigration.k8s.io", Version: "v1", Resource: "storageversionmigrations"}
	for b.Loop() {
		if _, ok := kind.ByGVR(gvr); !ok {
			b.Fatal("not found")
		}
	}
}

type scaleOfOnesOwn struct {
	metav1.TypeMeta
	metav1.ObjectMeta
}

func TestGVKOfATypeThatIsNoResource(t *testing.T) {
	type generic[T any] struct{ metav1.ObjectMeta }
	for _, c := range []struct {
		t    reflect.Type
		want string
	}{
		{reflect.TypeFor[corev1.Pod](), "/v1, Kind=Pod"},
		{reflect.TypeFor[*appsv1.Deployment](), "apps/v1, Kind=Deployment"},
		{reflect.TypeFor[autoscalingv1.Scale](), "autoscaling/v1, Kind=Scale"},
		{reflect.TypeFor[*policyv1.Eviction](), "policy/v1, Kind=Eviction"},
		{reflect.TypeFor[corev1.PodList](), "/v1, Kind=PodList"},
		{reflect.TypeFor[scaleOfOnesOwn](), ""},
		{reflect.TypeFor[generic[int]](), ""},
		{reflect.TypeFor[metav1.Status](), ""},
		{reflect.TypeFor[corev1.PodPhase](), ""},
		{reflect.TypeFor[**corev1.Pod](), ""},
		{nil, ""},
	} {
		got, ok := kind.GVKOf(c.t)
		if ok != (c.want != "") || ok && got.String() != c.want {
			t.Errorf("%v: %v, %t; want %q", c.t, got, ok, c.want)
		}
	}
}
