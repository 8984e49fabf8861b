package client_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/faults"
	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/rest"
)

// configMap answers with a config map of that version and data.
func configMap(version int, data string) faults.Fault {
	return faults.JSON(fmt.Sprintf(`{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a","namespace":"n",
		"uid":"u","resourceVersion":"%d","unknown":"kept"},"data":{"k":%q},"binaryData":null}`, version, data))
}

func TestModifySendsOnlyWhatChanged(t *testing.T) {
	maps, sent := recorded(t, configMap(7, "old"), configMap(8, "new"))
	out, err := maps.Modify(t.Context(), "a", func(m *corev1.ConfigMap) error {
		m.Data["k"] = "new"
		return nil
	}, client.Manager("m"), client.Strict())
	if err != nil || out.Data["k"] != "new" || out.ResourceVersion != "8" {
		t.Errorf("%+v, %v", out, err)
	}
	want := "GET /api/v1/namespaces/n/configmaps/a\n" +
		"PATCH /api/v1/namespaces/n/configmaps/a?fieldManager=m&fieldValidation=Strict application/merge-patch+json\n" +
		`{"data":{"k":"new"},"metadata":{"resourceVersion":"7"}}`
	if got := strings.Join(*sent, "\n"); got != want {
		t.Errorf("the requests are\n%s, want\n%s", got, want)
	}
}

// recorded is play, and keeps what is sent: method, path and content type, and the body.
func recorded(t *testing.T, answers ...faults.Fault) (*client.Client[corev1.ConfigMap], *[]string) {
	t.Helper()
	var sent []string
	c := recordedClient(t, &sent, answers...)
	return client.Of[corev1.ConfigMap](c).In("n"), &sent
}

func recordedClient(t *testing.T, sent *[]string, answers ...faults.Fault) *rest.Client {
	t.Helper()
	layer := faults.NewLayer(faults.Status(http.StatusTeapot).Handler(nil), faults.InOrder(answers...)...)
	srv := faults.Start(t, layer, faults.Options{})
	return must(rest.NewClient(&rest.Config{Host: srv.URL(), Dial: srv.Dial, MaxRetries: -1, JSONOnly: true,
		WrapTransport: func(next http.RoundTripper) http.RoundTripper {
			return roundTripper(func(r *http.Request) (*http.Response, error) {
				line := strings.TrimSpace(r.Method + " " + r.URL.RequestURI() + " " + r.Header.Get("Content-Type"))
				if *sent = append(*sent, line); r.Body != nil {
					body, err := io.ReadAll(r.Body)
					if err != nil {
						t.Error(err)
					}
					r.Body = io.NopCloser(bytes.NewReader(body))
					if len(body) > 0 {
						*sent = append(*sent, string(body))
					}
				}
				return next.RoundTrip(r)
			})
		}}))(t)
}

func TestModifySendsNothingIfNothingChanged(t *testing.T) {
	for name, change := range map[string]func(*corev1.ConfigMap){
		"nothing":           func(*corev1.ConfigMap) {},
		"the same":          func(m *corev1.ConfigMap) { m.Data = map[string]string{"k": "old"} },
		"what it ignores":   func(m *corev1.ConfigMap) { m.ResourceVersion, m.Generation, m.UID = "3", 5, "" },
		"empty and not nil": func(m *corev1.ConfigMap) { m.Labels = map[string]string{} },
		"all of it, by an equal one": func(m *corev1.ConfigMap) {
			*m = corev1.ConfigMap{TypeMeta: configMapType, Data: map[string]string{"k": "old"},
				ObjectMeta: metav1.ObjectMeta{Namespace: "n", Name: "a"}}
		},
	} {
		maps, s := play(t, configMap(7, "old"))
		out, err := maps.Modify(t.Context(), "a", func(m *corev1.ConfigMap) error { change(m); return nil })
		if err != nil || out.ResourceVersion != "7" || out.UID != "u" || len(s.Requests()) != 1 {
			t.Errorf("%s: %+v, %v, %d requests", name, out, err, len(s.Requests()))
		}
	}
}

