package verbs

import (
	"context"
	"fmt"
	"io"
	"iter"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/rest"
	"github.com/skiff-k8s/skiff/wire"
)

// Watch is an open stream of changes. Next is for one goroutine at a time; Close may be called from
// any.
type Watch struct {
	Resource Resource
	stream   *rest.WatchStream
	err      error // what ended the watch
}

// Watch opens the stream of changes.
func (r Resource) Watch(ctx context.Context, opts metav1.ListOptions) (*Watch, error) {
	return r.watch(ctx, opts, "")
}

func (r Resource) watch(ctx context.Context, opts metav1.ListOptions,
	objects metav1.IncludeObjectPolicy) (*Watch, error) {
	r, err := r.inScope("watch", "", false)
	if err != nil {
		return nil, err
	}
	opts.Watch = true
	stream, err := including(r.to(r.Rest.Get()).VersionedParams(&opts), objects).Watch(ctx, r.streamOptions())
	if err != nil {
		return nil, err
	}
	return &Watch{Resource: r, stream: stream}, nil
}

// Next returns the next change, after it has called decode with its object. An error, decode's too,
// ends the watch, and Next returns it from then on. It is io.EOF if the server ended the watch in
// good order.
func (w *Watch) Next(decode func(wire.Object) error) (wire.Event, error) {
	if w.err != nil {
		return wire.Event{}, w.err
	}
	event, err := w.next()
	if err == nil {
		err = decode(event.Object)
	}
	if err != nil {
		w.err = err
		_ = w.stream.Close()
		return wire.Event{}, err
	}
	return event, nil
}

// next returns an ERROR event as an error with the server's status in its chain.
func (w *Watch) next() (wire.Event, error) {
	event, err := w.stream.Next()
	if err != nil || event.Type != wire.Error {
		return event, err
	}
	status, err := event.Status()
	if err != nil {
		return wire.Event{}, fmt.Errorf(
			"watch %s: the server reports an error that cannot be read: %w", w.Resource, err)
	}
	return wire.Event{}, fmt.Errorf("watch %s: %w", w.Resource,
		&apierrors.StatusError{ErrStatus: *status})
}

// Close ends the watch: a Next under way returns an error. It may be called more than once.
func (w *Watch) Close() error { return w.stream.Close() }

// Events yields what next returns. It ends without an error at io.EOF and with one in every other
// case, and calls end in any case: also when the loop is left.
func Events[E any](next func() (E, error), end func() error) iter.Seq2[E, error] {
	return func(yield func(E, error) bool) {
		defer end()
		for {
			event, err := next()
			if err == io.EOF || !yield(event, err) || err != nil {
				return
			}
		}
	}
}
