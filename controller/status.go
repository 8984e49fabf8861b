package controller

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/kind"
)

// Status makes the server store conditions in the status of obj, and returns the object as it is then.
// obj is the object that the reconcile has seen, such as a lister's copy; Status does not change it.
//
//	_, err = controller.Status(ctx, c, web, metav1.Condition{
//		Type: "Ready", Status: metav1.ConditionTrue, Reason: "Deployed", Message: "3 of 3 replicas"})
//
// If obj has these conditions already, Status sends no request and returns obj. Otherwise it sends what
// differs from what the server stores, to the status subresource ([client.Client.ModifyStatus]): other
// conditions and fields stay, and if another writer was faster it begins again.
//
//   - ObservedGeneration: 0 means the generation of obj. A condition that was observed at a later
//     generation stays as it is: a writer that has seen more has set it.
//   - LastTransitionTime: it moves only if Status changes, to now, or to the time that is given.
//
// T is any type whose field status.conditions is a []metav1.Condition. A *kind.MisuseError that is
// marked by Terminal is returned for another type, for an object without a UID, and for a condition
// without a type, a reason, or a status of True, False or Unknown. If the object is gone,
// apierrors.IsNotFound holds for the error; if another one has its name, apierrors.IsConflict.
func Status[T any](ctx context.Context, c *client.Client[T], obj *T,
	conditions ...metav1.Condition) (*T, error) {
	if c == nil {
		return nil, Terminal(&kind.MisuseError{Verb: "set conditions of", Resource: typeOf[T](),
			Problem: "the client is nil"})
	}
	k, err := c.Kind()
	if err != nil {
		return nil, err
	}
	misuse := func(problem string) error {
		return Terminal(&kind.MisuseError{Verb: "set conditions of", Resource: k.GVR().GroupResource().String(),
			Problem: problem})
	}
	if obj == nil {
		return nil, misuse("the object is nil")
	}
	meta := any(obj).(metav1.Object)
	if meta.GetUID() == "" {
		return nil, misuse("the object has no uid: use one that was read from the server")
	}
	conditions = slices.Clone(conditions)
	for i := range conditions {
		if problem := problemOf(conditions[i]); problem != "" {
			return nil, misuse(problem)
		}
		if conditions[i].ObservedGeneration == 0 {
			conditions[i].ObservedGeneration = meta.GetGeneration()
		}
	}
	stored, ok := conditionsOf(reflect.ValueOf(obj).Elem(), false)
	if !ok {
		return nil, misuse(fmt.Sprintf("%T has no field status.conditions of type []metav1.Condition", obj))
	}
	if _, changed := merged(stored.get(), conditions); !changed {
		return obj, nil
	}
	return c.In(meta.GetNamespace()).ModifyStatus(ctx, meta.GetName(), func(now *T) error {
		if uid := any(now).(metav1.Object).GetUID(); uid != meta.GetUID() {
			return apierrors.NewConflict(k.GVR().GroupResource(), meta.GetName(), fmt.Errorf(
				"its uid is %s and not %s: another object has its name now", uid, meta.GetUID()))
		}
		stored, _ := conditionsOf(reflect.ValueOf(now).Elem(), true)
		if all, changed := merged(stored.get(), conditions); changed {
			stored.set(all)
		}
		return nil
	})
}

// merged returns a copy of stored with the conditions of set, and whether that differs from stored.
func merged(stored, set []metav1.Condition) (all []metav1.Condition, changed bool) {
	all = slices.Clone(stored)
	for _, c := range set {
		at := slices.IndexFunc(all, func(other metav1.Condition) bool { return other.Type == c.Type })
		if at < 0 {
			all, changed = append(all, withTime(c)), true
			continue
		}
		was := all[at]
		if was.ObservedGeneration > c.ObservedGeneration {
			continue
		}
		if was.Status == c.Status {
			c.LastTransitionTime = was.LastTransitionTime
		} else {
			c = withTime(c)
		}
		if c != was {
			all[at], changed = c, true
		}
	}
	return all, changed
}

// withTime returns c with a LastTransitionTime.
func withTime(c metav1.Condition) metav1.Condition {
	if c.LastTransitionTime.IsZero() {
		c.LastTransitionTime = metav1.Now()
	}
	return c
}

// problemOf returns what is wrong with a condition, "" if nothing is.
func problemOf(c metav1.Condition) string {
	switch c.Status {
	case metav1.ConditionTrue, metav1.ConditionFalse, metav1.ConditionUnknown:
	default:
		return fmt.Sprintf("the condition %q has the status %q: want True, False or Unknown", c.Type, c.Status)
	}
	switch {
	case c.Type == "":
		return "a condition has no type"
	case c.Reason == "":
		return fmt.Sprintf("the condition %q has no reason", c.Type)
	}
	return ""
}

// conditionsField is the field status.conditions of an object; it is not valid if the object's status
// is a nil pointer.
type conditionsField struct{ v reflect.Value }

func (f conditionsField) get() []metav1.Condition {
	if !f.v.IsValid() {
		return nil
	}
	return f.v.Interface().([]metav1.Condition)
}

func (f conditionsField) set(all []metav1.Condition) { f.v.Set(reflect.ValueOf(all)) }

// conditionsOf returns the field of an object. ok is false if its type does not have it. If made is set,
// a status that is a nil pointer is made.
func conditionsOf(object reflect.Value, made bool) (f conditionsField, ok bool) {
	index, ok := fieldOf(object.Type(), "status")
	if !ok {
		return f, false
	}
	status := object.FieldByIndex(index)
	t := status.Type()
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return f, false
	}
	index, ok = fieldOf(t, "conditions")
	if !ok || t.FieldByIndex(index).Type != reflect.TypeFor[[]metav1.Condition]() {
		return f, false
	}
	if status.Kind() == reflect.Pointer {
		if status.IsNil() {
			if !made {
				return f, true
			}
			status.Set(reflect.New(t))
		}
		status = status.Elem()
	}
	return conditionsField{status.FieldByIndex(index)}, true
}

// fieldOf returns the field of a struct that has a name in JSON. Structs that are embedded by pointer
// are not looked into.
func fieldOf(t reflect.Type, name string) (index []int, ok bool) {
	for _, f := range reflect.VisibleFields(t) {
		tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if tag == name && f.IsExported() && !throughPointer(t, f.Index) {
			return f.Index, true
		}
	}
	return nil, false
}

// throughPointer reports whether a pointer is on the way to a field.
func throughPointer(t reflect.Type, index []int) bool {
	for _, i := range index[:len(index)-1] {
		if t = t.Field(i).Type; t.Kind() == reflect.Pointer {
			return true
		}
	}
	return false
}
