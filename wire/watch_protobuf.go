package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/skiff-k8s/skiff/wire/internal/scan"
)

// Fields of WatchEvent in k8s.io/apimachinery/pkg/apis/meta/v1/generated.proto, and of the
// RawExtension that holds its object.
const (
	eventTypeField = 1
	eventObject    = 2

	rawExtensionRaw = 1
)

// frameHeader is the size of a frame's length in bytes: a 32-bit number, big-endian.
const frameHeader = 4

// protobufWatch reads a watch in protobuf: frames, each with a WatchEvent whose object is in an
// envelope.
type protobufWatch struct {
	win     scan.Window
	objects objectReader
}

func newProtobufWatch(r io.Reader, o Options) *protobufWatch {
	return &protobufWatch{
		win:     scan.NewWindow(r, o.maxObject(), ErrTooLarge),
		objects: newObjectReader(o),
	}
}

func (w *protobufWatch) next() (Event, error) {
	frame, err := w.frame()
	if err != nil {
		return Event{}, err
	}
	e, f := w.event(frame)
	if f != nil {
		f.At += w.win.Offset()
		return Event{}, f
	}
	w.win.Discard(len(frame))
	return e, nil
}

// frame returns the next frame, without its length. The frame is valid until it is discarded.
func (w *protobufWatch) frame() ([]byte, error) {
	header, err := w.win.Need(frameHeader)
	if err == io.EOF && len(w.win.Bytes()) == 0 {
		return nil, io.EOF
	}
	if err != nil {
		return nil, w.win.Fault(err)
	}
	size := binary.BigEndian.Uint32(header)
	if uint64(size) > uint64(w.objects.options.maxObject()) {
		return nil, w.win.Fault(fmt.Errorf("the event is of %d bytes: %w", size, ErrTooLarge))
	}
	w.win.Discard(frameHeader)
	frame, err := w.win.Need(int(size))
	if err != nil {
		return nil, w.win.Fault(err)
	}
	return frame, nil
}

// event reads the WatchEvent in a frame.
func (w *protobufWatch) event(frame []byte) (Event, *scan.Fault) {
	var eventType, object scan.Text
	var hasObject bool
	f := scan.NewProtobuf(frame, 0)
	for f.Next() {
		switch f.Num {
		case eventTypeField:
			eventType = f.Text()
		case eventObject:
			if hasObject {
				f.FailAt(f.Tag, errors.New("the event has a second object"))
			}
			hasObject = true
			object = rawExtension(&f)
		}
	}
	if f.Err == nil && object.Start == object.End {
		f.Fail(errors.New("the event has no object"))
	}
	if f.Err != nil {
		return Event{}, f.Err
	}
	var e Event
	var err error
	if e.Type, err = eventTypeOf(f.Bytes(eventType)); err != nil {
		return Event{}, &scan.Fault{At: int64(eventType.Start), Err: err}
	}
	var inside *scan.Fault
	if e.Object, inside = w.objects.protobuf(f.Bytes(object)); inside != nil {
		inside.At += int64(object.Start)
		return Event{}, inside
	}
	if e.Type != Error {
		if err := w.objects.want.object(&e.Object); err != nil {
			return Event{}, &scan.Fault{At: int64(object.Start), Err: err}
		}
	}
	return e, nil
}

func rawExtension(f *scan.Protobuf) scan.Text {
	var raw scan.Text
	r := f.Message()
	for r.Next() {
		if r.Num == rawExtensionRaw {
			raw = r.Text()
		}
	}
	f.Inner(&r)
	return raw
}
