package wire

import (
	"errors"
	"io"
)

// jsonWatch reads a watch in JSON: one document an event, one after the other.
type jsonWatch struct {
	s       scanner
	objects objectReader
}

func newJSONWatch(r io.Reader, o Options) *jsonWatch {
	return &jsonWatch{
		s:       newScanner(newWindow(r, o.maxObject())),
		objects: objectReader{options: o},
	}
}

func (w *jsonWatch) next() (Event, error) {
	s := &w.s
	s.mark()
	if s.atEnd() {
		return Event{}, io.EOF
	}
	var e Event
	var hasType, hasObject bool
	for more := s.open('{', '}'); more; more = s.next('}') {
		key := s.key()
		switch string(s.bytes(key)) {
		case "type":
			if hasType {
				s.failAt(key.start, errors.New("type stands there a second time"))
			}
			hasType = true
			e.Type = w.eventType()
		case "object":
			if hasObject {
				s.failAt(key.start, errors.New("object stands there a second time"))
			}
			hasObject = true
			e.Object = w.objects.json(s)
		default:
			s.value()
		}
	}
	switch {
	case s.err != nil:
	case !hasType:
		s.fail(errors.New("the event has no type"))
	case !hasObject:
		s.fail(errors.New("the event has no object"))
	}
	if s.err != nil {
		return Event{}, s.err
	}
	return e, nil
}

func (w *jsonWatch) eventType() EventType {
	s := &w.s
	var t text
	s.string(&t)
	if s.err != nil {
		return ""
	}
	eventType, err := eventTypeOf(s.bytes(t))
	if err != nil {
		s.failAt(t.start, err)
	}
	return eventType
}
