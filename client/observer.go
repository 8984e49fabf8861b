package client

import (
	"context"

	"github.com/skiff-k8s/skiff/internal/verbs"
	"github.com/skiff-k8s/skiff/kind"
)

// Write is one write that the server has carried out.
type Write struct {
	Kind kind.Info

	Namespace string // "" for a cluster-scoped object
	Name      string
	// UID is the object's. It is empty if the server does not return it, as some aggregated API
	// servers do not when they delete.
	UID string

	// ResourceVersion is the object's after the write. A cache that contains this version or a
	// later one contains the write. It is empty for an object that is deleted at once, because the
	// server returns none: a cache contains that write if it has no object with the UID.
	ResourceVersion string

	// Deleted reports whether the write was a Delete or a DeleteCollection. The object may exist
	// for a while longer, with a deletionTimestamp.
	Deleted bool

	// Fields has the paths of the fields that the write set, such as "metadata.labels.app,
	// spec.replicas", never a value. It is empty without [WithFieldPaths], for what was deleted, and
	// for Secrets. The paths of more than 16 fields end with "and 3 more"; each has at most 128 bytes.
	//   - Of a patch, of Apply and of Modify it is what the request's body has. A list counts as a
	//     whole. A key of a map is part of its path: data['tls.crt'].
	//   - Of Create it is the members of the object, and of its metadata.
	//   - Of Update it is empty, because what the object was before is not known.
	//   - Of a subresource it begins with its name: "scale: spec.replicas", or "status" alone for an
	//     update of it. The paths of a patch of the status begin with that anyway.
	Fields string

	// Verb, Subresource and Body are what was asked for, of requests under [WithBodies]; else they are
	// empty. The Verb is create, update, patch, apply, delete or deletecollection; Modify sends one of
	// patch and update. The Body is JSON: the object, the patch or the DeleteOptions.
	Verb, Subresource, Body string
}

// WithWriteObserver returns a context under which fn is called after every successful write made by
// this package or package dynamic, in the goroutine of the write and before the write returns. It
// is not called for dry runs, nor for objects that the server does not keep, such as token reviews.
// It is called for a write that changed nothing, with the resourceVersion as it was. If ctx has an
// observer, that is called first. fn must be safe for concurrent use if the context is used
// concurrently.
func WithWriteObserver(ctx context.Context, fn func(Write)) context.Context {
	return verbs.WithObserver(ctx, func(w verbs.Write) { fn(Write(w)) })
}

// WithFieldPaths returns a context under which write observers get the Fields of each write. They cost
// each write the time to read its body once more.
func WithFieldPaths(ctx context.Context) context.Context { return verbs.WithFields(ctx) }

// WithBodies returns a context under which write observers get the Verb, the Subresource and the Body
// of each write. It is for tests: the Body of a Secret holds what is secret.
func WithBodies(ctx context.Context) context.Context { return verbs.WithBodies(ctx) }
