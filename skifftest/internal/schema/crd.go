package schema

import (
	"fmt"
	"maps"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	apischema "k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// CRDKind is the kind of a CustomResourceDefinition.
var CRDKind = apischema.GroupVersionKind{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"}

// CRDOption changes what AddCRD accepts.
type CRDOption func(*crdOptions)

type crdOptions struct{ ignoreRules, ignoreWebhook bool }

// IgnoreRules accepts a schema with x-kubernetes-validations. The rules are CEL, which is not
// evaluated: objects that they refuse are accepted.
func IgnoreRules() CRDOption { return func(o *crdOptions) { o.ignoreRules = true } }

// IgnoreConversionWebhook accepts a definition whose versions are converted by a webhook. They are
// converted as with the strategy None: only the apiVersion changes.
func IgnoreConversionWebhook() CRDOption { return func(o *crdOptions) { o.ignoreWebhook = true } }

// DefaultCRD returns a copy of a CustomResourceDefinition with the defaults that kube-apiserver sets.
func DefaultCRD(crd map[string]any) map[string]any {
	crd = runtime.DeepCopyJSON(crd)
	spec := at(crd, "spec")
	if names := at(spec, "names"); names != nil {
		kind, _ := names["kind"].(string)
		setDefault(names, "singular", strings.ToLower(kind))
		setDefault(names, "listKind", kind+"List")
	}
	if spec != nil && spec["conversion"] == nil {
		spec["conversion"] = map[string]any{"strategy": "None"}
	}
	return crd
}

func setDefault(m map[string]any, key, value string) {
	if v, _ := m[key].(string); v == "" && strings.TrimSuffix(value, "List") != "" {
		m[key] = value
	}
}

// AddCRD adds the kind of a CustomResourceDefinition in all its versions that are served or stored,
// or replaces it. Rules of x-kubernetes-validations and conversion by a webhook are refused, unless an
// option says otherwise.
//
// The most common faults of a definition are found: the error is that of kube-apiserver (422).
func (s *Set) AddCRD(crd map[string]any, opts ...CRDOption) error {
	var o crdOptions
	for _, opt := range opts {
		opt(&o)
	}
	crd = DefaultCRD(crd)
	name, _ := at(crd, "metadata")["name"].(string)
	if errs := checkCRD(crd, o); len(errs) > 0 {
		return apierrors.NewInvalid(CRDKind.GroupKind(), name, errs)
	}
	spec := at(crd, "spec")
	group, _ := spec["group"].(string)
	kind, _ := at(spec, "names")["kind"].(string)
	added := map[apischema.GroupVersionKind]*Custom{}
	for _, version := range versionsOf(crd) {
		if version["served"] != true && version["storage"] != true {
			continue
		}
		v, _ := version["name"].(string)
		gvk := apischema.GroupVersionKind{Group: group, Version: v, Kind: kind}
		c, err := newCustom(gvk, version)
		if err == nil {
			_, err = c.merge()
		}
		if err != nil {
			return apierrors.NewInvalid(CRDKind.GroupKind(), name, field.ErrorList{
				field.Invalid(field.NewPath("spec", "versions"), v, fmt.Sprintf("the schema cannot be used: %v", err)),
			})
		}
		added[gvk] = c
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remove(apischema.GroupKind{Group: group, Kind: kind})
	maps.Copy(s.custom, added)
	return nil
}

// RemoveCRD removes a custom kind.
func (s *Set) RemoveCRD(kind apischema.GroupKind) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remove(kind)
}

// remove removes a custom kind. The caller holds s.mu.
func (s *Set) remove(kind apischema.GroupKind) {
	maps.DeleteFunc(s.custom, func(gvk apischema.GroupVersionKind, _ *Custom) bool { return gvk.GroupKind() == kind })
}

// Convert returns a custom object in another version of its kind: its apiVersion changes, and the
// fields that the version does not know are removed. The result shares nothing with object.
func (s *Set) Convert(object map[string]any, to apischema.GroupVersionKind) (map[string]any, error) {
	c, ok := s.Custom(to)
	if !ok {
		return nil, runtime.NewNotRegisteredErrForKind("skifftest", to)
	}
	object = runtime.DeepCopyJSON(object)
	object["apiVersion"] = to.GroupVersion().String()
	c.Prune(object)
	c.Default(object)
	return object, nil
}

// versionsOf returns the versions of a definition.
func versionsOf(crd map[string]any) []map[string]any {
	list, _ := at(crd, "spec")["versions"].([]any)
	versions := make([]map[string]any, len(list))
	for i, v := range list {
		versions[i], _ = v.(map[string]any)
	}
	return versions
}
