package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Fields of WatchEvent in k8s.io/apimachinery/pkg/apis/meta/v1/generated.proto, and of the
// RawExtension that holds its object.
const (
	eventTypeField = 1
	eventObject    = 2

	rawExtensionRaw = 1
)

// frameHeader is how many bytes tell a frame's length: a number of 32 bits, big-endian.
const frameHeader = 4

// protobufWatch reads a watch in protobuf: frames, each with a WatchEvent whose object stands in an
// envelope.
type protobufWatch struct {
	win     window
	objects objectReader
}

func newProtobufWatch(r io.Reader, o Options) *protobufWatch {
	return &protobufWatch{
		win:     newWindow(r, o.maxObject()),
		objects: objectReader{options: o},
	}
}

func (w *protobufWatch) next() (Event, error) {
	frame, err := w.frame()
	if err != nil {
		return Event{}, err
	}
	e, f := w.event(frame)
	if f != nil {
		f.at += w.win.offset
		return Event{}, f
	}
	w.win.discard(len(frame))
	return e, nil
}

// frame returns the next frame, without its length. It is good until it is discarded.
func (w *protobufWatch) frame() ([]byte, error) {
	header, err := w.win.need(frameHeader)
	if err == io.EOF && len(w.win.bytes()) == 0 {
		return nil, io.EOF
	}
	if err != nil {
		return nil, w.win.fault(err)
	}
	size := binary.BigEndian.Uint32(header)
	if uint64(size) > uint64(w.objects.options.maxObject()) {
		return nil, w.win.fault(fmt.Errorf("the event is of %d bytes: %w", size, ErrTooLarge))
	}
	w.win.discard(frameHeader)
	frame, err := w.win.need(int(size))
	if err != nil {
		return nil, w.win.fault(err)
	}
	return frame, nil
}

// event reads the WatchEvent that a frame holds.
func (w *protobufWatch) event(frame []byte) (Event, *fault) {
	var eventType, object text
	var hasObject bool
	f := fields{b: frame, end: len(frame)}
	for f.next() {
		switch f.num {
		case eventTypeField:
			eventType = f.text()
		case eventObject:
			if hasObject {
				f.failAt(f.tag, errors.New("the event has a second object"))
			}
			hasObject = true
			object = rawExtension(&f)
		}
	}
	if f.err == nil && object.start == object.end {
		f.fail(errors.New("the event has no object"))
	}
	if f.err != nil {
		return Event{}, f.err
	}
	var e Event
	var err error
	if e.Type, err = eventTypeOf(f.bytes(eventType)); err != nil {
		return Event{}, &fault{int64(eventType.start), err}
	}
	var inside *fault
	if e.Object, inside = w.objects.protobuf(f.bytes(object)); inside != nil {
		inside.at += int64(object.start)
		return Event{}, inside
	}
	return e, nil
}

func rawExtension(f *fields) text {
	var raw text
	r := f.message()
	for r.next() {
		if r.num == rawExtensionRaw {
			raw = r.text()
		}
	}
	f.inner(&r)
	return raw
}
