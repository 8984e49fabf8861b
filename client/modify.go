package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/skiff-k8s/skiff/internal/overlay"
	"github.com/skiff-k8s/skiff/internal/verbs"
	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/wire"
)

// Modify reads an object, calls change with it, and sends what change has changed. It returns the
// object as the server stores it then. If nothing has changed, it sends nothing and returns the
// object as it was read.
//
// Modify sends a JSON merge patch (RFC 7386) that holds the difference and the resourceVersion that
// was read. If another writer was faster, it begins again: change is called several times, each
// time with what the server stores then, and so must not keep anything from an earlier call. After
// 10 tries the error is one for which apierrors.IsConflict holds. An error of change ends Modify,
// which returns it as it is.
//
// Fields that the server stores and T does not know stay as they are, unlike with Update:
//   - beside and within each field that is changed;
//   - in the elements of a list that is changed. An element is the one that has the same key, if
//     the list has keys: from the tag patchMergeKey of its field, and for the lists of k8s.io/api
//     and conditions without it. In other lists it is the one whose known fields are equal, or, by
//     order (the longest common subsequence), the one with which it has the most in common, at
//     least half. An element that is none of them is new;
//   - not in what change removes: a nil pointer, an element, a key of a map.
//
// What counts is the JSON of T. A zero field that its tag leaves out is removed, as is one that is
// written as null: a merge patch cannot set null. Quantities that are equal in meaning are no
// change. Changes of the metadata that the server writes (resourceVersion, creationTimestamp and so
// on) are ignored; one of name, namespace or uid is a [kind.MisuseError]. If the type has a status
// subresource, the server ignores changes of the status: use [Client.ModifyStatus].
func (c *Client[T]) Modify(ctx context.Context, name string, change func(*T) error,
	opts ...WriteOption) (*T, error) {
	return c.modified(modify(ctx, c.changing("modify", nil, change, opts), name))
}

// ModifyStatus is Modify for the status: it sends changes of the status only, to the status
// subresource. Changes of other fields are ignored.
func (c *Client[T]) ModifyStatus(ctx context.Context, name string, change func(*T) error,
	opts ...WriteOption) (*T, error) {
	return c.modified(modify(ctx, c.changing("modify the status of", status, change, opts), name))
}

// An Outcome is what CreateOrModify has done.
type Outcome string

// The outcomes of CreateOrModify.
const (
	Unchanged Outcome = "unchanged"
	Created   Outcome = "created"
	Changed   Outcome = "changed"
)

// CreateOrModify is Modify, and creates the object if there is none: change is called with an
// object that has its name and namespace only, and what it makes of that is created. If another
// writer creates the object first, it is modified; if another one deletes it in between, it is
// created. The server ignores the status of an object that is created.
func (c *Client[T]) CreateOrModify(ctx context.Context, name string, change func(*T) error,
	opts ...WriteOption) (*T, Outcome, error) {
	v, done, err := createOrModify(ctx, c.changing("create or modify", nil, change, opts), name)
	out, err := c.modified(v, err)
	return out, done, err
}

// changing is all that Modify does that depends on T.
func (c *Client[T]) changing(verb string, sub []string, change func(*T) error,
	opts []WriteOption) *modification {
	return &modification{r: with(c.r, opts), err: c.err, verb: verb, sub: sub,
		t: reflect.TypeFor[T](), change: func(v any) error { return change(v.(*T)) }}
}

func (c *Client[T]) modified(v any, err error) (*T, error) {
	if err != nil {
		return nil, err
	}
	return v.(*T), nil
}

// modification is a change of an object of a Go type. Its values are pointers to that type.
type modification struct {
	r      verbs.Resource
	err    error // why the client cannot be used
	verb   string
	sub    []string
	t      reflect.Type
	change func(any) error
}

func (m *modification) about(name string) string {
	return fmt.Sprintf("%s %s %q", m.verb, m.r, name)
}

func (m *modification) misuse(name, problem string) error {
	return &kind.MisuseError{Verb: m.verb, Resource: m.r.String(), Name: name, Problem: problem}
}

func modify(ctx context.Context, m *modification, name string) (out any, err error) {
	if m.err != nil {
		return nil, m.err
	}
	var own error // of change: never a reason to begin again, whatever it is
	err = retry(ctx, m.about(name), apierrors.IsConflict, func() error {
		var err error
		out, _, err = m.once(ctx, name, &own)
		return err
	})
	if own != nil {
		return nil, own
	}
	return out, err
}

func createOrModify(ctx context.Context, m *modification, name string) (out any, done Outcome,
	err error) {
	if m.err != nil {
		return nil, "", m.err
	}
	var own error
	races := func(err error) bool {
		return apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err) ||
			errors.Is(err, errVanished)
	}
	err = retry(ctx, m.about(name), races, func() error {
		var changed bool
		var err error
		out, changed, err = m.once(ctx, name, &own)
		if done = Unchanged; changed {
			done = Changed
		}
		if own == nil && apierrors.IsNotFound(err) {
			if changed { // it was there when it was read
				return fmt.Errorf("%w: %w", errVanished, err)
			}
			done = Created
			out, err = m.create(ctx, name, &own)
		}
		return err
	})
	switch {
	case own != nil:
		return nil, "", own
	case err != nil:
		return nil, "", err
	}
	return out, done, nil
}

