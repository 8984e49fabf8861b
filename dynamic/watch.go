package dynamic

import (
	"context"
	"iter"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

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
type Event struct {
	Type wire.EventType

	// Object is the caller's own. In a Bookmark it has only the resourceVersion that the watch has
	// reached, and annotations of the server.
	Object *unstructured.Unstructured

	initialEventsEnd bool
}

// InitialEventsEnd reports whether an event is the bookmark after the last of the objects that
// existed when a watch with SendInitialEvents was opened.
func (e Event) InitialEventsEnd() bool { return e.initialEventsEnd }

// Watch is an open stream of changes. Next and Events are for one goroutine at a time; Close may be
// called from any.
type Watch struct{ w *verbs.Watch }

// Watch opens a stream of changes to the objects that opts select, as Watch of package client does.
// The caller closes the Watch, or uses Events, which closes it.
func (d *Resource) Watch(ctx context.Context, opts metav1.ListOptions) (*Watch, error) {
	w, err := d.r.Watch(ctx, opts)
	if err != nil {
		return nil, err
	}
	return &Watch{w}, nil
}

// Next waits for the next event and returns it. After an error it returns the same error from then
// on: io.EOF if the server ended the watch in good order, an error of package apierrors if the
// server reported one within the stream, or an error of the connection, the decoding, ctx or Close.
func (w *Watch) Next() (Event, error) {
	var object *unstructured.Unstructured
	event, err := w.w.Next(func(o wire.Object) (err error) {
		object, err = (&Resource{w.w.Resource}).decoded(o, nil)
		return err
	})
	if err != nil {
		return Event{}, err
	}
	return Event{Type: event.Type, Object: object, initialEventsEnd: event.InitialEventsEnd()}, nil
}

// Events returns an iterator over the events. It ends without an error if the server ends the watch
// in good order, and yields the error of Next otherwise. When the loop ends, it closes the watch.
func (w *Watch) Events() iter.Seq2[Event, error] { return verbs.Events(w.Next, w.Close) }

// Close ends the watch: a Next under way returns an error. It may be called more than once.
func (w *Watch) Close() error { return w.w.Close() }
