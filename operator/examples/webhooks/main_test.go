package main

import (
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/skiff-k8s/skiff/operator/webhook"
)

func TestValidate(t *testing.T) {
	r := &webhook.Request[corev1.Service]{Object: &corev1.Service{}}
	r.Object.Spec.Type = corev1.ServiceTypeNodePort
	if _, err := validate(t.Context(), r); err == nil {
		t.Error("a node port was admitted")
	}
	r.Object.Annotations = map[string]string{nodePorts: "allowed"}
	r.Object.Spec.ExternalIPs = []string{"192.0.2.1"}
	if warnings, err := validate(t.Context(), r); err != nil || len(warnings) != 1 {
		t.Errorf("a node port that is allowed: %q, %v", warnings, err)
	}
}
