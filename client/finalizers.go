package client

import (
	"context"
	"slices"
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// AddFinalizer adds a finalizer to obj, in memory, and reports whether obj had none of that name.
// (https://kubernetes.io/docs/concepts/overview/working-with-objects/finalizers/)
func AddFinalizer(obj metav1.Object, name string) bool {
	all := obj.GetFinalizers()
	if slices.Contains(all, name) {
		return false
	}
	obj.SetFinalizers(append(slices.Clip(all), name))
	return true
}

// RemoveFinalizer removes a finalizer from obj, in memory, and reports whether obj had one of that
// name.
func RemoveFinalizer(obj metav1.Object, name string) bool {
	all := obj.GetFinalizers()
	rest := slices.DeleteFunc(slices.Clone(all), func(f string) bool { return f == name })
	if len(rest) == len(all) {
		return false
	}
	if len(rest) == 0 {
		rest = nil
	}
	obj.SetFinalizers(rest)
	return true
}

// Finalizer makes the server add the finalizer to the object, or remove it if present is false, and
// returns the object as it is then. obj has the object's name and uid; it may be an old version of
// the object, and is not changed.
//
// If obj has the finalizer, or has it not, as is wanted, Finalizer sends nothing and returns obj.
// Otherwise it sends a JSON patch (RFC 6902) that tests the uid and the finalizers. If the
// finalizers have changed, it reads the object and tries again, at most 10 times; then
// apierrors.IsConflict holds for the error. So it overwrites no finalizer of another writer, and it
// never changes another object of the same name.
//
// Removing a finalizer from an object that is gone, or has been replaced by one of the same name,
// is no error: Finalizer returns obj without the finalizer. Adding one to such an object is an
// error for which apierrors.IsNotFound or apierrors.IsConflict holds. The server refuses to add a
// finalizer to an object that is being deleted: apierrors.IsInvalid or apierrors.IsForbidden.
func (c *Client[T]) Finalizer(ctx context.Context, obj *T, name string, present bool,
	opts ...WriteOption) (*T, error) {
	s, err := c.sent("set a finalizer of", obj)
	if err != nil {
		return nil, err
	}
	r, err := with(c.r, opts).At("set a finalizer of", s)
	if err != nil {
		return nil, err
	}
	plan := func(now metav1.Object) []operation {
		all := now.GetFinalizers()
		at := slices.Index(all, name)
		switch {
		case present == (at >= 0):
			return nil
		case !present:
			return []operation{{"test", "/metadata/finalizers", all},
				{Op: "remove", Path: "/metadata/finalizers/" + strconv.Itoa(at)}}
		case len(all) == 0: // a test for null holds for what is not there
			return []operation{{"test", "/metadata/finalizers", nil},
				{"add", "/metadata/finalizers", []string{name}}}
		}
		return []operation{{"test", "/metadata/finalizers", all},
			{"add", "/metadata/finalizers/-", name}}
	}
	o, gone, err := revise(ctx, r, "set a finalizer of", any(obj).(metav1.Object), false, plan)
	if gone && !present {
		out := *obj
		RemoveFinalizer(any(&out).(metav1.Object), name)
		return &out, nil
	}
	if err == nil && o.Kind == "" {
		return obj, nil
	}
	return c.written(o, err)
}
