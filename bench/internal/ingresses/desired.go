package ingresses

import (
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Annotation asks for an Ingress, with the value "true".
const Annotation = "ingress/http"

// Ready is the line that both programs print when their caches are in sync.
const Ready = "ready"

// Workers is how many Services both controllers reconcile at a time.
const Workers = 5

// Desired returns the Ingress of a Service, or nil if it has not asked for one.
func Desired(svc *corev1.Service) *networkingv1.Ingress {
	if svc.Annotations[Annotation] != "true" || len(svc.Spec.Ports) == 0 {
		return nil
	}
	prefix := networkingv1.PathTypePrefix
	return &networkingv1.Ingress{
		ObjectMeta: metav1.ObjectMeta{
			Name: svc.Name, Namespace: svc.Namespace,
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(svc, corev1.SchemeGroupVersion.WithKind("Service"))},
		},
		Spec: networkingv1.IngressSpec{Rules: []networkingv1.IngressRule{{
			Host: svc.Name + "." + svc.Namespace + ".example.com",
			IngressRuleValue: networkingv1.IngressRuleValue{HTTP: &networkingv1.HTTPIngressRuleValue{
				Paths: []networkingv1.HTTPIngressPath{{
					Path: "/", PathType: &prefix,
					Backend: networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{
						Name: svc.Name, Port: networkingv1.ServiceBackendPort{Number: svc.Spec.Ports[0].Port},
					}},
				}},
			}},
		}}},
	}
}

// Right reports whether an Ingress is what is desired. The server sets no defaults in these fields.
func Right(have, want *networkingv1.Ingress) bool {
	return len(have.Spec.Rules) == 1 && have.Spec.Rules[0].Host == want.Spec.Rules[0].Host &&
		metav1.GetControllerOf(have) != nil && metav1.GetControllerOf(have).UID == want.OwnerReferences[0].UID
}
