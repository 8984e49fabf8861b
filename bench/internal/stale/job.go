package stale

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

const (
	// wantKey is the annotation of a ConfigMap that tells how many Secrets it is to have.
	wantKey = "bench.example.com/children"
	// parentKey is the label of a Secret that has the name of its ConfigMap.
	parentKey = "bench.example.com/parent"
)

// client is what a reconcile needs of a side.
type client interface {
	// read returns a ConfigMap and its Secrets, from the cache.
	read(ctx context.Context, namespace, name string) (*corev1.ConfigMap, []*corev1.Secret, error)
	create(ctx context.Context, s *corev1.Secret) error
	delete(ctx context.Context, s *corev1.Secret) error
}

// reconcile gives a ConfigMap as many Secrets as it wants. It is the same for every side, and believes
// what the cache says: it creates what is missing under generated names, and deletes any of what is too
// much.
func reconcile(ctx context.Context, c client, namespace, name string) error {
	parent, children, err := c.read(ctx, namespace, name)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	want, err := strconv.Atoi(parent.Annotations[wantKey])
	if err != nil {
		return fmt.Errorf("the annotation %s: %w", wantKey, err)
	}
	for range want - len(children) {
		if err := c.create(ctx, newChild(parent)); err != nil {
			return err
		}
	}
	rand.Shuffle(len(children), func(i, j int) { children[i], children[j] = children[j], children[i] })
	for _, child := range children[:max(0, len(children)-want)] {
		if err := c.delete(ctx, child); err != nil && !apierrors.IsNotFound(err) {
			return err
		}
	}
	return nil
}

func newChild(parent *corev1.ConfigMap) *corev1.Secret {
	return &corev1.Secret{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"},
		ObjectMeta: metav1.ObjectMeta{
			Namespace: parent.Namespace, GenerateName: parent.Name + "-",
			Labels:          map[string]string{parentKey: parent.Name},
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(parent, corev1.SchemeGroupVersion.WithKind("ConfigMap"))},
		},
	}
}

func childrenOf(name string) labels.Selector {
	return labels.SelectorFromSet(labels.Set{parentKey: name})
}
