// Package faketest is a unit test of code that reads and writes, with a fault.
package faketest

import (
	"context"
	"errors"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/fake"
	k8stesting "k8s.io/client-go/testing"
)

// Code is what the test is about: it reads a ConfigMap.
func Code(ctx context.Context, c kubernetes.Interface) (string, error) {
	cm, err := c.CoreV1().ConfigMaps("shop").Get(ctx, "settings", metav1.GetOptions{})
	if err != nil {
		return "", err
	}
	return cm.Data["colour"], nil
}

// ClientGo calls the code with a fake clientset, and with one that fails.
func ClientGo(ctx context.Context) (colour string, fault error) {
	c := fake.NewClientset(&corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "settings"},
		Data:       map[string]string{"colour": "blue"},
	})
	colour, err := Code(ctx, c)
	if err != nil {
		return "", err
	}
	c.PrependReactor("get", "configmaps", func(k8stesting.Action) (bool, runtime.Object, error) {
		return true, nil, errors.New("broken")
	})
	_, fault = Code(ctx, c)
	return colour, fault
}
