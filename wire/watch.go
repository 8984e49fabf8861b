package wire

import (
	"fmt"
	"io"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/wire/internal/scan"
)

// EventType says what a watch event tells of its object.
type EventType string

// The types of events that API servers send; no others are read. See "Efficient detection of
// changes" and "Watch bookmarks" among the API concepts of Kubernetes.
const (
	Added    EventType = "ADDED"
	Modified EventType = "MODIFIED"
	// Deleted comes with the object's last state.
	Deleted EventType = "DELETED"
	// Bookmark tells how far the watch has come: its object has a resourceVersion, and of the rest
	// at most annotations.
	Bookmark EventType = "BOOKMARK"
	// Error ends a watch; Event.Status tells why.
	Error EventType = "ERROR"
)

// eventTypeOf is the type of that name.
func eventTypeOf(name []byte) (EventType, error) {
	switch string(name) { // constants, so that a type needs no memory
	case string(Added):
		return Added, nil
	case string(Modified):
		return Modified, nil
	case string(Deleted):
		return Deleted, nil
	case string(Bookmark):
		return Bookmark, nil
	case string(Error):
		return Error, nil
	}
	return "", fmt.Errorf("%q is no type of a watch event", name)
}

// Event is an event of a watch.
type Event struct {
	Type   EventType
	Object Object
}

// Status is what an Error event says: a code and a reason, such as 410 Expired for a watch that is
// to begin at a resourceVersion that the server has forgotten. It is an error to ask another event.
func (e Event) Status() (*metav1.Status, error) {
	if e.Type != Error || e.Object.Kind != "Status" {
		return nil, fmt.Errorf("a watch event of type %s with a %s has no status", e.Type,
			e.Object.Kind)
	}
	status := new(metav1.Status)
	if err := Decode(e.Object, status); err != nil {
		return nil, err
	}
	return status, nil
}

// InitialEventsEnd says that the event is the bookmark after the objects that were there when the
// watch began, where the watch was asked for them (sendInitialEvents=true; KEP-3157, watch-list).
func (e Event) InitialEventsEnd() bool {
	if e.Type != Bookmark {
		return false
	}
	value, _ := e.Object.Annotation(metav1.InitialEventsAnnotationKey)
	return value == "true"
}

// WatchReader reads a watch event by event. It holds one event at a time, and hands each out as
// soon as its last byte has come. It is for one goroutine.
type WatchReader struct {
	format Format
	source eventSource
	events int // that Next has returned
	err    error
}

// eventSource reads the events of a watch in one format.
type eventSource interface {
	// next returns the next event; io.EOF, exactly, at the stream's end if that is not inside an
	// event; or a *scan.Fault.
	next() (Event, error)
}

// NewWatchReader returns a reader of the watch in r, which is in format f: the body of a response
// to a watch request. It reads ahead what has come, and does not close r.
func NewWatchReader(r io.Reader, f Format, o Options) *WatchReader {
	w := &WatchReader{format: f}
	switch f {
	case JSON:
		w.source = newJSONWatch(r, o)
	case Protobuf:
		w.source = newProtobufWatch(r, o)
	default:
		w.err = fmt.Errorf("%v is no format to read a watch in", f)
	}
	return w
}

// Next waits for the next event. It returns io.EOF, exactly, when the stream ends between two
// events, as every watch does some time. A stream that ends inside an event, or is malformed, is a
// [SyntaxError]; an error of r is wrapped. After an error Next returns the same again.
//
// An Error event is an event like any other here, and its Status the caller's to look at.
func (w *WatchReader) Next() (Event, error) {
	if w.err != nil {
		return Event{}, w.err
	}
	e, err := w.source.next()
	if err == nil {
		w.events++
		return e, nil
	}
	if f, ok := err.(*scan.Fault); ok {
		err = explain(f, w.format, w.reading())
	}
	w.err = err
	return Event{}, err
}

// reading names the place in the watch, for errors.
func (w *WatchReader) reading() string {
	if w.events == 0 {
		return "the watch"
	}
	return fmt.Sprintf("the watch after event %d", w.events)
}