// errVanished is the error of an object that was deleted between its read and its write.
var errVanished = errors.New("the object was deleted meanwhile")

// errStopped hides an error of change from those who ask whether to begin again.
var errStopped = errors.New("the change failed")

// once reads the object, changes it, and sends the difference. It reports whether there was one.
func (m *modification) once(ctx context.Context, name string, own *error) (out any, changed bool,
	err error) {
	read := m.r
	read.Format = wire.JSON // what T does not know is in the JSON only
	o, err := read.Get(ctx, name, &metav1.GetOptions{}, nil)
	if err != nil {
		return nil, false, err
	}
	obj := reflect.New(m.t).Interface()
	if err := decode(m.r, o, obj); err != nil {
		return nil, false, err
	}
	before, err := treeOf(obj)
	if err != nil {
		return nil, false, fmt.Errorf("%s: %w", m.about(name), err)
	}
	if *own = m.change(obj); *own != nil {
		return nil, false, errStopped
	}
	if err := m.sameObject(name, o.Meta, obj.(metav1.Object)); err != nil {
		return nil, false, err
	}
	after, err := treeOf(obj)
	if err != nil {
		return nil, false, fmt.Errorf("%s: %w", m.about(name), err)
	}
	patch, err := m.difference(o, before, after)
	if err != nil {
		return nil, false, fmt.Errorf("%s: %w", m.about(name), err)
	}
	if patch == nil {
		err := decode(m.r, o, obj)
		return obj, false, err
	}
	o, err = m.r.Patch(ctx, name, types.MergePatchType, patch, &metav1.PatchOptions{}, m.sub)
	if err != nil {
		return nil, true, err
	}
	return obj, true, decodeWritten(m.r, o, obj)
}

func (m *modification) create(ctx context.Context, name string, own *error) (any, error) {
	obj := reflect.New(m.t).Interface()
	meta := obj.(metav1.Object)
	meta.SetName(name)
	meta.SetNamespace(m.r.Namespace)
	if *own = m.change(obj); *own != nil {
		return nil, errStopped
	}
	err := m.sameObject(name, wire.Meta{Name: name, Namespace: m.r.Namespace}, meta)
	if err != nil {
		return nil, err
	}
	o, err := m.r.Create(ctx, sentOf(obj), &metav1.CreateOptions{}, nil)
	if err != nil {
		return nil, err
	}
	return obj, decodeWritten(m.r, o, obj)
}

// sameObject checks that the function has not made another object of the one that it got.
func (m *modification) sameObject(name string, was wire.Meta, now metav1.Object) error {
	switch {
	case now.GetName() != was.Name:
		return m.misuse(name, fmt.Sprintf("the function has changed metadata.name to %q",
			now.GetName()))
	case now.GetNamespace() != was.Namespace:
		return m.misuse(name, fmt.Sprintf(
			"the function has changed metadata.namespace from %q to %q",
			was.Namespace, now.GetNamespace()))
	case now.GetUID() != "" && string(now.GetUID()) != was.UID:
		return m.misuse(name, fmt.Sprintf("the function has changed metadata.uid to %q",
			now.GetUID()))
	}
	return nil
}

func treeOf(obj any) (map[string]any, error) {
	data, err := json.Marshal(obj)
	if err != nil {
		return nil, err
	}
	return objectOf(data)
}

func objectOf(data []byte) (map[string]any, error) {
	tree, err := overlay.Parse(data)
	if err != nil {
		return nil, err
	}
	object, ok := tree.(map[string]any)
	if !ok {
		return nil, errors.New("the object is no JSON object")
	}
	return object, nil
}

// serverKeeps are the fields of the metadata that the server writes, and takes from nobody.
var serverKeeps = []string{"resourceVersion", "uid", "generation", "creationTimestamp",
	"deletionTimestamp", "deletionGracePeriodSeconds", "selfLink"}

// difference returns the patch that makes the change, and nil if there is none.
func (m *modification) difference(o wire.Object, before, after map[string]any) ([]byte, error) {
	raw, err := objectOf(o.Data)
	if err != nil {
		return nil, err
	}
	if was, ok := before["metadata"].(map[string]any); ok {
		now, _ := after["metadata"].(map[string]any)
		if now = maps.Clone(now); now == nil {
			now = map[string]any{}
		}
		keep := serverKeeps
		if now["managedFields"] == nil {
			keep = append([]string{"managedFields"}, keep...)
		}
		for _, name := range keep {
			if value, ok := was[name]; ok {
				now[name] = value
			} else {
				delete(now, name)
			}
		}
		after["metadata"] = now
	}
	to, _ := overlay.Lay(raw, before, after, m.t).(map[string]any)
	if len(m.sub) > 0 {
		all := to
		to = maps.Clone(raw)
		to["status"] = all["status"] // null is as if it were not there
	}
	patch, changed := overlay.MergePatch(raw, to)
	if !changed {
		return nil, nil
	}
	meta, _ := patch["metadata"].(map[string]any)
	if meta == nil {
		meta = map[string]any{}
	}
	meta["resourceVersion"] = o.Meta.ResourceVersion
	patch["metadata"] = meta
	return json.Marshal(patch)
}
