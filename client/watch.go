package client

import (
	"context"
	"iter"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/internal/verbs"
	"github.com/skiff-k8s/skiff/wire"
)

// What an Event tells.
const (
	Added    = wire.Added    // the object is new, or new to this watch
	Modified = wire.Modified // the object as it is now
	Deleted  = wire.Deleted  // the object as it last was
	Bookmark = wire.Bookmark // nothing happened to an object: see Event.Object
)

// Event is one change of one object.
type Event[T any] struct {
	Type wire.EventType

	// Object is the caller's own. Of a Bookmark it holds nothing but the resourceVersion that the
	// watch has reached (and what annotations the server adds): to watch again from there misses
	// nothing.
	Object *T

	initialEventsEnd bool
}

// InitialEventsEnd says that an event is the bookmark that follows the last of the objects which
// existed when a watch with SendInitialEvents was opened.
// (https://kubernetes.io/docs/reference/using-api/api-concepts/#streaming-lists)
func (e Event[T]) InitialEventsEnd() bool { return e.initialEventsEnd }

// Watch is an open stream of changes. Next and Events are for one goroutine at a time; Close may be
// called from any.
type Watch[T any] struct{ w *verbs.Watch }

// Watch opens a stream of the changes to the objects that opts select: from opts.ResourceVersion
// on, which is that of a list or of an event; or, without one, beginning with an Added for every
// object there is. Bookmarks come if opts.AllowWatchBookmarks asks for them.
//
// The caller closes it, or uses Events, which does. Ending ctx ends it too.
//
// The server ends a watch after some minutes as a matter of course. A cache that stays true through
// that, and through faults, is what package informer is for.
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

// Next waits for the next event. It returns io.EOF, exactly, when the server ended the watch in good
// order. What the server reports within the stream is an error as if it had answered with it:
// apierrors.IsResourceExpired holds when the watch asked for changes that are forgotten (list again,
// and watch from the list's resourceVersion). After an error Next returns the same from then on.
func (w *Watch[T]) Next() (Event[T], error) {
	var object *T
	event, err := w.w.Next(func(o wire.Object) error {
		object = new(T)
		return decode(w.w.Resource, o, object)
	})
	if err != nil {
		return Event[T]{}, err
	}
	return Event[T]{Type: event.Type, Object: object, initialEventsEnd: event.InitialEventsEnd()}, nil
}

// Events yields the events as they come. It ends without an error when the server ends the watch in
// good order, with one in every other case, and closes the watch in any: also when the loop is left.
func (w *Watch[T]) Events() iter.Seq2[Event[T], error] { return verbs.Events(w.Next, w.Close) }

// Close ends the watch: a Next under way returns an error. It may be called more than once.
func (w *Watch[T]) Close() error { return w.w.Close() }
