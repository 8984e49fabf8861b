package wire

import (
	"errors"
	"io"

	"github.com/skiff-k8s/skiff/wire/internal/scan"
)

// jsonWatch reads a watch in JSON: a sequence of documents, one for each event.
type jsonWatch struct {
	s       scan.JSON
	objects objectReader
}

func newJSONWatch(r io.Reader, o Options) *jsonWatch {
	return &jsonWatch{
		s:       scan.NewJSON(scan.NewWindow(r, o.maxObject(), ErrTooLarge)),
		objects: newObjectReader(o),
	}
}

func (w *jsonWatch) next() (Event, error) {
	s := &w.s
	s.Mark()
	if s.AtEnd() {
		return Event{}, io.EOF
	}
	var e Event
	var hasType, hasObject bool
	for more := s.Open('{', '}'); more; more = s.Next('}') {
		key := s.Key()
		switch string(s.Bytes(key)) {
		case "type":
			if hasType {
				s.FailAt(key.Start, errors.New("type stands there a second time"))
			}
			hasType = true
			e.Type = w.eventType()
		case "object":
			if hasObject {
				s.FailAt(key.Start, errors.New("object stands there a second time"))
			}
			hasObject = true
			e.Object = w.objects.json(s)
			s.Mark() // its window may be full
		default:
			s.Value()
		}
	}
	switch {
	case s.Err != nil:
	case !hasType:
		s.Fail(errors.New("the event has no type"))
	case !hasObject:
		s.Fail(errors.New("the event has no object"))
	case e.Type != Error:
		if err := w.objects.want.object(&e.Object); err != nil {
			s.Fail(err)
		}
	}
	if s.Err != nil {
		return Event{}, s.Err
	}
	return e, nil
}

func (w *jsonWatch) eventType() EventType {
	s := &w.s
	var t scan.Text
	s.Text(&t)
	if s.Err != nil {
		return ""
	}
	eventType, err := eventTypeOf(s.Bytes(t))
	if err != nil {
		s.FailAt(t.Start, err)
	}
	return eventType
}
