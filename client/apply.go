package client

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/skiff-k8s/skiff/internal/verbs"
	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/wire/fieldpath"
)

// ApplyOption is an option of Apply and ApplyStatus beside the API's own. [Set] returns one.
type ApplyOption interface{ applyTo(*applyConfig) }

type applyConfig struct {
	set []string // the paths of Set
}

type setPaths []string

func (s setPaths) applyTo(c *applyConfig) { c.set = append(c.set, s...) }

// Set makes Apply send the fields of these paths also where they are zero: 0, false, "", {} or []
// (also for a nil pointer: the zero of what it points to). Zero fields that are not named are not
// sent.
//
// A path names fields as JSON does: "spec.replicas". It goes through the elements of a list and the
// values of a map with [*], "spec.containers[*].tty", and to one value of a map by its key,
// "metadata.labels['app']". What it goes through is sent too. Of a list or map that is empty, [*]
// names nothing.
//
// Apply returns a [kind.MisuseError] before it sends anything if a path is malformed, if the object's
// type does not have it, if it names what Apply does not send (for Apply the status, for ApplyStatus
// everything else, and the metadata that the server writes), or if the field has no zero that can be
// sent, such as a time.
func Set(paths ...string) ApplyOption { return setPaths(paths) }

// Apply sets the fields of obj, makes the field manager their owner, and creates the object if
// there is none (server-side apply,
// https://kubernetes.io/docs/reference/using-api/server-side-apply/). A field that the field
// manager applied before and that obj does not have is removed, unless another manager owns it too.
// opts or the client ([Manager]) have a field manager. If obj has another value for a field than a
// manager who owns it, apierrors.IsConflict holds for the error, unless opts.Force is set.
//
// Apply sends the fields that the caller has set, so obj has only those that the caller wants to
// own, and is not an object that was read. These fields are not sent:
//   - a zero field, whatever its tag: 0, false, "", a nil pointer, list or map, and a struct in which
//     nothing is set (podSelector: {}, resources: {}). To send a zero, name its path with [Set];
//   - an empty list or map with the tag omitempty;
//   - the status, and the metadata that the server writes (managedFields, creationTimestamp and so
//     on).
//
// What a pointer points to, and the elements of a list or map, count as set, and are sent zero or
// not: replicas: 0, emptyDir: {}, args: [""]. Within them a zero field is sent unless its tag is
// omitempty or omitzero, so that an element that the schema wants whole is whole. If obj has a
// resourceVersion and the object has changed since, the server refuses the request.
func (c *Client[T]) Apply(ctx context.Context, obj *T, opts metav1.ApplyOptions,
	more ...ApplyOption) (*T, error) {
	return c.apply(ctx, obj, &opts, nil, more)
}

// ApplyStatus is Apply for the status: it sends the identity and the status of obj only.
func (c *Client[T]) ApplyStatus(ctx context.Context, obj *T, opts metav1.ApplyOptions,
	more ...ApplyOption) (*T, error) {
	return c.apply(ctx, obj, &opts, status, more)
}

func (c *Client[T]) apply(ctx context.Context, obj *T, opts *metav1.ApplyOptions,
	sub []string, more []ApplyOption) (*T, error) {
	s, err := c.sent("apply", obj)
	if err != nil {
		return nil, err
	}
	body, err := applyBody(obj, s.Name, c.r, c.r.Kind.GVK(), len(sub) > 0, more)
	if err != nil {
		return nil, err
	}
	return c.written(c.r.Apply(ctx, s, body, opts, sub))
}

// applyBody returns the part of an object that Apply sends.
func applyBody(obj any, name string, r verbs.Resource, gvk schema.GroupVersionKind, status bool,
	more []ApplyOption) ([]byte, error) {
	var config applyConfig
	for _, o := range more {
		o.applyTo(&config)
	}
	set, err := zerosToSend(reflect.TypeOf(obj), config.set, status)
	if err == nil {
		var data []byte
		if data, err = sparse(obj, set); err == nil {
			part := verbs.WithoutStatus
			if status {
				part = verbs.StatusOnly
			}
			data, err = verbs.TrimApply(data, gvk.GroupVersion().String(), gvk.Kind, part)
		}
		if err == nil {
			return data, nil
		}
	}
	var path *fieldpath.Error
	var zero *noZeroError
	if errors.As(err, &path) || errors.As(err, &zero) {
		return nil, &kind.MisuseError{Verb: "apply", Resource: r.String(), Name: name, Problem: "Set: " + err.Error()}
	}
	return nil, fmt.Errorf("apply %s %q: %w", r, name, err)
}

// serverWrites are the fields that the server writes, or that are a precondition of the request.
var serverWrites = []string{
	"metadata.managedFields", "metadata.creationTimestamp", "metadata.generation", "metadata.selfLink",
	"metadata.deletionTimestamp", "metadata.deletionGracePeriodSeconds", "metadata.uid",
	"metadata.resourceVersion",
}

// zerosToSend returns where the paths of Set lead to in the JSON of a type. The error of a path that
// cannot be sent is a *fieldpath.Error.
func zerosToSend(t reflect.Type, paths []string, status bool) (*fieldpath.Names, error) {
	if len(paths) == 0 {
		return nil, nil
	}
	for _, path := range paths {
		one, err := fieldpath.New(t, path)
		if err != nil {
			return nil, err
		}
		if err := one.ForbidInside("the server writes this field", serverWrites...); err != nil {
			return nil, err
		}
		isStatus := slices.Contains(slices.Collect(one.Names().Named()), "status")
		switch {
		case isStatus && !status:
			return nil, &fieldpath.Error{Path: path, Reason: "Apply does not send the status: use ApplyStatus"}
		case !isStatus && status:
			return nil, &fieldpath.Error{Path: path, Reason: "ApplyStatus sends the status only"}
		}
	}
	all, err := fieldpath.New(t, paths...)
	if err != nil {
		return nil, err
	}
	return all.Names(), nil
}

// noZeroError is the error of a path of Set where no zero can be sent.
type noZeroError struct{ reason string }

func (e *noZeroError) Error() string { return e.reason }
