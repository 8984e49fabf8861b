package crd_test

import (
	"errors"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/crd"
	"github.com/skiff-k8s/skiff/discovery"
	"github.com/skiff-k8s/skiff/dynamic"
	"github.com/skiff-k8s/skiff/rest"
)

// applied applies a definition without crd.Install, and waits for it by an object of it.
func applied(t *testing.T, c *rest.Client, u, object *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	t.Helper()
	stream := func(yield func(*unstructured.Unstructured, error) bool) { _ = yield(u, nil) && yield(object, nil) }
	all, err := dynamic.ApplyAll(soon(t), dynamic.New(c), discovery.NewMapper(discovery.New(c)), stream,
		dynamic.ApplyAllOptions{FieldManager: "test", Force: true})
	if len(all) != 2 || all[0].Err != nil {
		t.Fatal(err)
	}
	return all[1].Stored, all[1].Err
}

// The server takes a definition with all options, and does what its words say.
func TestTheServerTakesADefinition(t *testing.T) {
	c := connect(t)
	namespace := controlplane.Start(t).Namespace(t)
	object := &unstructured.Unstructured{Object: map[string]any{"apiVersion": group + "/v1", "kind": "Backup",
		"metadata": map[string]any{"name": "nightly", "namespace": namespace},
		"spec": map[string]any{"bucket": "photos", "template": map[string]any{
			"metadata": map[string]any{"labels": map[string]any{"app": "x"}},
			"spec":     map[string]any{"containers": []any{map[string]any{"name": "c", "image": "i"}}}}}}}
	if _, err := applied(t, c, crd.MustOf[Backup](backups()...), object); err != nil {
		t.Fatal(err)
	}
	b := client.Of[Backup](c).In(namespace)
	got, err := b.Get(soon(t), "nightly", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got.Spec.Keep != 7 || got.Spec.Mode != "Full" || got.Spec.Template.Labels["app"] != "x" {
		t.Errorf("the server has defaulted and kept %+v", got.Spec)
	}
	got.Spec.Mode, got.Spec.Keep = "Partial", 101
	_, err = b.Update(soon(t), got, metav1.UpdateOptions{})
	var status apierrors.APIStatus
	if !apierrors.IsInvalid(err) || !errors.As(err, &status) || len(status.Status().Details.Causes) != 2 ||
		!strings.Contains(err.Error(), "spec.keep") || !strings.Contains(err.Error(), "spec.mode") {
		t.Errorf("an object against its words: %v", err)
	}
	full, err := b.List(soon(t), metav1.ListOptions{FieldSelector: "spec.mode=Full"})
	if err != nil || len(full.Items) != 1 {
		t.Errorf("by a selectable field: %v", err)
	}
}
