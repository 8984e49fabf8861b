package client

import (
	"context"
	"fmt"
	"reflect"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/skiff-k8s/skiff/internal/verbs"
	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/rest"
	"github.com/skiff-k8s/skiff/wire"
)

// Subresource reads and writes a subresource whose objects have a Go type of their own, S: the scale
// of a Deployment, the eviction of a Pod, the token of a ServiceAccount. It is a small immutable
// value: safe for concurrent use, cheap to make, nothing to close.
//
//	scales := client.SubresourceOf[autoscalingv1.Scale](deployments, "scale")
//	scale, err := scales.Get(ctx, "web", metav1.GetOptions{})
//
// The subresources of Kubernetes, and their S:
//   - scale, of deployments, replicasets, statefulsets, replicationcontrollers and custom resources
//     that declare it: autoscalingv1.Scale. Get, Update, Patch, Apply.
//   - eviction, of pods: policyv1.Eviction. Create.
//   - binding, of pods: corev1.Binding. Create.
//   - token, of serviceaccounts: authenticationv1.TokenRequest. Create.
//
// A subresource whose objects are those of the resource itself (status, approval, resize,
// ephemeralcontainers, finalize) is an argument of the methods of [Client]. Subresources that are
// streams (log, exec, attach, portforward, proxy) have no objects.
//
// Each method takes the name of the object that the subresource belongs to. If that object is
// missing, apierrors.IsNotFound holds for the error.
type Subresource[S any] struct{ s subresource }

// SubresourceOf returns the client of a subresource of c's objects, in c's namespace. S is the
// struct, not a pointer to it; T and P are inferred. SubresourceOf itself does not fail. If c cannot
// be used, or if the subresource has objects of another type than S, every call returns an error.
func SubresourceOf[S any, T any, P kind.Object[S]](c *Client[T], subresource string) *Subresource[S] {
	return &Subresource[S]{subresourceOf(c.r, c.err, P(new(S)), subresource)}
}

// SubresourceAt is [SubresourceOf] for a resource whose Go type the program does not have, such as a
// custom resource, in all namespaces: use In for one.
func SubresourceAt[S any, P kind.Object[S]](c *rest.Client, gvr schema.GroupVersionResource,
	subresource string) *Subresource[S] {
	r := verbs.Resource{Rest: c}
	if r.Kind, r.Whole = kind.ByGVR(gvr); !r.Whole {
		r.Kind = kind.Info{Group: gvr.Group, Version: gvr.Version, Resource: gvr.Resource}
	}
	return &Subresource[S]{subresourceOf(r, nil, P(new(S)), subresource)}
}

// In returns a client like s for one namespace; "" means none.
func (s *Subresource[S]) In(namespace string) *Subresource[S] {
	in := *s
	in.s.r.Namespace = namespace
	return &in
}

// Get returns the subresource of the object of that name.
func (s *Subresource[S]) Get(ctx context.Context, name string, opts metav1.GetOptions) (*S, error) {
	if s.s.err != nil {
		return nil, s.s.err
	}
	o, err := s.s.r.Get(ctx, name, &opts, s.s.path)
	if err != nil {
		return nil, err
	}
	out := new(S)
	if err := s.s.decode(o, name, out); err != nil {
		return nil, err
	}
	return out, nil
}

// Create sends obj to the subresource of the object of that name, and returns the answer. Of an
// Eviction and a Binding, which the server keeps nothing of, it returns a copy of obj.
//
// If a PodDisruptionBudget does not allow an eviction now, apierrors.IsTooManyRequests holds for the
// error (https://kubernetes.io/docs/concepts/scheduling-eviction/api-eviction/).
//
// obj needs neither a name nor an apiVersion and kind. If it has them, they must be those of the
// call and of S. No method changes or keeps obj.
func (s *Subresource[S]) Create(ctx context.Context, name string, obj *S,
	opts metav1.CreateOptions) (*S, error) {
	sent, err := s.sent("create", name, obj)
	if err != nil {
		return nil, err
	}
	o, err := s.s.r.Create(ctx, sent, &opts, s.s.path)
	if err == nil && o.Kind == "Status" {
		return sent.Value.(*S), nil
	}
	return s.written(name, o, err)
}

