package faketest

import (
	"context"
	"net/http"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/faults"
	"github.com/skiff-k8s/skiff/rest"
)

// SkiffCode is what the test is about: it reads a ConfigMap.
func SkiffCode(ctx context.Context, c *rest.Client) (string, error) {
	cm, err := client.Of[corev1.ConfigMap](c).In("shop").Get(ctx, "settings", metav1.GetOptions{})
	if err != nil {
		return "", err
	}
	return cm.Data["colour"], nil
}

// Skiff calls the code with a server in memory, and with one that is broken: the real client, over
// real HTTP. controlplane is a real API server for the rest.
func Skiff(ctx context.Context, t faults.TB) (colour string, fault error) {
	store := faults.NewStore()
	if _, err := store.Put(&corev1.ConfigMap{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"},
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "settings"},
		Data:       map[string]string{"colour": "blue"},
	}); err != nil {
		return "", err
	}
	connect := func(handler http.Handler) (*rest.Client, error) {
		server := faults.Start(t, handler, faults.Options{})
		return rest.NewClient(&rest.Config{Host: server.URL(), Dial: server.Dial, MaxRetries: -1})
	}
	c, err := connect(store)
	if err != nil {
		return "", err
	}
	if colour, err = SkiffCode(ctx, c); err != nil {
		return "", err
	}
	broken, err := connect(faults.NewLayer(store, faults.Rule{Do: faults.Status(http.StatusInternalServerError)}))
	if err != nil {
		return "", err
	}
	_, fault = SkiffCode(ctx, broken)
	return colour, fault
}
