// Package owners keeps metadata.managedFields, which names the owner of each field, and carries out
// server-side apply, as kube-apiserver does (KEP-555).
//
// No function modifies its arguments. All are safe for concurrent use.
package owners

import (
	"encoding/json"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	apischema "k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/managedfields"
	kjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"

	"github.com/skiff-k8s/skiff/skifftest/internal/schema"
)

// Manager keeps the owners of the fields of a set of kinds.
type Manager struct {
	set *schema.Set
	now func() time.Time
}

// New returns a Manager of the kinds in set. The entries that it writes have the time that now
// returns; nil means time.Now.
func New(set *schema.Set, now func() time.Time) *Manager {
	if now == nil {
		now = time.Now
	}
	return &Manager{set, now}
}

// Update returns next with the owners of its fields, after manager has created next or made it of
// live. If next has managedFields, they replace those of live; an empty list, or a list of one empty
// entry, forgets all owners. live is nil if next was created. (kube-apiserver loses the empty list of a
// custom object when it decodes it, as schema.Custom.Decode does.)
//
// An object whose owners cannot be found out, because it does not fit its kind's schema, keeps those
// of live.
func (m *Manager) Update(gvk apischema.GroupVersionKind, subresource string, live, next map[string]any,
	manager string) (map[string]any, error) {
	fields, err := m.fields(gvk, subresource)
	if err != nil {
		return nil, err
	}
	was, updated := liveOrEmpty(gvk, live), copied(next)
	given := updated.GetManagedFields()
	// apimachinery gives entries the real time, and merges the oldest.
	ahead := time.Since(m.now()).Round(time.Second)
	result, err := fields.Update(shifted(was, ahead), shifted(updated, ahead), manager)
	if err != nil {
		setManagedFields(updated, managedFields(was))
		return updated.Object, nil
	}
	object := shifted(result.(*unstructured.Unstructured), -ahead)
	m.stamp(object, append(was.GetManagedFields(), given...), manager)
	keepTimes(object, was)
	return object.Object, nil
}

// Apply returns live after manager has applied config to it: the fields of config have its values,
// and those that manager applied before and config has no longer are removed, unless others own
// them. live is nil if there is no object. If nothing changes, the result equals live.
//
// Errors, with the codes and messages of kube-apiserver: config is not YAML, or is of another kind,
// or has managedFields (400); it does not fit the schema (500); it changes the value of a field that
// another manager owns, and force is false (409, with a cause for each field).
func (m *Manager) Apply(gvk apischema.GroupVersionKind, subresource string, live map[string]any, config []byte,
	manager string, force bool) (map[string]any, error) {
	applied, err := decode(config)
	if err != nil {
		return nil, err
	}
	fields, err := m.fields(gvk, subresource)
	if err != nil {
		return nil, err
	}
	was := liveOrEmpty(gvk, live)
	result, err := fields.Apply(was.DeepCopy(), applied, manager, force)
	if err != nil {
		return nil, statusError(err)
	}
	// The result shares values with its sources, and YAML has no integers.
	object, err := normal(result.(*unstructured.Unstructured).Object)
	if err != nil {
		return nil, err
	}
	m.stamp(object, was.GetManagedFields(), manager)
	if schema.IsBuiltin(gvk) {
		if object.Object, _, err = schema.Convert(gvk, object.Object); err != nil {
			return nil, statusError(err)
		}
	}
	keepTimes(object, was)
	return object.Object, nil
}

// Strict returns the error of an applied configuration that has a field twice, for
// fieldValidation=Strict (400).
func Strict(config []byte) error {
	if err := yaml.UnmarshalStrict(config, &map[string]any{}); err != nil {
		return apierrors.NewBadRequest(fmt.Sprintf("error strict decoding patch: %v", err))
	}
	return nil
}

// fields returns apimachinery's manager of the fields of a kind and subresource.
func (m *Manager) fields(gvk apischema.GroupVersionKind, subresource string) (*managedfields.FieldManager, error) {
	if _, err := m.set.Type(gvk); err != nil {
		return nil, apierrors.NewInternalError(err)
	}
	c := converter{m.set}
	make := managedfields.NewDefaultFieldManager
	if _, custom := m.set.Custom(gvk); custom {
		make = managedfields.NewDefaultCRDFieldManager
	}
	return make(m.set, c, c, c, gvk, gvk.GroupVersion(), subresource, m.reset(gvk, subresource))
}

// decode returns an applied configuration.
func decode(config []byte) (*unstructured.Unstructured, error) {
	object := map[string]any{}
	if err := yaml.Unmarshal(config, &object); err != nil {
		return nil, apierrors.NewBadRequest(fmt.Sprintf("error decoding patch: %v", err))
	}
	return &unstructured.Unstructured{Object: object}, nil
}

// liveOrEmpty returns a copy of live, or an empty object if there is none.
func liveOrEmpty(gvk apischema.GroupVersionKind, live map[string]any) *unstructured.Unstructured {
	if live != nil {
		return copied(live)
	}
	return empty(gvk)
}

// empty returns an object of a kind without values. One of a Go type has the structs that are always
// there, such as a Deployment's spec: who fills one in does not own it.
func empty(gvk apischema.GroupVersionKind) *unstructured.Unstructured {
	u := &unstructured.Unstructured{Object: map[string]any{}}
	if typed, _, err := schema.Convert(gvk, map[string]any{}); err == nil {
		u.Object = typed
	}
	u.SetGroupVersionKind(gvk)
	return u
}

func copied(object map[string]any) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: runtime.DeepCopyJSON(object)}
}

// normal returns a copy of an object whose integers are int64.
func normal(object map[string]any) (*unstructured.Unstructured, error) {
	data, err := json.Marshal(object)
	if err != nil {
		return nil, err
	}
	u := &unstructured.Unstructured{}
	return u, kjson.UnmarshalCaseSensitivePreserveInts(data, &u.Object)
}

// statusError returns err as kube-apiserver sends it: an error without a status is an internal one.
func statusError(err error) error {
	if _, ok := err.(apierrors.APIStatus); ok {
		return err
	}
	return internal(err)
}
