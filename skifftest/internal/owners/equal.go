package owners

import (
	"reflect"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// keepTimes gives the entries of an object back the times that they had in was, if the two differ in
// nothing else: a write that changes nothing keeps the resource version.
func keepTimes(object, was *unstructured.Unstructured) {
	old := managedFields(was)
	if len(old) == 0 || len(managedFields(object)) != len(old) {
		return
	}
	if reflect.DeepEqual(timeless(object), timeless(was)) {
		setManagedFields(object, old)
	}
}

// timeless returns an object's content without the times of its managed fields. It shares the rest.
func timeless(u *unstructured.Unstructured) map[string]any {
	object := shallow(u.Object)
	metadata, _ := object["metadata"].(map[string]any)
	metadata = shallow(metadata)
	entries := make([]any, 0, len(managedFields(u)))
	for _, e := range managedFields(u) {
		e, _ := e.(map[string]any)
		e = shallow(e)
		delete(e, "time")
		entries = append(entries, e)
	}
	metadata["managedFields"] = entries
	object["metadata"] = metadata
	return object
}

func shallow(m map[string]any) map[string]any {
	c := make(map[string]any, len(m)+1)
	for k, v := range m {
		c[k] = v
	}
	return c
}

// managedFields returns the entries as they stand in the object.
func managedFields(u *unstructured.Unstructured) []any {
	metadata, _ := u.Object["metadata"].(map[string]any)
	entries, _ := metadata["managedFields"].([]any)
	return entries
}

// setManagedFields sets the entries, or removes the field if there are none. The object is the
// caller's own.
func setManagedFields(u *unstructured.Unstructured, entries []any) {
	metadata, ok := u.Object["metadata"].(map[string]any)
	switch {
	case !ok:
	case entries == nil:
		delete(metadata, "managedFields")
	default:
		metadata["managedFields"] = entries
	}
}
