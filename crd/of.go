package crd

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/skiff-k8s/skiff/kind"
)

// Of returns the CustomResourceDefinition of a Go type, of apiextensions.k8s.io/v1. Group, version,
// kind, plural name and scope are those that T is registered with: see kind.Register. T's version is
// the one that objects are stored in, unless another has the option Storage. The definition belongs
// to the caller.
//
// The error joins all mistakes that can be found without a server:
//   - *kind.UnknownError: T, or a type of Version, is not registered;
//   - *kind.MisuseError: an option cannot be right, or two contradict each other;
//   - *[TypeError]: a field has no schema, or a tag contradicts its type.
//
// CEL rules are compiled by the server only.
func Of[T any, P kind.Object[T]](options ...Option) (*unstructured.Unstructured, error) {
	d := &definition{types: map[reflect.Type]string{}}
	first := &version{of: reflect.TypeFor[T](), served: true}
	first.kind, _ = kind.OfType(first.of) // make reports the error
	d.versions = []*version{first}
	for _, o := range options {
		if o == nil {
			d.misuse("an option is nil")
			continue
		}
		o.define(d)
	}
	return d.make()
}

// MustOf is like Of, for definitions that are written once and have a test. It panics instead of
// returning an error.
func MustOf[T any, P kind.Object[T]](options ...Option) *unstructured.Unstructured {
	u, err := Of[T, P](options...)
	if err != nil {
		panic(err)
	}
	return u
}

// definition is what the options of Of say.
type definition struct {
	versions []*version // the first is T's
	types    map[reflect.Type]string

	singular, listKind     string
	shortNames, categories []string
	labels, annotations    map[string]string
	conversion             *Webhook
	noConversion           bool

	errs []error
}

// version is one version of a definition.
type version struct {
	of   reflect.Type
	kind kind.Info

	served, storage bool
	deprecated      bool
	warning         string
	status          bool
	scale           *scalePaths
	columns         []Column
	selectable      []string

	schema schema
}

func (d *definition) misuse(format string, args ...any) {
	k := d.versions[0].kind
	resource := d.versions[0].of.String()
	if k.Resource != "" {
		resource = k.Resource + "." + k.Group
	}
	d.errs = append(d.errs, &kind.MisuseError{Verb: "define", Resource: resource,
		Problem: fmt.Sprintf(format, args...)})
}

// make returns the definition as an object, or what is wrong with it.
func (d *definition) make() (*unstructured.Unstructured, error) {
	known := true
	for _, v := range d.versions {
		var err error
		if v.kind, err = kind.OfType(v.of); err != nil {
			d.errs = append(d.errs, err)
			known = false
		}
	}
	if !known {
		return nil, errors.Join(d.errs...)
	}
	d.checkNames()
	d.checkVersions()
	for _, v := range d.versions {
		b := builder{root: v.of, types: d.types}
		v.schema = b.of(v.of, "", nil)
		b.check(v.schema, "")
		for _, err := range b.errs {
			d.errs = append(d.errs, err)
		}
		d.checkPaths(v)
	}
	d.checkSelectable()
	if len(d.errs) == 0 {
		d.checkConversion()
	}
	if len(d.errs) > 0 {
		return nil, errors.Join(d.errs...)
	}
	return d.object(), nil
}

// object returns the definition. All is right.
func (d *definition) object() *unstructured.Unstructured {
	k := d.versions[0].kind
	names := map[string]any{"kind": k.Kind, "plural": k.Resource,
		"listKind": cmp.Or(d.listKind, k.Kind+"List"),
		"singular": cmp.Or(d.singular, strings.ToLower(k.Kind))}
	if len(d.shortNames) > 0 {
		names["shortNames"] = anys(d.shortNames)
	}
	if len(d.categories) > 0 {
		names["categories"] = anys(d.categories)
	}
	var versions []any
	for _, v := range d.versions {
		versions = append(versions, v.object())
	}
	spec := map[string]any{"group": k.Group, "names": names, "versions": versions, "scope": "Cluster"}
	if k.Namespaced {
		spec["scope"] = "Namespaced"
	}
	if d.conversion != nil {
		spec["conversion"] = d.conversion.object()
	}
	u := &unstructured.Unstructured{Object: map[string]any{"spec": spec,
		"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition"}}
	u.SetName(k.Resource + "." + k.Group)
	if len(d.labels) > 0 {
		u.SetLabels(d.labels)
	}
	if len(d.annotations) > 0 {
		u.SetAnnotations(d.annotations)
	}
	return u
}

// object returns an element of spec.versions.
func (v *version) object() map[string]any {
	o := map[string]any{"name": v.kind.Version, "served": v.served, "storage": v.storage,
		"schema": map[string]any{"openAPIV3Schema": v.schema}}
	if v.deprecated {
		o["deprecated"] = true
	}
	if v.warning != "" {
		o["deprecationWarning"] = v.warning
	}
	subresources := map[string]any{}
	if v.status {
		subresources["status"] = map[string]any{}
	}
	if v.scale != nil {
		subresources["scale"] = v.scale.object()
	}
	if len(subresources) > 0 {
		o["subresources"] = subresources
	}
	var columns []any
	for _, c := range v.columns {
		columns = append(columns, c.object())
	}
	if len(columns) > 0 {
		o["additionalPrinterColumns"] = columns
	}
	var selectable []any
	for _, path := range v.selectable {
		selectable = append(selectable, map[string]any{"jsonPath": path})
	}
	if len(selectable) > 0 {
		o["selectableFields"] = selectable
	}
	return o
}

func anys(all []string) []any {
	out := make([]any, len(all))
	for i, s := range all {
		out[i] = s
	}
	return out
}
