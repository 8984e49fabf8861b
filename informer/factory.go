package informer

import (
	"context"

	"github.com/skiff-k8s/skiff/rest"
)

// Factory makes informers and runs them. Informers of one factory that are For the same resource,
// namespace and selectors share one stream and one cache.
//
// It is safe for concurrent use.
type Factory struct {
	client *rest.Client
	config config
}

// NewFactory returns a factory whose informers ask c. The options hold for all of its informers
// that do not choose otherwise.
func NewFactory(c *rest.Client, opts ...Option) *Factory {
	return &Factory{client: c, config: newConfig(c, opts)}
}

// Client returns the client that the informers ask.
func (f *Factory) Client() *rest.Client { return f.client }

// Start starts every informer, and returns at once. All run until ctx ends. An informer that is
// made after Start runs right away. Calling Start again changes nothing: a factory runs once, under
// the first context.
func (f *Factory) Start(ctx context.Context) { panic("not built yet") }

// WaitForSync waits until every informer made so far has its initial list in its cache. The error
// names those that have not, and the last error each met, and wraps the reason (ctx's error; for
// an informer of a type that is not registered, the *kind.UnknownError).
func (f *Factory) WaitForSync(ctx context.Context) error { panic("not built yet") }

// Wait waits until everything that Start started has ended, which follows the end of its context.
// A handler that does not return is waited for. It returns at once if Start was never called.
func (f *Factory) Wait() { panic("not built yet") }

// Informers returns the informers made so far, each shared one once.
func (f *Factory) Informers() []Any { panic("not built yet") }
