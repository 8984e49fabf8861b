package wire

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/skiff-k8s/skiff/wire/internal/scan"
)

// Fields that every list has, and those of its ListMeta.
const (
	listMetadata = 1
	listItems    = 2

	listMetaResourceVersion    = 2
	listMetaContinue           = 3
	listMetaRemainingItemCount = 4
)

// maxSmallField is the limit, in bytes, of the list's type and of its metadata, which includes the
// continue token. A token has some hundred bytes.
const maxSmallField = 1 << 20

// protobufList reads a list in protobuf: an envelope around a message whose fields are the items.
// Its states:
//
//	envelopeBegins  nothing is read yet
//	envelopeField   before a field of the envelope, or at its end, which is the end of the stream
//	listField       before a field of the list, or at its end
type protobufList struct {
	win     scan.Window
	objects objectReader
	list    ListMeta
	state   protobufListState
	listEnd int64 // the list's end, as an offset in the stream
	hasList bool
	hasMeta bool
}

type protobufListState uint8

const (
	envelopeBegins protobufListState = iota
	envelopeField
	listField
)

func newProtobufList(r io.Reader, o Options) *protobufList {
	return &protobufList{
		win:     scan.NewWindow(r, o.maxObject(), ErrTooLarge),
		objects: newObjectReader(o),
	}
}

func (l *protobufList) meta() *ListMeta { return &l.list }

func (l *protobufList) next() (Object, error) {
	for {
		var err error
		switch l.state {
		case envelopeBegins:
			l.state = envelopeField
			err = l.magic()
		case envelopeField:
			if l.atEnd() {
				return Object{}, io.EOF
			}
			err = l.envelopeField()
		case listField:
			if l.win.Offset() == l.listEnd {
				l.state = envelopeField
				break
			}
			var o Object
			var isItem bool
			if o, isItem, err = l.listField(); isItem {
				return o, nil
			}
		}
		if err != nil {
			return Object{}, err
		}
	}
}

func (l *protobufList) magic() error {
	b, err := l.win.Need(len(envelopeMagic))
	if err != nil {
		return l.win.Fault(err)
	}
	if string(b) != envelopeMagic {
		return l.win.Fault(fmt.Errorf("it begins with %q, not with the %q of Kubernetes' protobuf",
			b, envelopeMagic))
	}
	l.win.Discard(len(b))
	return nil
}

// atEnd reports whether the list is complete: it has been read, and the stream ends with its
// envelope.
func (l *protobufList) atEnd() bool {
	return l.hasList && len(l.win.Bytes()) == 0 && l.win.More() == io.EOF
}

// envelopeField reads a field of the envelope; for the list itself, only its length.
func (l *protobufList) envelopeField() error {
	f, n, err := l.header(math.MaxInt64)
	if err != nil {
		return err
	}
	if f.Num != unknownRaw {
		f, err := l.small(&f, n)
		if err != nil {
			return err
		}
		var e envelope
		e.field(&f)
		if f.Num == unknownTypeMeta {
			l.list.APIVersion, l.list.Kind = string(f.Bytes(e.apiVersion)), string(f.Bytes(e.kind))
		}
		return l.done(&f)
	}
	switch {
	case !f.Want(scan.Bytes):
		return l.done(&f)
	case l.hasList:
		return l.win.Fault(errors.New("the envelope holds a second list"))
	case l.list.Kind != "" && !strings.HasSuffix(l.list.Kind, "List"):
		return l.win.Fault(errors.New("it is no list, by the name of its kind"))
	case n > uint64(math.MaxInt64-l.win.Offset()):
		return l.win.Fault(scan.Overlong(f.Num, n))
	}
	if err := l.objects.want.list(&l.list); err != nil {
		return l.win.Fault(err)
	}
	l.win.Discard(f.Place())
	l.hasList = true
	l.listEnd = l.win.Offset() + int64(n)
	l.objects.itemsOf(&l.list)
	l.state = listField
	return nil
}

