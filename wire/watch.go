package wire

import (
	"fmt"
	"io"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/wire/internal/scan"
)

// EventType is the type of a watch event.
type EventType string

// The types of events that API servers send; any other type is an error. See "Efficient detection
// of changes" and "Watch bookmarks" in the API concepts of Kubernetes.
const (
	Added    EventType = "ADDED"
	Modified EventType = "MODIFIED"
	// Deleted has the object's last state.
	Deleted EventType = "DELETED"
	// Bookmark has the version that the watch has reached: its object has a resourceVersion, and
	// otherwise at most annotations.
	Bookmark EventType = "BOOKMARK"
	// Error ends a watch; Event.Status returns the cause.
	Error EventType = "ERROR"
)

// eventTypeOf returns the type with that name.
func eventTypeOf(name []byte) (EventType, error) {
	switch string(name) { // returning a constant allocates nothing
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

// Status returns the status of an Error event: a code and a reason, such as 410 Expired for a watch
// from a resourceVersion that the server no longer has. For any other event it returns an error.
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

// InitialEventsEnd reports whether the event is the bookmark behind the initial events: the objects
// that existed when the watch began. A watch has it only if it was requested with
// sendInitialEvents=true (KEP-3157, watch-list).
func (e Event) InitialEventsEnd() bool {
	if e.Type != Bookmark {
		return false
	}
	value, _ := e.Object.Annotation(metav1.InitialEventsAnnotationKey)
	return value == "true"
}

// WatchReader reads a watch event by event. It holds one event at a time, and returns each as soon
// as its last byte has arrived. It is for one goroutine.
type WatchReader struct {
	format Format
	source eventSource
	events int // that Next has returned
	err    error
}

// eventSource reads the events of a watch in one format.
type eventSource interface {
	// next returns the next event; exactly io.EOF if the stream ends between two events; or a
	// *scan.Fault.
	next() (Event, error)
}

// NewWatchReader returns a reader of a watch: r is the body of a response to a watch request, in
// format f. It may read ahead of the event that it returns, and does not close r.
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

// Next waits for the next event. If the stream ends between two events, as every watch does at some
// time, Next returns exactly io.EOF. If it ends inside an event or is malformed, the error is a
// [SyntaxError]. An error of r is wrapped. After an error, every call returns the same error.
//
// Next returns an Error event without an error: the caller reads its Status.
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

// reading returns the place in the watch, for errors.
func (w *WatchReader) reading() string {
	if w.events == 0 {
		return "the watch"
	}
	return fmt.Sprintf("the watch after event %d", w.events)
}
