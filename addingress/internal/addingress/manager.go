package addingress

import (
	"encoding/json"
	"fmt"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// DefaultInstance is the instance of an operator that is given none.
const DefaultInstance = "default"

const (
	// managerPrefix and the instance are the name of addingress in managedFields.
	managerPrefix = "addingress/"
	// oldManager was the name of every instance before there were several.
	oldManager = "addingress"
)

// isManager reports whether a name in managedFields is that of any instance.
func isManager(name string) bool {
	return name == oldManager || strings.HasPrefix(name, managerPrefix)
}

// applied returns the instance that wrote the Ingress last: "" if that was an addingress of the
// time before there were instances, or if the annotation is gone.
func applied(ing *networkingv1.Ingress) (instance string) {
	value := ing.Annotations[AppliedAnnotation]
	return value[:max(0, strings.LastIndexByte(value, '/'))]
}

// adopt moves the fields that other instances have applied to the entry of manager. It returns the
// new entries, and false if there is nothing to move. A field that stayed with an instance which
// does not run any more would never be removed from the Ingress.
//
// The API server allows that: managedFields are written like any other field
// (https://kubernetes.io/docs/reference/using-api/server-side-apply/#transferring-ownership).
func adopt(entries []metav1.ManagedFieldsEntry, manager string) (
	adopted []metav1.ManagedFieldsEntry, moved bool, err error) {
	mine := -1
	for _, e := range entries {
		// One API version there is, so entries of the same can be joined.
		if e.Operation != metav1.ManagedFieldsOperationApply || e.Subresource != "" ||
			e.APIVersion != ingressVersion || !isManager(e.Manager) {
			adopted = append(adopted, e)
			continue
		}
		moved = moved || e.Manager != manager
		if mine < 0 {
			mine = len(adopted)
			e.Manager = manager
			adopted = append(adopted, e)
			continue
		}
		if adopted[mine].FieldsV1, err = union(adopted[mine].FieldsV1, e.FieldsV1); err != nil {
			return nil, false, err
		}
	}
	return adopted, moved, nil
}

// union returns the fields that are in a or b. The format is that of KEP-555: an object for each
// field, by its name, with the fields in it.
func union(a, b *metav1.FieldsV1) (*metav1.FieldsV1, error) {
	fieldsA, err := fieldsOf(a)
	if err != nil {
		return nil, err
	}
	fieldsB, err := fieldsOf(b)
	if err != nil {
		return nil, err
	}
	merge(fieldsA, fieldsB)
	data, err := json.Marshal(fieldsA)
	if err != nil {
		return nil, err
	}
	return metav1.NewFieldsV1(string(data)), nil
}

// fields are the fields of a managedFields entry.
type fields map[string]fields

func fieldsOf(f *metav1.FieldsV1) (fields, error) {
	all := fields{}
	if f == nil {
		return all, nil
	}
	if err := json.Unmarshal(f.GetRawBytes(), &all); err != nil {
		return nil, fmt.Errorf("read managedFields: %w", err)
	}
	return all, nil
}

func merge(into, from fields) {
	for name, inner := range from {
		if into[name] == nil {
			into[name] = inner
		} else {
			merge(into[name], inner)
		}
	}
}

// changer returns the name of the manager that has changed what is not as want says in have, as
// have's managedFields name it. It is "" if nobody owns such a field: it was removed. It is manager
// itself if the API server stores something else than manager writes, or if another process uses
// the same name.
func changer(have, want *networkingv1.Ingress, manager string) string {
	var last metav1.ManagedFieldsEntry
	for _, e := range have.ManagedFields {
		owned, err := fieldsOf(e.FieldsV1)
		if err != nil || e.Subresource != "" || last.Manager != "" && e.Time.Before(last.Time) {
			continue
		}
		for _, p := range parts {
			if !p.same(have, want) && owned.has(p.path(want)) {
				last = e
				break
			}
		}
	}
	return last.Manager
}

// has reports whether the field at path is among the fields.
func (f fields) has(path []string) bool {
	for _, name := range path {
		if f = f[name]; f == nil {
			return false
		}
	}
	return true
}
