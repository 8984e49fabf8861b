package informer

import (
	"fmt"
	"reflect"
	"strings"
)

// ViewChangedError is the value with which View panics under [CheckViews] if a function changed an
// object that it was lent.
type ViewChangedError struct {
	Key   string // the object's
	Type  string // the Go type, such as "v1.Pod"
	Field string // the first that differs, such as "Spec.Containers[0].Image"; "" if not known
	When  string // it was changed, as a phrase for people
}

// Error returns which object was changed, where and when, and what to do.
func (e *ViewChangedError) Error() string {
	return fmt.Sprintf("informer: %s %s was changed at %q %s: what a view lends belongs to all "+
		"readers; what is to be changed or kept take from Get or Item.Object",
		e.Type, e.Key, e.Field, e.When)
}

// mustBeUnchanged panics if object differs from the item's bytes, decoded.
func (i Item[T]) mustBeUnchanged(object *T, when string) {
	original, err := i.decode()
	if err != nil {
		panic(fmt.Errorf("informer: CheckViews has nothing to compare %s with: %w", i.Key(), err))
	}
	// footprint computes values that some types cache in themselves, as it does for shared objects.
	footprint(original)
	footprint(object)
	if !reflect.DeepEqual(object, original) {
		field := difference(reflect.ValueOf(object), reflect.ValueOf(original))
		panic(&ViewChangedError{i.Key(), reflect.TypeFor[T]().String(),
			strings.TrimPrefix(field, "."), when})
	}
}

// difference returns the path of the first field in which a and b differ, as far in as reflection
// can read. a and b are of one type and not equal.
func difference(a, b reflect.Value) string {
	if a.Type() != b.Type() {
		return ""
	}
	in := func(name string, a, b reflect.Value) string {
		if a.IsValid() != b.IsValid() {
			return name
		}
		if !a.IsValid() || !a.CanInterface() || reflect.DeepEqual(a.Interface(), b.Interface()) {
			return ""
		}
		return name + difference(a, b)
	}
	var found string
	switch a.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !a.IsNil() && !b.IsNil() {
			return difference(a.Elem(), b.Elem())
		}
	case reflect.Struct:
		for i := 0; i < a.NumField() && found == ""; i++ {
			found = in("."+a.Type().Field(i).Name, a.Field(i), b.Field(i))
		}
	case reflect.Slice, reflect.Array:
		for i := 0; i < min(a.Len(), b.Len()) && found == ""; i++ {
			found = in(fmt.Sprintf("[%d]", i), a.Index(i), b.Index(i))
		}
	case reflect.Map:
		for _, keys := range [][]reflect.Value{b.MapKeys(), a.MapKeys()} {
			for i := 0; i < len(keys) && found == ""; i++ {
				found = in(fmt.Sprintf("[%v]", keys[i]), a.MapIndex(keys[i]), b.MapIndex(keys[i]))
			}
		}
	}
	return found
}
