package client_test

import (
	"net/http"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/rest"
)

var partial = metav1.TypeMeta{APIVersion: "meta.k8s.io/v1", Kind: "PartialObjectMetadata"}

// Each verb that a metadata client has, of a built-in and of a custom resource. The answers come as
// protobuf, and without the objects' data.
func TestMetadataOfObjects(t *testing.T) {
	for format, jsonOnly := range map[string]bool{"protobuf": false, "json": true} {
		t.Run(format, func(t *testing.T) {
			c, ctx := connect(t, func(cfg *rest.Config) {
				cfg.JSONOnly = jsonOnly
				cfg.WrapTransport = func(next http.RoundTripper) http.RoundTripper {
					return roundTripper(func(r *http.Request) (*http.Response, error) {
						resp, err := next.RoundTrip(r)
						if err == nil && resp.StatusCode < 300 && strings.Contains(r.Header.Get("Accept"), "as=PartialObjectMetadata") && r.Method != http.MethodDelete &&
							!strings.Contains(resp.Header.Get("Content-Type"), format) {
							t.Errorf("%s %s: the answer is %s", r.Method, r.URL, resp.Header.Get("Content-Type"))
						}
						return resp, err
					})
				}
			}), soon(t)
			ns := namespace(t, c)
			establish(t, c)
			must(client.Of[Widget](c).In(ns).Create(ctx, &Widget{ObjectMeta: metav1.ObjectMeta{Name: "a"}}, metav1.CreateOptions{}))(t)
			must(client.Of[corev1.ConfigMap](c).In(ns).Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "a"},
				Data: map[string]string{"k": "v"}}, metav1.CreateOptions{}))(t)
			maps, err := kind.Of[corev1.ConfigMap]()
			if err != nil {
				t.Fatal(err)
			}
			unregistered := kind.Info{Version: widget.Version, Group: widget.Group, Resource: widget.Resource}
			for _, k := range []kind.Info{maps, widget, unregistered} {
				metadata(t, client.Metadata(c, k).In(ns), k)
			}
		})
	}
}

func metadata(t *testing.T, m *client.Client[metav1.PartialObjectMetadata], k kind.Info) {
	t.Helper()
	var told []client.Write
	ctx := client.WithWriteObserver(soon(t), func(w client.Write) { told = append(told, w) })
	a := must(m.Get(ctx, "a", metav1.GetOptions{}))(t)
	if a.TypeMeta != partial || a.Name != "a" || a.UID == "" || len(a.ManagedFields) == 0 {
		t.Errorf("%v: got %+v", k, a)
	}
	list := must(m.List(ctx, metav1.ListOptions{FieldSelector: "metadata.name=a"}))(t)
	if len(list.Items) != 1 || list.Items[0].UID != a.UID || list.Items[0].TypeMeta != partial || list.ResourceVersion == "" {
		t.Errorf("%v: the list is %+v", k, list)
	}
	w, err := m.Watch(ctx, metav1.ListOptions{ResourceVersion: list.ResourceVersion, FieldSelector: "metadata.name=a"})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	a = must(m.Patch(ctx, "a", types.MergePatchType, []byte(`{"metadata":{"labels":{"x":"y"}}}`), metav1.PatchOptions{}))(t)
	if a.TypeMeta != partial || a.Labels["x"] != "y" || len(told) != 1 || told[0].Kind != k || told[0].ResourceVersion != a.ResourceVersion {
		t.Errorf("%v: patched it is %+v; told was %+v", k, a, told)
	}
	if e := next(t, w); e.Type != client.Modified || e.Object.Labels["x"] != "y" || e.Object.TypeMeta != partial {
		t.Errorf("%v: the event is %+v", k, e)
	}
	a = must(m.Patch(ctx, "a", types.MergePatchType, []byte(`{"metadata":{"labels":{"x":null}}}`), metav1.PatchOptions{}))(t)
	if _, err := m.Get(ctx, "b", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("%v: what is not there: %v", k, err)
	}
	for _, err := range []error{
		second(m.Create(ctx, a, metav1.CreateOptions{})), second(m.Update(ctx, a, metav1.UpdateOptions{})),
		second(m.UpdateStatus(ctx, a, metav1.UpdateOptions{})), second(m.Apply(ctx, a, metav1.ApplyOptions{FieldManager: "m"})),
	} {
		if !isMisuse(err) || !strings.Contains(err.Error(), "use Patch") {
			t.Errorf("%v: a whole object of metadata: %v", k, err)
		}
	}
	if err := m.Delete(ctx, "a", metav1.DeleteOptions{Preconditions: metav1.NewUIDPreconditions("other")}); !apierrors.IsConflict(err) {
		t.Errorf("%v: deletion of another: %v", k, err)
	}
	dry := metav1.DeleteOptions{DryRun: []string{metav1.DryRunAll}}
	if err := m.Delete(ctx, "a", dry); err != nil {
		t.Errorf("%v: %v", k, err)
	}
	if err := m.DeleteCollection(ctx, dry, metav1.ListOptions{}); err != nil {
		t.Errorf("%v: %v", k, err)
	}
	foreground := metav1.DeletePropagationForeground // the object stays until its dependents are gone
	if err := m.Delete(ctx, "a", metav1.DeleteOptions{PropagationPolicy: &foreground, DryRun: dry.DryRun}); err != nil {
		t.Errorf("%v: %v", k, err)
	}
}

func TestMetadataOfAnIncompleteKind(t *testing.T) {
	_, err := client.Metadata(untouched(t), kind.Info{Group: "g", Kind: "K", Version: "v1"}).List(t.Context(), metav1.ListOptions{})
	if !isMisuse(err) || !strings.Contains(err.Error(), "a Version and a Resource") {
		t.Errorf("%v", err)
	}
}