func TestModifyReturnsTheErrorOfTheFunction(t *testing.T) {
	for _, own := range []error{errors.New("mine"), apierrors.NewConflict(corev1.Resource("x"), "y", nil), apierrors.NewNotFound(corev1.Resource("x"), "y")} {
		maps, s := play(t, configMap(7, "old"), configMap(7, "old"))
		if _, err := maps.Modify(t.Context(), "a", func(m *corev1.ConfigMap) error { m.Data["k"] = "x"; return own }); err != own {
			t.Errorf("%v, want %v", err, own)
		}
		if _, _, err := maps.CreateOrModify(t.Context(), "a", func(*corev1.ConfigMap) error { return own }); err != own {
			t.Errorf("CreateOrModify: %v, want %v", err, own)
		}
		if n := len(s.Requests()); n != 2 {
			t.Errorf("%d requests", n)
		}
	}
}

func TestModifyRefusesAnotherObject(t *testing.T) {
	for says, change := range map[string]func(*corev1.ConfigMap){
		"metadata.name":      func(m *corev1.ConfigMap) { m.Name = "b" },
		"metadata.namespace": func(m *corev1.ConfigMap) { m.Namespace = "" },
		"metadata.uid":       func(m *corev1.ConfigMap) { m.UID = "v" },
	} {
		maps, s := play(t, configMap(7, "old"))
		_, err := maps.Modify(t.Context(), "a", func(m *corev1.ConfigMap) error { change(m); return nil })
		var misuse *kind.MisuseError
		if !errors.As(err, &misuse) || !strings.Contains(err.Error(), says) || len(s.Requests()) != 1 {
			t.Errorf("%v, %d requests", err, len(s.Requests()))
		}
	}
	if _, err := client.Of[corev1.ConfigMap](untouched(t)).In("n").Modify(t.Context(), "", nil); !errors.As(err, new(*kind.MisuseError)) {
		t.Errorf("without a name: %v", err)
	}
}

// A writer who always loses ends, at ten tries, and the pauses grow.
func TestModifyAfterConflictsIsBounded(t *testing.T) {
	for _, conflicts := range []int{9, 10, 11} {
		synctest.Test(t, func(t *testing.T) {
			var answers []faults.Fault
			for i := range conflicts {
				answers = append(answers, configMap(i, "old"), faults.Status(http.StatusConflict))
			}
			answers = append(answers, configMap(100, "old"), configMap(101, "new"))
			maps, s := play(t, answers...)
			calls := 0
			_, err := maps.Modify(t.Context(), "a", func(m *corev1.ConfigMap) error {
				calls++
				if m.Data["k"] != "old" {
					t.Errorf("the function got what an earlier call has changed: %v", m.Data)
				}
				m.Data["k"] = "new"
				return nil
			})
			switch {
			case conflicts < 10 && (err != nil || calls != conflicts+1):
				t.Errorf("after %d conflicts: %v, %d calls", conflicts, err, calls)
			case conflicts >= 10 && (!apierrors.IsConflict(err) || calls != 10 || len(s.Requests()) != 20 || !strings.Contains(err.Error(), `modify configmaps "a", after 10 tries`)):
				t.Errorf("after %d conflicts: %v, %d calls", conflicts, err, calls)
			}
		})
	}
}

func TestRetryOnConflict(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conflict := apierrors.NewConflict(corev1.Resource("pods"), "a", errors.New("changed"))
		calls := 0
		err := client.RetryOnConflict(t.Context(), func() error { calls++; return conflict })
		if !apierrors.IsConflict(err) || calls != 10 {
			t.Errorf("%v, %d calls", err, calls)
		}
		other := errors.New("other")
		calls = 0
		if err := client.RetryOnConflict(t.Context(), func() error {
			if calls++; calls == 3 {
				return other
			}
			return fmt.Errorf("wrapped: %w", conflict)
		}); err != other || calls != 3 {
			t.Errorf("%v, %d calls", err, calls)
		}
		tired := errors.New("tired")
		ctx, cancel := context.WithCancelCause(t.Context())
		calls = 0
		if err := client.RetryOnConflict(ctx, func() error { calls++; cancel(tired); return conflict }); !errors.Is(err, tired) ||
			!errors.Is(err, context.Canceled) || !apierrors.IsConflict(err) || calls != 1 {
			t.Errorf("%v, %d calls", err, calls)
		}
	})
}

