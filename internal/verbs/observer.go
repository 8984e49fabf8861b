package verbs

import (
	"context"

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