// Update replaces the subresource, and returns it as the server stores it. If obj has a
// resourceVersion and the object has changed since, apierrors.IsConflict holds for the error.
func (s *Subresource[S]) Update(ctx context.Context, name string, obj *S,
	opts metav1.UpdateOptions) (*S, error) {
	sent, err := s.sent("update", name, obj)
	if err != nil {
		return nil, err
	}
	o, err := s.s.r.Update(ctx, sent, &opts, s.s.path)
	return s.written(name, o, err)
}

// Patch changes the subresource by a patch of type pt. See [Client.Patch].
func (s *Subresource[S]) Patch(ctx context.Context, name string, pt types.PatchType, data []byte,
	opts metav1.PatchOptions) (*S, error) {
	if s.s.err != nil {
		return nil, s.s.err
	}
	o, err := s.s.r.Patch(ctx, name, pt, data, &opts, s.s.path)
	return s.written(name, o, err)
}

// Apply sets the fields of obj by server-side apply. What it sends and what it leaves out is as in
// [Client.Apply]: a zero field is not sent, so a Scale of no replicas needs Set("spec.replicas").
// The object that the subresource belongs to must exist. Kubernetes 1.37 refuses to apply the scale
// of a custom resource, with an internal error: use Patch.
func (s *Subresource[S]) Apply(ctx context.Context, name string, obj *S, opts metav1.ApplyOptions,
	more ...ApplyOption) (*S, error) {
	sent, err := s.sent("apply", name, obj)
	if err != nil {
		return nil, err
	}
	body, err := applyBody(sent.Value, name, s.s.r, sent.GVK, false, more)
	if err != nil {
		return nil, err
	}
	o, err := s.s.r.Apply(ctx, sent, body, &opts, s.s.path)
	return s.written(name, o, err)
}

// sent checks an object to be written, and returns a copy of it that is complete.
func (s *Subresource[S]) sent(verb, name string, obj *S) (verbs.Sent, error) {
	if obj == nil {
		return s.s.sent(verb, name, nil)
	}
	copied := *obj
	return s.s.sent(verb, name, &copied)
}

// written decodes the answer to a write that succeeded.
func (s *Subresource[S]) written(name string, o wire.Object, err error) (*S, error) {
	if err != nil {
		return nil, err
	}
	out := new(S)
	if err := s.s.decode(o, name, out); err != nil {
		return nil, fmt.Errorf("the write succeeded, but its answer cannot be read: %w", err)
	}
	return out, nil
}

// subresource is the part of a Subresource that does not depend on the type of its objects.
type subresource struct {
	r    verbs.Resource
	path []string
	kind schema.GroupVersionKind // of the objects; empty if it is not known
	err  error                   // why it cannot be used; every call returns it
}

func subresourceOf(r verbs.Resource, err error, object metav1.Object, name string) subresource {
	s := subresource{r: r, path: []string{name}, err: err}
	if err != nil {
		return s
	}
	t := reflect.TypeOf(object).Elem()
	if _, ok := object.(runtime.Unstructured); ok {
		s.err = s.misuse("use", "", "%v can hold an object of any kind: use package dynamic", t)
		return s
	}
	if _, ok := object.(typed); !ok {
		s.err = s.misuse("use", "", "%v has no apiVersion and kind: embed metav1.TypeMeta as "+
			"`json:\",inline\"`", t)
		return s
	}
	s.kind, _ = kind.GVKOf(t)
	s.r.SubKind = s.kind
	if s.err = s.fits(name, t); s.err != nil {
		return s
	}
	s.r.Format = wire.JSON
	if r.Kind.Protobuf && wire.HasProtobuf(object) {
		s.r.Format = wire.Protobuf
	}
	return s
}