// Gadget knows less than the server stores: no field with x in its name.
type Gadget struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   GadgetSpec   `json:"spec,omitempty"`
	Status GadgetStatus `json:"status,omitempty"`
}

type GadgetSpec struct {
	Size  int          `json:"size"`
	Parts []GadgetPart `json:"parts,omitempty" patchMergeKey:"name"`
	Rules []GadgetRule `json:"rules,omitempty"`
}

type GadgetPart struct {
	Name  string `json:"name"`
	Count int    `json:"count,omitempty"`
}

type GadgetRule struct {
	Host string `json:"host,omitempty"`
	Path string `json:"path,omitempty"`
}

type GadgetStatus struct {
	Phase string `json:"phase,omitempty"`
}

const gadgetSchema = `{"type":"object","properties":{
	"spec":{"type":"object","properties":{
		"size":{"type":"integer"},"x":{"type":"string"},"xnull":{"type":"string","nullable":true},
		"parts":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["name"],
			"items":{"type":"object","required":["name"],"properties":{"name":{"type":"string"},"count":{"type":"integer"},"x":{"type":"string"}}}},
		"rules":{"type":"array","items":{"type":"object","properties":{"host":{"type":"string"},"path":{"type":"string"},"x":{"type":"string"}}}}}},
	"status":{"type":"object","properties":{"phase":{"type":"string"},"x":{"type":"string"}}}}}`

// gadgets returns the clients of a custom resource whose Go type lacks fields: typed, and raw JSON.
func gadgets(t *testing.T, c *rest.Client, ns string) (*client.Client[Gadget], func(name string) string) {
	t.Helper()
	k := kind.Info{Group: "modify.skiff.example.com", Version: "v1", Kind: "Gadget", Resource: "gadgets", Namespaced: true}
	define(t, c, k, gadgetSchema)
	return client.Of[Gadget](c, client.WithKind(k), client.Strict(), client.Manager("tests")).In(ns), func(name string) string {
		t.Helper()
		data := must(c.Get().GroupVersion(k.GroupVersion()).Namespace(ns).Resource(k.Resource).Name(name).Do(t.Context()).Raw())(t)
		var o struct{ Spec, Status any }
		if err := json.Unmarshal(data, &o); err != nil {
			t.Fatal(err)
		}
		return asJSON(t, []any{o.Spec, o.Status})
	}
}

