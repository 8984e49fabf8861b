package compare

import (
	"context"
	"errors"
	"fmt"
	"io"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/dynamic"
	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/rest"
)

// ours is skiff on one server. The clients keep managedFields, as client-go's do.
type ours struct {
	rest *rest.Client
}

func newOurs(config *rest.Config) (*ours, error) {
	c, err := rest.NewClient(config)
	if err != nil {
		return nil, err
	}
	return &ours{c}, nil
}

// do makes the call, and returns what the library returns: an object, a list, events, bytes or nil.
func (c *ours) do(ctx context.Context, o operation) (any, error) {
	switch o.layer {
	case typed:
		return c.typed(ctx, o)
	case untyped:
		return c.untyped(ctx, o)
	case metadata:
		return ourCall(ctx, client.Metadata(c.rest, o.on, client.KeepManagedFields()).In(o.namespace), o)
	case raw:
		return c.raw(ctx, o)
	}
	panic("compare: layer " + o.layer)
}

func (c *ours) typed(ctx context.Context, o operation) (any, error) {
	switch o.on {
	case pods:
		return ourCall(ctx, of[corev1.Pod](c, o), o)
	case configMaps:
		return ourCall(ctx, of[corev1.ConfigMap](c, o), o)
	case nodes:
		return ourCall(ctx, of[corev1.Node](c, o), o)
	case deployments:
		return ourCall(ctx, of[appsv1.Deployment](c, o), o)
	case clusterRoles:
		return ourCall(ctx, of[rbacv1.ClusterRole](c, o), o)
	}
	panic(fmt.Sprintf("compare: no typed client of %s", o.on))
}

func of[T any, P kind.Object[T]](c *ours, o operation) *client.Client[T] {
	return client.Of[T, P](c.rest, client.KeepManagedFields()).In(o.namespace)
}

func ourCall[T any](ctx context.Context, c *client.Client[T], o operation) (any, error) {
	obj := new(T)
	if o.object != "" {
		o.into(obj)
	}
	switch o.verb {
	case get:
		return value(c.Get(ctx, o.name, o.get, o.sub...))
	case list:
		return value(c.List(ctx, o.list))
	case watching:
		w, err := c.Watch(ctx, o.list)
		if err != nil {
			return nil, err
		}
		defer w.Close()
		return ourEvents(func() (watch.EventType, any, error) {
			e, err := w.Next()
			return watch.EventType(e.Type), e.Object, err
		})
	case create:
		return value(c.Create(ctx, obj, o.create))
	case update:
		return value(c.Update(ctx, obj, o.update, o.sub...))
	case updateStatus:
		return value(c.UpdateStatus(ctx, obj, o.update))
	case patch:
		return value(c.Patch(ctx, o.name, o.patchType, []byte(o.patch), o.patchO, o.sub...))
	case remove:
		return nil, c.Delete(ctx, o.name, o.remove)
	case deleteCollection:
		return nil, c.DeleteCollection(ctx, o.remove, o.list)
	}
	panic("compare: typed " + o.verb)
}

func (c *ours) untyped(ctx context.Context, o operation) (any, error) {
	r := dynamic.New(c.rest, dynamic.KeepManagedFields()).Resource(o.on.GVR()).Namespace(o.namespace)
	switch o.verb {
	case get:
		return value(r.Get(ctx, o.name, o.get, o.sub...))
	case list:
		return value(r.List(ctx, o.list))
	case watching:
		w, err := r.Watch(ctx, o.list)
		if err != nil {
			return nil, err
		}
		defer w.Close()
		return ourEvents(func() (watch.EventType, any, error) {
			e, err := w.Next()
			return watch.EventType(e.Type), e.Object, err
		})
	case create:
		return value(r.Create(ctx, o.unstructured(), o.create, o.sub...))
	case update:
		return value(r.Update(ctx, o.unstructured(), o.update, o.sub...))
	case updateStatus:
		return value(r.UpdateStatus(ctx, o.unstructured(), o.update))
	case patch:
		return value(r.Patch(ctx, o.name, o.patchType, []byte(o.patch), o.patchO, o.sub...))
	case apply:
		return value(r.Apply(ctx, o.unstructured(), o.apply, o.sub...))
	case remove:
		return nil, r.Delete(ctx, o.name, o.remove)
	case deleteCollection:
		return nil, r.DeleteCollection(ctx, o.remove, o.list)
	}
	panic("compare: dynamic " + o.verb)
}

func (c *ours) raw(ctx context.Context, o operation) (any, error) {
	g := c.rest.GroupVersion(o.on.GroupVersion())
	r := map[verb]func() *rest.Request{
		get: g.Get, list: g.Get, create: g.Post, update: g.Put, remove: g.Delete,
		deleteCollection: g.Delete, patch: func() *rest.Request { return g.Patch(o.patchType) },
	}[o.verb]().Namespace(o.namespace).Resource(o.on.Resource)
	if o.verb != list && o.verb != create && o.verb != deleteCollection {
		r = r.Name(o.name)
	}
	r = r.SubResource(o.sub...)
	switch o.verb {
	case get:
		r = r.VersionedParams(&o.get)
	case list:
		r = r.VersionedParams(&o.list)
	case create:
		r = r.VersionedParams(&o.create).Body([]byte(o.object))
	case update:
		r = r.VersionedParams(&o.update).Body([]byte(o.object))
	case patch:
		r = r.VersionedParams(&o.patchO).Body([]byte(o.patch))
	case remove:
		r = r.Body(&o.remove)
	case deleteCollection:
		r = r.VersionedParams(&o.list).Body(&o.remove)
	}
	if o.verb == get {
		return r.DoRaw(ctx)
	}
	result := r.Do(ctx)
	if err := result.Error(); err != nil {
		return nil, err
	}
	return result.Raw()
}

// value returns a nil any for a nil pointer.
func value[T any](obj *T, err error) (any, error) {
	if obj == nil {
		return nil, err
	}
	return obj, err
}

// ourEvents reads a watch to its end.
func ourEvents(next func() (watch.EventType, any, error)) (any, error) {
	events := []event{}
	for {
		t, obj, err := next()
		if errors.Is(err, io.EOF) {
			return events, nil
		}
		if err != nil {
			return events, err
		}
		events = append(events, event{t, obj})
	}
}
