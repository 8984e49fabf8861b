// Package await waits until watched objects of a cluster are in some state. Tests and
// the demo use it in place of polling.
//
//	view := await.New()
//	ingresses := await.Watch[networkingv1.Ingress](view, factory)
//	err := factory.Start(ctx)
//	err = view.Until(ctx, "the Ingress of web", func() error {
//		_, err := ingresses.In("shop").Get("web")
//		return err
//	})
package await

import (
	"context"
	"fmt"
	"sync"

	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/kind"
)

// View checks conditions again at each change. It is safe for concurrent use.
type View struct {
	mu    sync.Mutex
	moved chan struct{} // guarded by mu; closed, and another one made, at each change
}

// New returns a View that watches nothing yet.
func New() *View { return &View{moved: make(chan struct{})} }

// Watch checks the view's conditions at every change of the factory's objects of
// type T, and returns their lister.
func Watch[T any, P kind.Object[T]](v *View, f *informer.Factory,
	opts ...informer.Option) informer.Lister[T] {
	shared := informer.For[T, P](f, opts...)
	shared.AddHandler(informer.Handler[T]{
		OnAdd:    func(informer.Item[T]) { v.Moved() },
		OnUpdate: func(_, _ informer.Item[T]) { v.Moved() },
		OnDelete: func(informer.Item[T]) { v.Moved() },
	})
	return shared.Lister()
}

// Moved checks the conditions again. Call it after a change that a condition may depend on.
func (v *View) Moved() {
	v.mu.Lock()
	defer v.mu.Unlock()
	close(v.moved)
	v.moved = make(chan struct{})
}

// Until calls holds now and after every change, and returns when holds returns nil. If ctx ends
// first, the error contains what, the last error of holds, and ctx's cause.
func (v *View) Until(ctx context.Context, what string, holds func() error) error {
	for {
		v.mu.Lock()
		moved := v.moved
		v.mu.Unlock()
		reason := holds()
		if reason == nil {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w: %w", what, reason, context.Cause(ctx))
		}
	}
}