func TestModifyKeepsFieldsThatTheGoTypeLacks(t *testing.T) {
	c, ctx := connect(t), soon(t)
	ns := namespace(t, c)
	typed, stored := gadgets(t, c, ns)
	k := must(typed.Kind())(t)
	body := `{"apiVersion":"modify.skiff.example.com/v1","kind":"Gadget","metadata":{"name":"a"},"spec":{"size":1,"x":"X","xnull":null,
		"parts":[{"name":"a","count":1,"x":"A"},{"name":"b","count":2,"x":"B"},{"name":"c","x":"C"}],
		"rules":[{"host":"a","path":"/","x":"1"},{"host":"b","path":"/","x":"2"}]}}`
	if err := c.Post().GroupVersion(k.GroupVersion()).Namespace(ns).Resource(k.Resource).Body([]byte(body)).Do(ctx).Error(); err != nil {
		t.Fatal(err)
	}
	out := must(typed.Modify(ctx, "a", func(g *Gadget) error {
		g.Spec.Size = 0
		p := g.Spec.Parts
		p[0].Count = 9
		g.Spec.Parts = []GadgetPart{p[2], {Name: "new"}, p[0]} // reorder, insert, remove, change
		g.Spec.Rules = []GadgetRule{{Host: "n", Path: "/n"}, g.Spec.Rules[1], {Host: "a", Path: "/a"}}
		g.Labels = map[string]string{"l": "1"}
		return nil
	}))(t)
	want := `[{"parts":[{"name":"c","x":"C"},{"name":"new"},{"count":9,"name":"a","x":"A"}],` +
		`"rules":[{"host":"n","path":"/n"},{"host":"b","path":"/","x":"2"},{"host":"a","path":"/a","x":"1"}],"size":0,"x":"X","xnull":null},null]`
	if got := stored("a"); got != want {
		t.Errorf("stored is\n%s, want\n%s", got, want)
	}
	if out.Spec.Parts[0].Name != "c" || out.Labels["l"] != "1" || len(out.ManagedFields) == 0 {
		t.Errorf("Modify returned %+v", out)
	}
	again := must(typed.Modify(ctx, "a", func(*Gadget) error { return nil }))(t)
	if again.ResourceVersion != out.ResourceVersion {
		t.Error("a function that changes nothing has changed the object")
	}

	// A typed Update drops them (kubernetes/kubernetes#111703): the reason for Modify.
	status := []byte(`{"status":{"phase":"Old","x":"S"}}`)
	must(typed.Patch(ctx, "a", "application/merge-patch+json", status, metav1.PatchOptions{}, "status"))(t)
	s := must(typed.ModifyStatus(ctx, "a", func(g *Gadget) error { g.Status.Phase, g.Spec.Size = "New", 99; return nil }))(t)
	if s.Status.Phase != "New" || s.Spec.Size != 0 {
		t.Errorf("ModifyStatus: %+v", s)
	}
	if got := stored("a"); !strings.HasSuffix(got, `,{"phase":"New","x":"S"}]`) {
		t.Errorf("after ModifyStatus stored is %s", got)
	}
	must(typed.ModifyStatus(ctx, "a", func(g *Gadget) error { g.Status = GadgetStatus{}; return nil }))(t)
	if got := stored("a"); !strings.HasSuffix(got, `,{"x":"S"}]`) {
		t.Errorf("after ModifyStatus stored is %s", got)
	}
}

// slim is a Deployment as a program sees it that cares about images only.
type slim struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              struct {
		Replicas *int32 `json:"replicas,omitempty"`
		Template struct {
			Spec struct {
				Containers []slimContainer `json:"containers" patchMergeKey:"name"`
			} `json:"spec"`
		} `json:"template"`
	} `json:"spec"`
}

type slimContainer struct {
	Name  string `json:"name"`
	Image string `json:"image"`
}

func TestModifyABuiltInByASlimType(t *testing.T) {
	c, ctx := connect(t), soon(t)
	ns := namespace(t, c)
	k := must(kind.Of[appsv1.Deployment]())(t)
	whole := deploymentOf("web", "a", "b", "c")
	whole.Spec.Template.Spec.Containers[0].Env = []corev1.EnvVar{{Name: "A", Value: "1"}}
	whole.Spec.Template.Spec.Containers[2].Args = []string{"c"}
	deployments := client.Of[appsv1.Deployment](c).In(ns)
	before := must(deployments.Create(ctx, whole, metav1.CreateOptions{}))(t)
	slims := client.Of[slim](c, client.WithKind(k)).In(ns)
	must(slims.Modify(ctx, "web", func(s *slim) error {
		all := s.Spec.Template.Spec.Containers
		all[0].Image = "example.com/new:1"
		s.Spec.Template.Spec.Containers = []slimContainer{all[2], {Name: "n", Image: "example.com/n:1"}, all[0]}
		return nil
	}))(t)
	after := must(deployments.Get(ctx, "web", metav1.GetOptions{}))(t)
	want := before.DeepCopy().Spec
	a, cc := want.Template.Spec.Containers[0], want.Template.Spec.Containers[2]
	a.Image = "example.com/new:1"
	n := corev1.Container{Name: "n", Image: "example.com/n:1", TerminationMessagePath: "/dev/termination-log",
		TerminationMessagePolicy: "File", ImagePullPolicy: "IfNotPresent"}
	want.Template.Spec.Containers = []corev1.Container{cc, n, a}
	if got, want := asJSON(t, after.Spec), asJSON(t, want); got != want {
		t.Errorf("stored is\n%s, want\n%s", got, want)
	}
}

