package client

import (
	"context"
	"iter"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/internal/verbs"
	"github.com/skiff-k8s/skiff/wire"
)

// The types of events.
const (
	Added    = wire.Added    // the object is new, or new to this watch
	Modified = wire.Modified // the object as it is now
	Deleted  = wire.Deleted  // the object as it last was
	Bookmark = wire.Bookmark // no object has changed: see Event.Object
)

// Event is one change of one object.
type Event[T any] struct {
	Type wire.EventType

	// Object is the caller's own. In a Bookmark it has only the resourceVersion that the watch has
	// reached, and annotations of the server: a watch from that version on misses no change.
	Object *T

	initialEventsEnd bool
}

// InitialEventsEnd reports whether an event is the bookmark after the last of the objects that
// existed when a watch with SendInitialEvents was opened.
// (https://kubernetes.io/docs/reference/using-api/api-concepts/#streaming-lists)
func (e Event[T]) InitialEventsEnd() bool { return e.initialEventsEnd }

// Watch is an open stream of changes. Next and Events are for one goroutine at a time; Close may be
// called from any.
type Watch[T any] struct{ w *verbs.Watch }

// Watch opens a stream of changes to the objects that opts select. If opts.ResourceVersion is set,
// to that of a list or an event, the stream begins after it. If not, it begins with an Added for
// every object that exists. It contains bookmarks if opts.AllowWatchBookmarks is set.
//
// The caller closes the Watch, or uses Events, which closes it. The end of ctx ends it too.
//
// The server ends every watch after some minutes. Package informer keeps a cache over that, and
// over faults.
func (c *Client[T]) Watch(ctx context.Context, opts metav1.ListOptions) (*Watch[T], error) {
	if c.err != nil {
		return nil, c.err
	}
	w, err := c.r.Watch(ctx, opts)
	if err != nil {
		return nil, err
	}
	return &Watch[T]{w}, nil
}

// Next waits for the next event and returns it. After an error it returns the same error from then
// on:
//   - io.EOF if the server ended the watch in good order;
//   - an error of package apierrors if the server reported one within the stream. If
//     apierrors.IsResourceExpired holds for it, the server no longer has the changes: list again,
//     and watch from the list's resourceVersion;
//   - an error of the connection, the decoding, ctx or Close otherwise.
func (w *Watch[T]) Next() (Event[T], error) {
	var object *T
	event, err := w.w.Next(func(o wire.Object) error {
		object = new(T)
		return decode(w.w.Resource, o, object)
	})
	if err != nil {
		return Event[T]{}, err
	}
	return Event[T]{Type: event.Type, Object: object,
		initialEventsEnd: event.InitialEventsEnd()}, nil
}

// Events returns an iterator over the events. It ends without an error if the server ends the watch
// in good order, and yields the error of Next otherwise. When the loop ends, it closes the watch.
func (w *Watch[T]) Events() iter.Seq2[Event[T], error] { return verbs.Events(w.Next, w.Close) }

// Close ends the watch: a Next under way returns an error. It may be called more than once.
func (w *Watch[T]) Close() error { return w.w.Close() }