// fits returns an error if a subresource has objects of another type than t.
func (s subresource) fits(name string, t reflect.Type) error {
	if name == "" {
		return s.misuse("use", "", "the name of the subresource is empty")
	}
	want, foreign := foreignKinds[name]
	switch {
	case streams[name]:
		return s.misuse("use", "",
			"it is a stream and has no objects: use package remote, or rest.Request.Stream")
	case foreign && s.kind.Kind != "" && s.kind.Kind != want:
		return s.misuse("use", "", "its objects are of the kind %s, and %v is a %s", want, t,
			s.kind.Kind)
	case s.r.OwnKind(s.path) && s.r.Whole && s.kind != s.r.Kind.GVK():
		return s.misuse("use", "", "its objects are of the kind %s, and not %v: it is an argument "+
			"of the methods of Client", s.r.Kind.Kind, t)
	}
	return nil
}

func (s subresource) misuse(verb, name, format string, args ...any) error {
	return &kind.MisuseError{Verb: verb, Resource: s.r.String() + "/" + s.path[0], Name: name,
		Problem: fmt.Sprintf(format, args...)}
}

// sent completes an object to be written: a pointer to a copy of the caller's, or nil.
func (s subresource) sent(verb, name string, obj any) (verbs.Sent, error) {
	object, _ := obj.(metav1.Object)
	switch {
	case s.err != nil:
		return verbs.Sent{}, s.err
	case name == "":
		return verbs.Sent{}, s.misuse(verb, "", "the name is empty")
	case object == nil:
		return verbs.Sent{}, s.misuse(verb, name, "the object is nil")
	case object.GetName() != "" && object.GetName() != name:
		return verbs.Sent{}, s.misuse(verb, name, "the object's metadata.name is %q: leave it "+
			"empty, or set it to the same", object.GetName())
	}
	object.SetName(name)
	what := object.(typed).GetObjectKind() // subresourceOf has seen to it
	gvk := what.GroupVersionKind()
	switch {
	case gvk.Empty() && s.kind.Empty():
		return verbs.Sent{}, s.misuse(verb, name, "the object has no kind: set apiVersion and kind")
	case gvk.Empty():
		gvk = s.kind
		what.SetGroupVersionKind(gvk)
	case !s.kind.Empty() && gvk != s.kind:
		return verbs.Sent{}, s.misuse(verb, name, "the object is %s %s, and its Go type is %s %s",
			gvk.GroupVersion(), gvk.Kind, s.kind.GroupVersion(), s.kind.Kind)
	}
	return verbs.Sent{Value: object, Namespace: object.GetNamespace(), Name: name, GVK: gvk}, nil
}

// decode decodes an answer, whose kind has been checked as it was read.
func (s subresource) decode(o wire.Object, name string, into any) error {
	if err := wire.Decode(o, into); err != nil {
		return s.r.Rest.Redact(fmt.Errorf("%s/%s %q: %w", s.r, s.path[0], name, err))
	}
	return nil
}

// foreignKinds are the subresources of Kubernetes whose objects are of another kind than the
// resource, and that kind.
var foreignKinds = map[string]string{
	"scale":    "Scale",
	"eviction": "Eviction",
	"binding":  "Binding",
	"token":    "TokenRequest",
}

// streams are the subresources of Kubernetes that have no objects.
var streams = map[string]bool{
	"log": true, "exec": true, "attach": true, "portforward": true, "proxy": true,
}

// ofOwnKind checks a subresource that a Client reads or writes as an object of its own type.
func ofOwnKind(r verbs.Resource, verb, name string, sub []string) error {
	if len(sub) == 0 {
		return nil
	}
	problem := ""
	if other, ok := foreignKinds[sub[0]]; ok {
		problem = fmt.Sprintf("the %s subresource is no %s but a %s: use SubresourceOf[%s]", sub[0],
			r.Kind.Kind, other, other)
	} else if streams[sub[0]] {
		problem = fmt.Sprintf("the %s subresource is no %s but a stream: use package remote, "+
			"or rest.Request.Stream", sub[0], r.Kind.Kind)
	} else {
		return nil
	}
	return &kind.MisuseError{Verb: verb, Resource: r.String(), Name: name, Problem: problem}
}
