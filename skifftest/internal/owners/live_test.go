package owners

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	apischema "k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	kjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"

	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/rest"
	"github.com/skiff-k8s/skiff/skifftest/internal/live"
	"github.com/skiff-k8s/skiff/skifftest/internal/patch"
	"github.com/skiff-k8s/skiff/skifftest/internal/schema"
)

func TestMain(m *testing.M) { controlplane.Main(m) }

// step is one write of a scenario. Its body is YAML; of an apply, a patch or an object.
type step struct {
	verb        string // create, update, apply, json, merge, strategic
	manager     string
	subresource string
	version     string // "" is the scenario's
	force       bool
	body        string
	code        int32 // of the error; 0 is none
	loose       bool  // admission changes what is stored: the owners are not compared
}

// scenario is the life of one object. It is written to the control plane; what that answers is what
// the functions of this package are to return.
type scenario struct {
	name     string
	gvk      apischema.GroupVersionKind
	resource string // plural
	cluster  bool   // cluster-scoped
	path     string // of the replicas, for the subresource scale
	steps    []step
}

func TestLikeTheControlPlane(t *testing.T) {
	cluster := live.Cluster(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if err := cluster.InstallCRDs(ctx, "testdata"); err != nil {
		t.Fatal(err)
	}
	c, err := rest.NewClient(cluster.Config())
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseIdleConnections()
	set := schema.Builtin()
	addCRDs(t, set)
	namespace := cluster.Namespace(t)
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) {
			r := run{t: t, ctx: ctx, c: c, s: s, namespace: namespace, m: New(set, nil), set: set}
			for i, st := range s.steps {
				if !r.step(i, st) {
					return
				}
			}
		})
	}
}

type run struct {
	t         *testing.T
	ctx       context.Context
	c         *rest.Client
	s         scenario
	namespace string
	m         *Manager
	set       *schema.Set
	name      string
}

// step writes once to both sides, and reports whether to go on.
func (r *run) step(i int, st step) bool {
	t := r.t
	t.Helper()
	gvk := r.s.gvk
	if st.version != "" {
		gvk.Version = st.version
	}
	was, err := r.read(gvk)
	if err != nil && !apierrors.IsNotFound(err) {
		t.Fatal(err)
	}
	frozen := runtime.DeepCopyJSON(was)
	if o, err := yaml.YAMLToJSON([]byte(st.body)); err == nil && st.verb == "apply" && o[0] == '{' {
		var named map[string]any
		if err := json.Unmarshal(o, &named); err != nil {
			t.Fatal(err)
		}
		metadata, ok := named["metadata"].(map[string]any)
		if !ok {
			metadata = map[string]any{}
			named["metadata"] = metadata
		}
		metadata["name"] = r.name
		o, _ = json.Marshal(named)
		st.body = string(o)
	}
	theirs, theirErr := r.send(gvk, st, was)
	if theirErr == nil && st.subresource == "scale" {
		theirs, theirErr = r.read(gvk)
	}
	ours, ourErr := r.ours(gvk, st, was, theirs)
	if !reflect.DeepEqual(frozen, was) {
		t.Errorf("step %d modified the live object", i)
	}
	if theirErr != nil || ourErr != nil {
		a, b := statusOf(theirErr), statusOf(ourErr)
		a.Message, _, _ = strings.Cut(a.Message, " (patch "+r.s.resource) // the client's
		a.Message = strings.TrimSpace(a.Message)
		b.Message = strings.TrimSpace(b.Message) // as the client does
		if a.Code != b.Code || a.Reason != b.Reason || a.Message != b.Message || !reflect.DeepEqual(causes(a), causes(b)) {
			t.Errorf("step %d %s:\nthe control plane's error is %d %s %s %v\nours is                     %d %s %s %v", i, st.verb,
				a.Code, a.Reason, a.Message, causes(a), b.Code, b.Reason, b.Message, causes(b))
		}
		if a.Code != st.code {
			t.Errorf("step %d: the code is %d, want %d", i, a.Code, st.code)
		}
		return true
	}
	if st.code != 0 {
		t.Errorf("step %d: no error, want %d", i, st.code)
	}
	a, b := entries(theirs), entries(ours)
	if a != b && !st.loose {
		t.Errorf("step %d %s: the managed fields differ:\nthe control plane's are %s\nours are                %s", i, st.verb, a, b)
	}
	// What the server sets itself is not to be compared.
	x, y := bare(theirs), bare(ours)
	if was == nil {
		return true // the server's defaults
	}
	if st.subresource == "status" {
		x, y = map[string]any{"status": x["status"]}, map[string]any{"status": y["status"]}
	}
	if !reflect.DeepEqual(x, y) {
		xs, _ := json.Marshal(x)
		ys, _ := json.Marshal(y)
		t.Errorf("step %d %s: the objects differ:\nthe control plane's is %s\nours is                %s", i, st.verb, xs, ys)
	}
	return true
}

