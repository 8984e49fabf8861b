package client_test

import (
	"errors"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/kind"
)

func objectMeta(namespace, name, uid string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: namespace, Name: name, UID: types.UID(uid)}
}

func TestSetControllerAndOwner(t *testing.T) {
	pod := &corev1.Pod{ObjectMeta: objectMeta("n", "p", "1")}
	set := &appsv1.ReplicaSet{ObjectMeta: objectMeta("n", "rs", "2")}
	node := &corev1.Node{ObjectMeta: objectMeta("", "node", "3")}
	own := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "example.com/v1", "kind": "Own",
		"metadata": map[string]any{"namespace": "n", "name": "o", "uid": "4"}}}
	for range 2 { // the second time changes nothing
		for _, err := range []error{client.SetControllerOf(pod, set), client.SetOwnerOf(pod, node), client.SetOwnerOf(pod, own), client.SetOwnerOf(pod, set)} {
			if err != nil {
				t.Error(err)
			}
		}
		want := `[{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"rs","uid":"2","controller":true,"blockOwnerDeletion":true},` +
			`{"apiVersion":"v1","kind":"Node","name":"node","uid":"3"},{"apiVersion":"example.com/v1","kind":"Own","name":"o","uid":"4"}]`
		if got := asJSON(t, pod.OwnerReferences); got != want {
			t.Errorf("the owners are\n%s, want\n%s", got, want)
		}
	}
	if !metav1.IsControlledBy(pod, set) {
		t.Error("the ReplicaSet is not the controller")
	}

	// One of the same name that came after it takes its place, in whatever version of the group.
	later := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "apps/v2", "kind": "ReplicaSet",
		"metadata": map[string]any{"namespace": "n", "name": "rs", "uid": "5"}}}
	if client.HasOwner(pod, later) || !client.HasOwner(pod, set) {
		t.Error("HasOwner does not look at the uid")
	}
	if err := client.SetControllerOf(pod, later); err != nil || len(pod.OwnerReferences) != 3 || pod.OwnerReferences[0].UID != "5" {
		t.Errorf("%v, %s", err, asJSON(t, pod.OwnerReferences))
	}
	var already *client.AlreadyControlledError
	before := asJSON(t, pod)
	err := client.SetControllerOf(pod, &appsv1.ReplicaSet{ObjectMeta: objectMeta("n", "other", "6")})
	if !errors.As(err, &already) || already.Controller.UID != "5" || already.Name != "p" || asJSON(t, pod) != before ||
		err.Error() != `set the controller of pods "p": it is controlled by ReplicaSet "rs"` {
		t.Errorf("%v", err)
	}

	if client.RemoveOwnerOf(pod, set) { // that one's uid has gone
		t.Error("an owner was removed by a uid that no reference has")
	}
	unread := &appsv1.ReplicaSet{ObjectMeta: objectMeta("n", "rs", "")}
	if !client.HasOwner(pod, unread) || !client.RemoveOwnerOf(pod, unread) || client.HasOwner(pod, later) || client.RemoveOwnerOf(pod, unread) {
		t.Errorf("%s", asJSON(t, pod.OwnerReferences))
	}
	if !client.RemoveOwnerOf(pod, node) || !client.RemoveOwnerOf(pod, own) || pod.OwnerReferences != nil {
		t.Errorf("%s", asJSON(t, pod.OwnerReferences))
	}
}

func TestOwnersThatCannotBe(t *testing.T) {
	set := &appsv1.ReplicaSet{ObjectMeta: objectMeta("n", "rs", "2")}
	stranger := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "example.com/v1", "kind": "Own",
		"metadata": map[string]any{"namespace": "n", "name": "o", "uid": "4"}}}
	for says, c := range map[string]struct{ obj, owner metav1.Object }{
		"cluster-scoped and":        {&corev1.Node{ObjectMeta: objectMeta("", "a", "1")}, set},
		"it is cluster-scoped":      {&corev1.Node{ObjectMeta: objectMeta("", "a", "1")}, stranger},
		`its owner ReplicaSet "rs"`: {&corev1.Pod{ObjectMeta: objectMeta("m", "a", "1")}, set},
		"set the namespace first":   {&corev1.Pod{ObjectMeta: objectMeta("", "a", "1")}, set},
		"read from the server":      {&corev1.Pod{ObjectMeta: objectMeta("n", "a", "1")}, &appsv1.ReplicaSet{ObjectMeta: objectMeta("n", "rs", "")}},
		"has no name":               {&corev1.Pod{ObjectMeta: objectMeta("n", "a", "1")}, &appsv1.ReplicaSet{ObjectMeta: objectMeta("n", "", "2")}},
	} {
		before := asJSON(t, c.obj)
		for _, f := range []func(obj, owner metav1.Object) error{client.SetControllerOf, client.SetOwnerOf} {
			err := f(c.obj, c.owner)
			if !errors.As(err, new(*kind.MisuseError)) || !strings.Contains(err.Error(), says) || asJSON(t, c.obj) != before {
				t.Errorf("%v, want one that says %q", err, says)
			}
		}
	}
	type unknown struct{ corev1.Pod }
	if err := client.SetOwnerOf(&corev1.Pod{}, &unknown{}); !errors.As(err, new(*kind.UnknownError)) {
		t.Errorf("%v", err)
	}
}

// The garbage collector agrees.
func TestOwnersOnTheServer(t *testing.T) {
	c, ctx := connect(t), soon(t)
	ns := namespace(t, c)
	maps := client.Of[corev1.ConfigMap](c).In(ns)
	owner := must(maps.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "owner"}}, metav1.CreateOptions{}))(t)
	owned := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "owned"}}
	if err := client.SetControllerOf(owned, owner); err != nil {
		t.Fatal(err)
	}
	w := must(maps.Watch(ctx, metav1.ListOptions{FieldSelector: "metadata.name=owned", ResourceVersion: owner.ResourceVersion}))(t)
	defer w.Close()
	must(maps.Create(ctx, owned, metav1.CreateOptions{}))(t)
	if err := maps.Delete(ctx, "owner", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	for e := next(t, w); e.Type != client.Deleted; e = next(t, w) {
	}
}
