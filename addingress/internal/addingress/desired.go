package addingress

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	// Annotation is the annotation of a Service that asks for an Ingress.
	Annotation = "ingress/http"
	// annotationOn is the one value of it that does, and annotationOff one that does not.
	annotationOn  = "true"
	annotationOff = "false"

	// AppliedAnnotation, on an Ingress, is the instance of addingress that last wrote it, and a
	// digest of everything that it applied: "default/4a50c29d0dbb5bbb". The digest shows when
	// addingress does not apply a field any more, such as an ingress class that is no longer
	// configured: the field is still there, and only managedFields, which the cache does not
	// keep, has its owner.
	AppliedAnnotation = "addingress.skiff.dev/applied"

	ingressVersion = "networking.k8s.io/v1"
)

// settings are the operator's flags that concern every Ingress.
type settings struct {
	hosts *HostTemplate
	class string // "" leaves the class to others, and to the cluster's default

	instance string // the operator's own name
}

// manager returns the name of the operator in managedFields.
func (s settings) manager() string { return managerPrefix + s.instance }

// desired returns the Ingress of svc with the fields that addingress owns and no
// others, or the problem because of which svc cannot have one.
func (s settings) desired(svc *corev1.Service) (*networkingv1.Ingress, *problem) {
	port, p := backendPort(svc)
	if p != nil {
		return nil, p
	}
	host, err := s.hosts.Host(svc.Name, svc.Namespace)
	if err != nil {
		return nil, &problem{reasonInvalidHost, fmt.Sprintf(
			"The Service cannot have an Ingress: %v. Use a Service with another name, or start "+
				"addingress with another --host-template (it is %s).",
			err, s.hosts)}
	}

	backend := networkingv1.IngressServiceBackend{Name: svc.Name, Port: port}
	prefix := networkingv1.PathTypePrefix
	ing := &networkingv1.Ingress{
		TypeMeta: metav1.TypeMeta{APIVersion: ingressVersion, Kind: "Ingress"},
		ObjectMeta: metav1.ObjectMeta{
			Name:            svc.Name,
			Namespace:       svc.Namespace,
			OwnerReferences: []metav1.OwnerReference{ownerReference(svc)},
		},
		Spec: networkingv1.IngressSpec{
			Rules: []networkingv1.IngressRule{{
				Host: host,
				IngressRuleValue: networkingv1.IngressRuleValue{
					HTTP: &networkingv1.HTTPIngressRuleValue{
						Paths: []networkingv1.HTTPIngressPath{{
							Path:     "/",
							PathType: &prefix,
							Backend:  networkingv1.IngressBackend{Service: &backend},
						}},
					},
				},
			}},
		},
	}
	if s.class != "" {
		ing.Spec.IngressClassName = &s.class
	}
	ing.Annotations = map[string]string{AppliedAnnotation: s.instance + "/" + digest(ing)}
	return ing, nil
}

// ownerReference returns the reference that makes svc the controller owner of its
// Ingress. It does not block the deletion of svc: nothing waits for the Ingress, and a
// cluster that checks blockOwnerDeletion would ask for a right to finalize Services.
func ownerReference(svc *corev1.Service) metav1.OwnerReference {
	controller := true
	return metav1.OwnerReference{
		APIVersion: "v1",
		Kind:       "Service",
		Name:       svc.Name,
		UID:        svc.UID,
		Controller: &controller,
	}
}

// digest returns a short hash of ing.
func digest(ing *networkingv1.Ingress) string {
	data, err := json.Marshal(ing)
	if err != nil {
		// An Ingress holds nothing that could fail to encode.
		panic(fmt.Sprintf("addingress: an Ingress does not encode: %v", err))
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:8])
}

// A part is one of those that addingress owns of an Ingress.
type part struct {
	name string
	path func(want *networkingv1.Ingress) []string // as managedFields have it
	same func(have, want *networkingv1.Ingress) bool
}

var parts = []part{
	{"spec.rules", func(*networkingv1.Ingress) []string { return []string{"f:spec", "f:rules"} },
		func(have, want *networkingv1.Ingress) bool {
			return equality.Semantic.DeepEqual(have.Spec.Rules, want.Spec.Rules)
		}},
	{"spec.ingressClassName",
		func(*networkingv1.Ingress) []string { return []string{"f:spec", "f:ingressClassName"} },
		func(have, want *networkingv1.Ingress) bool {
			return want.Spec.IngressClassName == nil ||
				equality.Semantic.DeepEqual(have.Spec.IngressClassName, want.Spec.IngressClassName)
		}},
	{"metadata.ownerReferences",
		func(want *networkingv1.Ingress) []string {
			return []string{"f:metadata", "f:ownerReferences",
				fmt.Sprintf("k:{\"uid\":%q}", want.OwnerReferences[0].UID)}
		},
		func(have, want *networkingv1.Ingress) bool {
			return ownedBy(have, want.OwnerReferences[0])
		}},
	{"the annotation " + AppliedAnnotation,
		func(*networkingv1.Ingress) []string {
			return []string{"f:metadata", "f:annotations", "f:" + AppliedAnnotation}
		},
		func(have, want *networkingv1.Ingress) bool {
			return have.Annotations[AppliedAnnotation] == want.Annotations[AppliedAnnotation]
		}},
}

// upToDate reports whether have has every field of want. Other fields of have belong
// to others and are ignored.
func upToDate(have, want *networkingv1.Ingress) bool {
	for _, p := range parts {
		if !p.same(have, want) {
			return false
		}
	}
	return true
}

// state returns a hash of the parts of ing that addingress owns.
func state(ing *networkingv1.Ingress) string {
	owned := &networkingv1.Ingress{Spec: networkingv1.IngressSpec{
		Rules: ing.Spec.Rules, IngressClassName: ing.Spec.IngressClassName}}
	owned.OwnerReferences = ing.OwnerReferences
	owned.Annotations = map[string]string{AppliedAnnotation: ing.Annotations[AppliedAnnotation]}
	return digest(owned)
}

// difference names the first part of have that is not as want says: "spec.rules[0].host is "a"
// instead of "b"".
func difference(have, want *networkingv1.Ingress) string {
	if len(have.Spec.Rules) == 1 && have.Spec.Rules[0].Host != want.Spec.Rules[0].Host {
		return fmt.Sprintf("spec.rules[0].host is %q instead of %q",
			cut(have.Spec.Rules[0].Host, 253), want.Spec.Rules[0].Host)
	}
	for _, p := range parts {
		if !p.same(have, want) {
			return p.name + " differs from what addingress writes"
		}
	}
	return "nothing differs"
}

// ownedBy reports whether have has an owner reference equal to want.
func ownedBy(have *networkingv1.Ingress, want metav1.OwnerReference) bool {
	for _, ref := range have.OwnerReferences {
		if ref.UID == want.UID {
			return ref.APIVersion == want.APIVersion && ref.Kind == want.Kind &&
				ref.Name == want.Name &&
				ref.Controller != nil && *ref.Controller
		}
	}
	return false
}
