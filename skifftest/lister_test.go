package skifftest_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/skifftest"
)

func aService(namespace, name string, labels map[string]string) *corev1.Service {
	return &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: labels}}
}

func TestListerHasItsObjects(t *testing.T) {
	check := func(t *testing.T) {
		l := skifftest.Lister(t, aService("a", "x", map[string]string{"k": "v"}), aService("b", "x", nil), aService("b", "y", nil))
		got, err := l.Get("a", "x")
		if err != nil || got.Labels["k"] != "v" {
			t.Errorf("%v: %v", err, got)
		}
		if _, err := l.Get("a", "y"); !apierrors.IsNotFound(err) {
			t.Errorf("an object that is not there: %v", err)
		}
		for _, test := range []struct {
			q    informer.Query
			want string
		}{
			{informer.Query{}, "a/x b/x b/y"},
			{informer.Query{Namespace: "b"}, "b/x b/y"},
			{informer.Query{Labels: labels.SelectorFromSet(labels.Set{"k": "v"})}, "a/x"},
			{informer.Query{Index: informer.NamespaceIndex, Value: "a"}, "a/x"},
		} {
			list, err := l.List(test.q)
			var keys []string
			for _, s := range list {
				keys = append(keys, s.Namespace+"/"+s.Name)
			}
			slices.Sort(keys)
			if got := strings.Join(keys, " "); err != nil || got != test.want {
				t.Errorf("%v: %q, want %q: %v", test.q, got, test.want, err)
			}
		}
	}
	check(t)
	synctest.Test(t, check)
}

func TestListerWithoutObjects(t *testing.T) {
	if n, err := skifftest.Lister[corev1.Node](t).Len(informer.Query{}); n != 0 || err != nil {
		t.Errorf("%d: %v", n, err)
	}
}

func TestInformerTakesAnIndex(t *testing.T) {
	all := skifftest.Informer(t, aService("a", "x", map[string]string{"k": "v"}), aService("a", "y", nil))
	if err := all.AddIndex("k", func(s informer.Item[corev1.Service]) []string { return []string{s.Labels().Get("k")} }); err != nil {
		t.Fatal(err)
	}
	if n, err := all.Lister().Len(informer.Query{Index: "k", Value: "v"}); n != 1 || err != nil {
		t.Errorf("%d: %v", n, err)
	}
}

func TestListerRefusesWhatNoServerHas(t *testing.T) {
	for want, objects := range map[string][]*corev1.Service{
		"no name":    {aService("a", "", nil)},
		"namespace":  {aService("", "x", nil)},
		"two object": {aService("a", "x", nil), aService("a", "x", nil)},
		"is nil":     {nil},
	} {
		at := &ending{TB: t}
		at.run(func() { skifftest.Lister(at, objects...) })
		if !strings.Contains(at.message, want) {
			t.Errorf("the message is %q, want one with %q", at.message, want)
		}
	}
}

// ending is a test whose Fatalf ends the goroutine, as that of a real one does.
type ending struct {
	testing.TB
	message string
}

func (e *ending) Helper() {}
func (e *ending) Fatalf(format string, args ...any) {
	e.message = fmt.Sprintf(format, args...)
	panic(e)
}

func (e *ending) run(f func()) {
	defer func() {
		if p := recover(); p != nil && p != any(e) {
			panic(p)
		}
	}()
	f()
}

func ExampleLister() {
	var t testing.TB = &failing{} // of the test
	services := skifftest.Lister(t, aService("default", "web", map[string]string{"app": "web"}), aService("other", "web", nil))
	web, err := services.Get("default", "web")
	fmt.Println(web.Labels["app"], err)
	n, err := services.Len(informer.Query{Namespace: "other"})
	fmt.Println(n, err)
	// Output:
	// web <nil>
	// 1 <nil>
}
