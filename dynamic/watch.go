package dynamic

import (
	"context"
	"iter"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

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
type Event struct {
	Type wire.EventType

	// Object is the caller's own. Of a Bookmark it holds nothing but the resourceVersion that the
	// watch has reached, and what annotations the server adds.
	Object *unstructured.Unstructured

	initialEventsEnd bool
}

// InitialEventsEnd says that an event is the bookmark that follows the last of the objects which
// existed when a watch with SendInitialEvents was opened.
func (e Event) InitialEventsEnd() bool { return e.initialEventsEnd }

// Watch is an open stream of changes. Next and Events are for one goroutine at a time; Close may be
// called from any.
type Watch struct{ w *verbs.Watch }

// Watch opens a stream of the changes to the objects that opts select, as that of package client
// does in every respect. The caller closes it, or uses Events, which does.
func (d *Resource) Watch(ctx context.Context, opts metav1.ListOptions) (*Watch, error) {
	w, err := d.r.Watch(ctx, opts)
	if err != nil {
		return nil, err
	}
	return &Watch{w}, nil
}

// Next waits for the next event. It returns io.EOF, exactly, when the server ended the watch in good
// order. What the server reports within the stream is an error as if it had answered with it. After
// an error Next returns the same from then on.
func (w *Watch) Next() (Event, error) {
	var object *unstructured.Unstructured
	event, err := w.w.Next(func(o wire.Object) (err error) {
		object, err = decoded(o, nil)
		return err
	})
	if err != nil {
		return Event{}, err
	}
	return Event{Type: event.Type, Object: object, initialEventsEnd: event.InitialEventsEnd()}, nil
}

// Events yields the events as they come. It ends without an error when the server ends the watch in
// good order, with one in every other case, and closes the watch in any: also when the loop is left.
func (w *Watch) Events() iter.Seq2[Event, error] { return verbs.Events(w.Next, w.Close) }

// Close ends the watch: a Next under way returns an error. It may be called more than once.
func (w *Watch) Close() error { return w.w.Close() }