// Writers of one object at the same time all get their change in.
func TestModifyBesideOthers(t *testing.T) {
	c, ctx := connect(t), soon(t)
	maps := client.Of[corev1.ConfigMap](c).In(namespace(t, c))
	const writers = 5
	var created atomic.Int64
	var all sync.WaitGroup
	for i := range writers {
		all.Go(func() {
			_, done, err := maps.CreateOrModify(ctx, "a", func(m *corev1.ConfigMap) error {
				if m.Data == nil {
					m.Data = map[string]string{}
				}
				m.Data[fmt.Sprint("k", i)] = "v"
				return nil
			})
			if done == client.Created {
				created.Add(1)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if m := must(maps.Get(ctx, "a", metav1.GetOptions{}))(t); len(m.Data) != writers || created.Load() != 1 {
		t.Errorf("stored is %v, created %d times", m.Data, created.Load())
	}
}

func TestCreateOrModify(t *testing.T) {
	c, ctx := connect(t), soon(t)
	maps := client.Of[corev1.ConfigMap](c).In(namespace(t, c))
	set := func(value string) func(*corev1.ConfigMap) error {
		return func(m *corev1.ConfigMap) error { m.Data = map[string]string{"k": value}; return nil }
	}
	for _, step := range []struct {
		value string
		opts  []client.WriteOption
		want  client.Outcome
		kept  string
	}{
		{"1", []client.WriteOption{client.DryRun()}, client.Created, ""},
		{"1", nil, client.Created, "1"},
		{"1", nil, client.Unchanged, "1"},
		{"2", []client.WriteOption{client.DryRun()}, client.Changed, "1"},
		{"2", nil, client.Changed, "2"},
	} {
		m, done, err := maps.CreateOrModify(ctx, "a", set(step.value), step.opts...)
		if err != nil || done != step.want || m.Data["k"] != step.value || m.Kind != "ConfigMap" {
			t.Errorf("%s: %+v, %s, %v", step.value, m, done, err)
		}
		now, err := maps.Get(ctx, "a", metav1.GetOptions{})
		if step.kept == "" && !apierrors.IsNotFound(err) || step.kept != "" && (err != nil || now.Data["k"] != step.kept) {
			t.Errorf("after %+v: %v, %v", step, now, err)
		}
	}
	_, _, err := client.Of[corev1.ConfigMap](c).In("no-such-namespace").CreateOrModify(ctx, "a", set("1"))
	if !apierrors.IsNotFound(err) {
		t.Errorf("in a namespace that is not there: %v", err)
	}
	_, err = maps.Modify(ctx, "b", set("1"))
	if !apierrors.IsNotFound(err) {
		t.Errorf("Modify of what is not there: %v", err)
	}
}

func TestCreateOrModifyBesideThoseWhoCreateAndDelete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		missing, exists := faults.Status(http.StatusNotFound), alreadyExists()
		maps, s := play(t, missing, exists, configMap(1, "old"), missing, missing, configMap(5, "new"))
		m, done, err := maps.CreateOrModify(t.Context(), "a", func(m *corev1.ConfigMap) error {
			m.Data = map[string]string{"k": "new"}
			return nil
		})
		var verbs []string
		for _, r := range s.Requests() {
			verbs = append(verbs, r.Method)
		}
		if got := strings.Join(verbs, " "); err != nil || done != client.Created || m.ResourceVersion != "5" || got != "GET POST GET PATCH GET POST" {
			t.Errorf("%v, %s, %v: %s", m, done, err, got)
		}
	})
}

func alreadyExists() faults.Fault {
	return faults.Status(http.StatusConflict, faults.Reason(metav1.StatusReasonAlreadyExists))
}

// deploymentOf returns a Deployment with these containers.
func deploymentOf(name string, containers ...string) *appsv1.Deployment {
	labels := map[string]string{"app": name}
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: appsv1.DeploymentSpec{
		Selector: &metav1.LabelSelector{MatchLabels: labels},
		Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}},
	}}
	for _, c := range containers {
		d.Spec.Template.Spec.Containers = append(d.Spec.Template.Spec.Containers, corev1.Container{Name: c, Image: "example.com/" + c + ":1"})
	}
	return d
}
