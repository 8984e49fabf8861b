package skifftest_test

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/skifftest"
)

func deployment(name string) *appsv1.Deployment {
	return &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "shop", UID: types.UID(name)}}
}

// In the foreground, an owner waits for the dependents that block it and for no others, and what has
// another owner stays.
func TestForegroundDeletion(t *testing.T) {
	owned := func(name string, block bool, finalizers []string, owners ...string) *corev1.ConfigMap {
		m := configMap(name)
		m.Finalizers = finalizers
		for _, owner := range owners {
			m.OwnerReferences = append(m.OwnerReferences, metav1.OwnerReference{
				APIVersion: "apps/v1", Kind: "Deployment", Name: owner, UID: types.UID(owner), BlockOwnerDeletion: &block,
			})
		}
		return m
	}
	held := []string{"example.com/held"}
	s := skifftest.New(t, deployment("blocked"), deployment("free"), deployment("stays"),
		owned("a", true, held, "blocked"), owned("b", false, nil, "blocked"), // b, which is last, blocks nothing
		owned("c", false, held, "free"), owned("d", true, nil, "free", "stays"))
	deployments := client.Of[appsv1.Deployment](newClient(t, s)).In("shop")
	policy := metav1.DeletePropagationForeground
	for _, name := range []string{"blocked", "free"} {
		if err := deployments.Delete(t.Context(), name, metav1.DeleteOptions{PropagationPolicy: &policy}); err != nil {
			t.Fatal(err)
		}
	}
	s.CollectGarbage()
	if !skifftest.Has[appsv1.Deployment](s, "shop", "blocked") {
		t.Error("an owner is gone before the dependent that blocks it")
	}
	if skifftest.Has[appsv1.Deployment](s, "shop", "free") {
		t.Error("an owner waits for a dependent that does not block it")
	}
	if d := skifftest.Get[corev1.ConfigMap](s, "shop", "d"); d.DeletionTimestamp != nil || len(d.OwnerReferences) != 1 {
		t.Errorf("what has another owner: deleted %v, owners %v", d.DeletionTimestamp, d.OwnerReferences)
	}
	if skifftest.Has[corev1.ConfigMap](s, "shop", "b") {
		t.Error("a dependent without finalizers is still there")
	}
}