// listField reads a field of the list, and returns it if it is an item.
func (l *protobufList) listField() (o Object, isItem bool, err error) {
	left := l.listEnd - l.win.Offset()
	f, n, err := l.header(left)
	if err != nil {
		return Object{}, false, err
	}
	if n > uint64(left)-uint64(f.Place()) {
		return Object{}, false, l.win.Fault(scan.Overlong(f.Num, n))
	}
	switch f.Num {
	case listItems:
		if !f.Want(scan.Bytes) {
			return Object{}, false, l.done(&f)
		}
		l.win.Discard(f.Place())
		o, err = l.item(n)
		return o, err == nil, err
	case listMetadata:
		f, err := l.small(&f, n)
		if err != nil {
			return Object{}, false, err
		}
		l.metadata(&f)
		return Object{}, false, l.done(&f)
	}
	l.win.Discard(f.Place())
	if err := l.win.Skip(n); err != nil {
		return Object{}, false, l.win.Fault(err)
	}
	return Object{}, false, nil
}

// item reads the next item, which has n bytes.
func (l *protobufList) item(n uint64) (Object, error) {
	if n > uint64(l.objects.options.maxObject()) {
		return Object{}, l.win.Fault(fmt.Errorf("the object is of %d bytes: %w", n, ErrTooLarge))
	}
	msg, err := l.win.Need(int(n))
	if err != nil {
		return Object{}, l.win.Fault(err)
	}
	o, fault := l.objects.message(msg, l.objects.options.APIVersion, l.objects.options.Kind)
	if fault != nil {
		fault.At += l.win.Offset()
		return Object{}, fault
	}
	l.win.Discard(len(msg))
	return o, nil
}

func (l *protobufList) metadata(f *scan.Protobuf) {
	if l.hasMeta {
		f.FailAt(f.Tag, errors.New("metadata stands there a second time"))
		return
	}
	l.hasMeta = true
	m := f.Message()
	for m.Next() {
		switch m.Num {
		case listMetaResourceVersion:
			l.list.ResourceVersion = string(m.Bytes(m.Text()))
		case listMetaContinue:
			l.list.Continue = string(m.Bytes(m.Text()))
		case listMetaRemainingItemCount:
			n := m.Int()
			l.list.RemainingItemCount = &n
		}
	}
	f.Inner(&m)
}

// header reads the header of the next field and leaves it in the window. left is how many bytes of
// the message remain; n is the length of the field's value.
func (l *protobufList) header(left int64) (f scan.Protobuf, n uint64, err error) {
	for {
		b := l.win.Bytes()
		whole := int64(len(b)) >= left
		if whole {
			b = b[:left]
		}
		f := scan.NewProtobuf(b, 0)
		n := f.Header()
		switch {
		case f.Err == nil:
			return f, n, nil
		case whole || f.Err.Err != io.ErrUnexpectedEOF:
			return f, 0, l.done(&f)
		}
		if err := l.win.More(); err != nil {
			return f, 0, l.win.Fault(err)
		}
	}
}

// small returns the next field, complete. Its header has been read; its value has n bytes.
func (l *protobufList) small(header *scan.Protobuf, n uint64) (scan.Protobuf, error) {
	if n > maxSmallField {
		return scan.Protobuf{}, l.win.Fault(fmt.Errorf(
			"field %d claims %d bytes, more than any list needs for it", header.Num, n))
	}
	b, err := l.win.Need(header.Place() + int(n))
	if err != nil {
		return scan.Protobuf{}, l.win.Fault(err)
	}
	f := scan.NewProtobuf(b, 0)
	f.Next()
	return f, nil
}

// done discards the field, or returns its error.
func (l *protobufList) done(f *scan.Protobuf) error {
	if f.Err != nil {
		f.Err.At += l.win.Offset()
		return f.Err
	}
	l.win.Discard(f.Place())
	return nil
}