func causes(s metav1.Status) []metav1.StatusCause {
	if s.Details == nil {
		return nil
	}
	all := slices.Clone(s.Details.Causes)
	slices.SortFunc(all, func(a, b metav1.StatusCause) int { return strings.Compare(a.Field, b.Field) })
	return all
}

func statusOf(err error) metav1.Status {
	var s apierrors.APIStatus
	if errors.As(err, &s) {
		return s.Status()
	}
	if err != nil {
		return metav1.Status{Message: "no status: " + err.Error()}
	}
	return metav1.Status{Code: http.StatusOK}
}

// ours returns what this package makes of the step. theirs is what the control plane made of it:
// what it stored, with its defaults, is what an update asks the package for.
func (r *run) ours(gvk apischema.GroupVersionKind, st step, was, theirs map[string]any) (map[string]any, error) {
	if st.subresource == "scale" {
		return r.scale(gvk, st, was)
	}
	switch st.verb {
	case "apply":
		return r.m.Apply(gvk, st.subresource, was, []byte(st.body), st.manager, st.force)
	case "create", "update":
		if theirs == nil {
			return nil, errors.New("the step is not to fail")
		}
		next := runtime.DeepCopyJSON(theirs)
		metadata := next["metadata"].(map[string]any)
		delete(metadata, "managedFields")
		if sent, ok := object(r.t, st.body)["metadata"].(map[string]any)["managedFields"]; ok {
			metadata["managedFields"] = sent
		}
		if custom, ok := r.set.Custom(gvk); ok {
			if _, err := custom.Decode(next); err != nil {
				return nil, err
			}
		} else {
			var err error
			if next, _, err = schema.Convert(gvk, next); err != nil {
				return nil, err
			}
		}
		return r.m.Update(gvk, st.subresource, was, next, st.manager)
	}
	custom, _ := r.set.Custom(gvk)
	result, err := patch.Request{Type: patchType(st.verb), GVK: gvk, Custom: custom, Live: was, Body: asJSON(r.t, st.body)}.Do()
	if err != nil {
		return nil, err
	}
	return r.m.Update(gvk, st.subresource, was, result.Object, st.manager)
}

// scale writes the subresource scale.
func (r *run) scale(gvk apischema.GroupVersionKind, st step, was map[string]any) (map[string]any, error) {
	fields := strings.Split(strings.TrimPrefix(r.s.path, "."), ".")
	n, _, _ := unstructured.NestedInt64(was, fields...)
	scale := map[string]any{"apiVersion": "autoscaling/v1", "kind": "Scale",
		"metadata": map[string]any{"name": r.name, "uid": "1"}, "spec": map[string]any{"replicas": n}}
	scale, err := r.m.ToScale(gvk, r.s.path, was, scale)
	if err != nil {
		return nil, err
	}
	var next map[string]any
	if st.verb == "apply" {
		next, err = r.m.Apply(ScaleKind, "scale", scale, []byte(st.body), st.manager, st.force)
	} else {
		next, err = patch.Apply(patchType(st.verb), ScaleKind, scale, asJSON(r.t, st.body))
		if err == nil {
			next, err = r.m.Update(ScaleKind, "scale", scale, next, st.manager)
		}
	}
	if err != nil {
		return nil, err
	}
	n, _, _ = unstructured.NestedInt64(next, "spec", "replicas")
	parent := runtime.DeepCopyJSON(was)
	if err := unstructured.SetNestedField(parent, n, fields...); err != nil {
		return nil, err
	}
	return r.m.FromScale(gvk, r.s.path, parent, next)
}

