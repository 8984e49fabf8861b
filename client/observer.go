package client

import (
	"context"

	"github.com/skiff-k8s/skiff/internal/verbs"
	"github.com/skiff-k8s/skiff/kind"
)

// Write is one write that the server has carried out.
type Write struct {
	// Kind is what was written.
	Kind kind.Info

	Namespace string // "" for a cluster-scoped object
	Name      string
	// UID is the object's. It is empty in the rare case that the server does not say it: for what
	// some aggregated API servers delete.
	UID string

	// ResourceVersion is that of the object after the write. A cache that has seen it, or a later
	// one, has seen the write. It is empty for what is deleted at once, of which the server says no
	// version: that is seen when the object of that UID is gone.
	ResourceVersion string

	// Deleted says that the write was a Delete or DeleteCollection. The object may live on for a
	// while, marked.
	Deleted bool
}

// WithWriteObserver returns a context under which fn is called after every successful write made by
// this package or package dynamic, in the goroutine of the write and before it returns. Dry runs are
// no writes, nor are questions that the server keeps nothing of, such as token reviews. A
// write that changed nothing is one, with the resourceVersion as it was. Observers add up: that of
// ctx itself is called first. fn must be safe for concurrent use if the context is used so.
func WithWriteObserver(ctx context.Context, fn func(Write)) context.Context {
	return verbs.WithObserver(ctx, func(w verbs.Write) { fn(Write(w)) })
}
