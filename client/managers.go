package client

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/kind"
)

// lastApplied is the annotation that kubectl's client-side apply keeps what it sent in.
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

// AdoptFields makes the field manager to, for Apply, the owner of the fields that the field manager
// from has written by other means: Create, Update, Patch, kubectl's client-side apply. It returns
// the object as it is then. obj has the object's name and uid, and is not changed.
//
// A program that changes over to Apply needs it once for each object. Otherwise the fields remain
// owned by from as well: those that the program stops applying stay in the object, and where from
// and to differ, there are conflicts. (KEP-555; client-go's util/csaupgrade does the same.)
//
// AdoptFields changes managedFields only. The entries of from with the operation Update go; what
// they own is added to the Apply entry of to, and if there is none, the newest of them becomes it.
// Fields of an entry of another version of the API than that of to belong to nobody then. The
// annotation in which kubectl keeps what it applied last is not adopted. Entries of subresources
// stay.
//
// If from owns nothing, AdoptFields sends nothing: it can be called each time. If another writer is
// faster, it reads the object and tries again, at most 10 times; then apierrors.IsConflict holds
// for the error. If obj was read without managedFields, as lists and watches are, AdoptFields reads
// it.
func (c *Client[T]) AdoptFields(ctx context.Context, obj *T, from, to string,
	opts ...WriteOption) (*T, error) {
	const verb = "adopt fields of"
	s, err := c.sent(verb, obj)
	if err != nil {
		return nil, err
	}
	r, err := with(c.r, opts).At(verb, s)
	if err == nil && (from == "" || to == "") {
		err = &kind.MisuseError{Verb: verb, Resource: r.String(), Name: s.Name,
			Problem: "the name of a field manager is empty"}
	}
	if err != nil {
		return nil, err
	}
	meta := any(obj).(metav1.Object)
	var broken error
	plan := func(now metav1.Object) []operation {
		entries, err := adopt(now.GetManagedFields(), from, to)
		if broken = err; err != nil || entries == nil {
			return nil
		}
		return []operation{{"test", "/metadata/resourceVersion", now.GetResourceVersion()},
			{"replace", "/metadata/managedFields", entries}}
	}
	o, _, err := revise(ctx, r, verb, meta, len(meta.GetManagedFields()) == 0, plan)
	switch {
	case err != nil:
		return nil, err
	case broken != nil:
		return nil, fmt.Errorf("%s %s %q: %w", verb, r, s.Name, broken)
	case o.Kind == "":
		return obj, nil
	}
	return c.written(o, nil)
}

// adopt returns the entries after the change, and nil if there is nothing to change.
func adopt(entries []metav1.ManagedFieldsEntry, from, to string) ([]metav1.ManagedFieldsEntry,
	error) {
	target, newest := -1, -1
	old := func(e metav1.ManagedFieldsEntry) bool {
		return isOf(e, from, metav1.ManagedFieldsOperationUpdate, "")
	}
	for i, e := range entries {
		if isOf(e, to, metav1.ManagedFieldsOperationApply, "") {
			target = i
		}
		if old(e) && (newest < 0 || !e.Time.Before(entries[newest].Time)) {
			newest = i
		}
	}
	if newest < 0 {
		return nil, nil
	}
	if target < 0 {
		target = newest
	}
	all, err := fieldsOf(entries[target])
	if err != nil {
		return nil, err
	}
	var out []metav1.ManagedFieldsEntry
	at := 0
	for i, e := range entries {
		switch {
		case i == target:
			at = len(out)
		case !old(e):
		default:
			if e.APIVersion == entries[target].APIVersion {
				fields, err := fieldsOf(e)
				if err != nil {
					return nil, err
				}
				all = all.union(fields)
			}
			continue
		}
		out = append(out, e)
	}
	all = all.without("f:metadata", "f:annotations", "f:"+lastApplied)
	data, err := json.Marshal(all)
	if err != nil {
		return nil, err
	}
	out[at].Manager, out[at].Operation = to, metav1.ManagedFieldsOperationApply
	out[at].FieldsType, out[at].FieldsV1 = "FieldsV1", metav1.NewFieldsV1(string(data))
	return out, nil
}

func isOf(e metav1.ManagedFieldsEntry, manager string, by metav1.ManagedFieldsOperationType,
	subresource string) bool {
	return e.Manager == manager && e.Operation == by && e.Subresource == subresource
}

// Extract returns a part of obj: the fields that a field manager owns by Apply, of the object, or
// of its subresource if that is not "", such as "status". To apply what Extract returned, changed
// where it should be, changes nothing else.
//
// The result also has the apiVersion, kind, name and namespace of obj, and the keys of the list
// elements that it contains. It has nothing else if the manager has applied nothing. It shares no
// memory with obj.
//
// obj was read with its managedFields, as by Get and the verbs that write; see [KeepManagedFields]
// for the others. An object without any is a [*kind.MisuseError]: to apply an empty result would
// remove what the manager owns. What the manager applied in another version of the API is an error,
// because fields may have other names there.
func Extract[T any, P kind.Object[T]](obj P, manager, subresource string) (P, error) {
	out := new(T)
	if err := extract(obj, out, manager, subresource); err != nil {
		return nil, err
	}
	return out, nil
}

func extract(obj metav1.Object, out any, manager, subresource string) error {
	k, _, err := kindOf(obj)
	if err != nil {
		return fmt.Errorf("extract fields of %q: %w", obj.GetName(), err)
	}
	entries := obj.GetManagedFields()
	if len(entries) == 0 {
		return &kind.MisuseError{Verb: "extract fields of", Resource: nameOf(k),
			Name: obj.GetName(), Problem: "the object has no managedFields: read it by Get, or with KeepManagedFields"}
	}
	tree, err := treeOf(obj)
	if err != nil {
		return fmt.Errorf("extract fields of %s %q: %w", nameOf(k), obj.GetName(), err)
	}
	part := map[string]any{}
	for _, e := range entries {
		if !isOf(e, manager, metav1.ManagedFieldsOperationApply, subresource) {
			continue
		}
		set, err := fieldsOf(e)
		if err == nil && e.APIVersion != k.APIVersion() {
			err = fmt.Errorf("manager %q has applied them as %s: apply them once as %s", manager,
				e.APIVersion, k.APIVersion())
		}
		if err != nil {
			return fmt.Errorf("extract fields of %s %q: %w", nameOf(k), obj.GetName(), err)
		}
		if len(set) > 0 {
			part, _ = set.of(tree).(map[string]any)
		}
	}
	meta, _ := part["metadata"].(map[string]any)
	if meta == nil {
		meta = map[string]any{}
	}
	meta["name"] = obj.GetName()
	if ns := obj.GetNamespace(); ns != "" {
		meta["namespace"] = ns
	}
	part["metadata"], part["apiVersion"], part["kind"] = meta, k.APIVersion(), k.Kind
	data, err := json.Marshal(part)
	if err == nil {
		err = json.Unmarshal(data, out)
	}
	if err != nil {
		return fmt.Errorf("extract fields of %s %q into a %v: %w", nameOf(k), obj.GetName(),
			reflect.TypeOf(out).Elem(), err)
	}
	return nil
}
