package client

import (
	"context"
	"encoding/json"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/skiff-k8s/skiff/internal/verbs"
	"github.com/skiff-k8s/skiff/kind"
)

// ApplyConfiguration applies a configuration by server-side apply, and returns the object as the
// server stores it. It is for the apply configurations of client-go and of generators such as
// applyconfiguration-gen, which have a pointer for each field, and so know a zero from what is not
// set:
//
//	web := appsv1ac.Deployment("web", "shop").WithSpec(appsv1ac.DeploymentSpec().WithReplicas(0))
//	deployment, err := client.ApplyConfiguration(ctx, client.Of[appsv1.Deployment](c), web,
//		metav1.ApplyOptions{FieldManager: "deploy"})
//
// This package links none of them: the configuration is any type whose JSON is an object with an
// apiVersion, a kind and a name, which are those of c's objects. Its namespace is that of c, or
// c has none. It is sent as it is, without the choice that [Client.Apply] makes among the fields:
// the status too, which the server ignores if the type has a status subresource.
//
// subresources is the path of a subresource whose objects are of type T, such as "status": only the
// fields that belong to it count. [Subresource.ApplyConfiguration] is for the others.
//
// opts or the client ([Manager]) have a field manager. The errors are those of [Client.Apply].
func ApplyConfiguration[T any](ctx context.Context, c *Client[T],
	config runtime.ApplyConfiguration, opts metav1.ApplyOptions, subresources ...string) (*T, error) {
	if c.err != nil {
		return nil, c.err
	}
	s, body, err := configured(c.r, config, "", schema.GroupVersionKind{})
	if err == nil {
		err = ofOwnKind(c.r, "apply", s.Name, subresources)
	}
	if err != nil {
		return nil, err
	}
	return c.written(c.r.Apply(ctx, s, body, &opts, subresources))
}

// ApplyConfiguration applies a configuration of the subresource of the object of that name, as the
// function [ApplyConfiguration] does: a Scale. The configuration needs no name.
func (s *Subresource[S]) ApplyConfiguration(ctx context.Context, name string,
	config runtime.ApplyConfiguration, opts metav1.ApplyOptions) (*S, error) {
	if s.s.err != nil {
		return nil, s.s.err
	}
	if name == "" {
		return nil, s.s.misuse("apply", "", "the name is empty")
	}
	sent, body, err := configured(s.s.r, config, name, s.s.kind)
	if err != nil {
		return nil, err
	}
	o, err := s.s.r.Apply(ctx, sent, body, &opts, s.s.path)
	return s.written(name, o, err)
}

// configured returns what an apply configuration is about, and its JSON. name is that of the object
// if it need not be in the configuration; want is the kind, if it is another one than r's.
func configured(r verbs.Resource, config runtime.ApplyConfiguration, name string,
	want schema.GroupVersionKind) (verbs.Sent, []byte, error) {
	misuse := func(format string, args ...any) error {
		return &kind.MisuseError{Verb: "apply", Resource: r.String(), Name: name,
			Problem: fmt.Sprintf(format, args...)}
	}
	if r.As != "" {
		return verbs.Sent{}, nil, misuse("the client has the objects' metadata only: use Patch")
	}
	body, err := json.Marshal(config)
	if err != nil {
		return verbs.Sent{}, nil, misuse("the configuration cannot be encoded: %v", err)
	}
	var id struct {
		metav1.TypeMeta `json:",inline"`
		Metadata        struct{ Namespace, Name string }
	}
	if string(body) == "null" {
		return verbs.Sent{}, nil, misuse("the configuration is nil")
	}
	if err := json.Unmarshal(body, &id); err != nil {
		return verbs.Sent{}, nil, misuse("the configuration is no object of the API: %v", err)
	}
	gvk := id.GroupVersionKind()
	switch {
	case id.APIVersion == "" || id.Kind == "":
		return verbs.Sent{}, nil, misuse("the configuration has no apiVersion and kind, which " +
			"its constructor sets")
	case want.Kind != "" && gvk != want:
		return verbs.Sent{}, nil, misuse("the configuration is of the kind %s, and this client "+
			"writes %s", gvk, want)
	case name != "" && id.Metadata.Name != "" && id.Metadata.Name != name:
		return verbs.Sent{}, nil, misuse("the configuration's metadata.name is %q: leave it "+
			"empty, or set it to the same", id.Metadata.Name)
	case name == "":
		name = id.Metadata.Name
	}
	return verbs.Sent{Value: config, Namespace: id.Metadata.Namespace, Name: name, GVK: gvk}, body,
		nil
}
