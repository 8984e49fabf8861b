package verbs

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/skiff-k8s/skiff/kind"
)

// Write is one write that the server has carried out. Package client documents it.
type Write struct {
	Kind            kind.Info
	Namespace       string
	Name            string
	UID             string
	ResourceVersion string
	Deleted         bool
	Fields          string
	Verb            string
	Subresource     string
	Body            string
}

type bodiesKey struct{}

// WithBodies returns a context under which a Write has its Verb, Subresource and Body.
func WithBodies(ctx context.Context) context.Context {
	return context.WithValue(ctx, bodiesKey{}, true)
}

// sent adds what the request was to a Write, if ctx asks for it. body is JSON, or an object.
func (w *Write) sent(ctx context.Context, verb string, sub []string, body any) {
	if wants, _ := ctx.Value(bodiesKey{}).(bool); !wants {
		return
	}
	w.Verb, w.Subresource = verb, strings.Join(sub, "/")
	data, ok := body.([]byte)
	if !ok {
		data, _ = json.Marshal(body) // it was sent, so it can be encoded
	}
	w.Body = string(data)
}

type observerKey struct{}

// WithObserver returns a context under which fn is called for each write, after ctx's own observer.
func WithObserver(ctx context.Context, fn func(Write)) context.Context {
	if outer := observer(ctx); outer != nil {
		inner := fn
		fn = func(w Write) { outer(w); inner(w) }
	}
	return context.WithValue(ctx, observerKey{}, fn)
}

// observer returns nil if ctx has no observer.
func observer(ctx context.Context) func(Write) {
	fn, _ := ctx.Value(observerKey{}).(func(Write))
	return fn
}