func patchType(verb string) types.PatchType {
	return map[string]types.PatchType{"json": types.JSONPatchType, "merge": types.MergePatchType,
		"strategic": types.StrategicMergePatchType, "apply": types.ApplyYAMLPatchType}[verb]
}

func asJSON(t *testing.T, body string) []byte {
	t.Helper()
	data, err := yaml.YAMLToJSON([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func object(t *testing.T, body string) map[string]any {
	t.Helper()
	var o map[string]any
	if err := kjson.UnmarshalCaseSensitivePreserveInts(asJSON(t, body), &o); err != nil {
		t.Fatal(err)
	}
	return o
}

func (r *run) request(verb string, gvk apischema.GroupVersionKind) *rest.Request {
	q := r.c.Verb(verb).GroupVersion(gvk.GroupVersion()).Resource(r.s.resource).SetHeader("Accept", "application/json")
	if !r.s.cluster {
		q = q.Namespace(r.namespace)
	}
	return q
}

func (r *run) read(gvk apischema.GroupVersionKind) (map[string]any, error) {
	if r.name == "" {
		r.name = strings.ToLower(strings.NewReplacer(" ", "-", ",", "").Replace(r.s.name))
	}
	data, err := r.request("GET", gvk).Name(r.name).DoRaw(r.ctx)
	if err != nil {
		return nil, err
	}
	return object(r.t, string(data)), nil
}

func (r *run) send(gvk apischema.GroupVersionKind, st step, was map[string]any) (map[string]any, error) {
	var q *rest.Request
	body := []byte(st.body)
	switch st.verb {
	case "create", "update":
		o := object(r.t, st.body)
		metadata := o["metadata"].(map[string]any)
		metadata["name"] = r.name
		if st.verb == "create" {
			q = r.request("POST", gvk)
		} else {
			metadata["resourceVersion"] = was["metadata"].(map[string]any)["resourceVersion"]
			q = r.request("PUT", gvk).Name(r.name)
		}
		body, _ = json.Marshal(o)
	default:
		q = r.request("PATCH", gvk).Name(r.name).SetHeader("Content-Type", string(patchType(st.verb)))
		if st.verb != "apply" {
			body = asJSON(r.t, st.body)
		}
	}
	if st.subresource != "" {
		q = q.SubResource(st.subresource)
	}
	q = q.Param("fieldManager", st.manager)
	if st.force {
		q = q.Param("force", "true")
	}
	data, err := q.Body(body).DoRaw(r.ctx)
	if err != nil {
		return nil, err
	}
	return object(r.t, string(data)), nil
}

// entries returns the managed fields as text, without their times.
func entries(o map[string]any) string {
	u := unstructured.Unstructured{Object: o}
	all := u.GetManagedFields()
	for i := range all {
		if all[i].Time != nil {
			all[i].Time = &metav1.Time{} // there is one
		}
	}
	slices.SortFunc(all, func(a, b metav1.ManagedFieldsEntry) int {
		return strings.Compare(a.Manager+string(a.Operation)+a.APIVersion+a.Subresource, b.Manager+string(b.Operation)+b.APIVersion+b.Subresource)
	})
	data, _ := json.Marshal(all)
	return string(data)
}

func bare(o map[string]any) map[string]any {
	o = runtime.DeepCopyJSON(o)
	metadata := o["metadata"].(map[string]any)
	for _, f := range []string{"managedFields", "resourceVersion", "generation"} {
		delete(metadata, f)
	}
	return o
}

func addCRDs(t *testing.T, set *schema.Set) {
	t.Helper()
	data, err := os.ReadFile("testdata/widgets.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := set.AddCRD(object(t, string(data))); err != nil {
		t.Fatal(err)
	}
}
