package wire

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
)

// Fields that every list has, and those of its ListMeta.
const (
	listMetadata = 1
	listItems    = 2

	listMetaResourceVersion    = 2
	listMetaContinue           = 3
	listMetaRemainingItemCount = 4
)

// maxSmallField is the most that what a list says beside its items may take: its type, its
// metadata with the continue token. A token has some hundred bytes.
const maxSmallField = 1 << 20

// protobufList reads a list in protobuf: an envelope around a message whose fields are the items.
// Where it is:
//
//	envelopeBegins  nothing is read yet
//	envelopeField   before a field of the envelope, or at its end, which is the end of the stream
//	listField       before a field of the list, or at its end
type protobufList struct {
	win     window
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
		win:     newWindow(r, o.maxObject()),
		objects: objectReader{options: o},
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
			if l.win.offset == l.listEnd {
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
	b, err := l.win.need(len(envelopeMagic))
	if err != nil {
		return l.win.fault(err)
	}
	if string(b) != envelopeMagic {
		return l.win.fault(fmt.Errorf("it begins with %q, not with the %q of Kubernetes' protobuf", b, envelopeMagic))
	}
	l.win.discard(len(b))
	return nil
}

// atEnd says that the list is complete: it has been read, and the stream ends with its envelope.
func (l *protobufList) atEnd() bool {
	return l.hasList && len(l.win.bytes()) == 0 && l.win.more() == io.EOF
}

// envelopeField reads a field of the envelope; of the list itself, only how long it is.
func (l *protobufList) envelopeField() error {
	f, n, err := l.header(math.MaxInt64)
	if err != nil {
		return err
	}
	if f.num != unknownRaw {
		f, err := l.small(&f, n)
		if err != nil {
			return err
		}
		var e envelope
		e.field(&f)
		if f.num == unknownTypeMeta {
			l.list.APIVersion, l.list.Kind = string(f.bytes(e.apiVersion)), string(f.bytes(e.kind))
		}
		return l.done(&f)
	}
	switch {
	case !f.want(wireBytes):
		return l.done(&f)
	case l.hasList:
		return l.win.fault(errors.New("the envelope holds a second list"))
	case l.list.Kind != "" && !strings.HasSuffix(l.list.Kind, "List"):
		return l.win.fault(errors.New("it is no list, by the name of its kind"))
	case n > uint64(math.MaxInt64-l.win.offset):
		return l.win.fault(errOverlong(f.num, n))
	}
	l.win.discard(f.i)
	l.hasList = true
	l.listEnd = l.win.offset + int64(n)
	l.objects.itemsOf(&l.list)
	l.state = listField
	return nil
}

// listField reads a field of the list, and returns it if it is an item.
func (l *protobufList) listField() (o Object, isItem bool, err error) {
	left := l.listEnd - l.win.offset
	f, n, err := l.header(left)
	if err != nil {
		return Object{}, false, err
	}
	if n > uint64(left)-uint64(f.i) {
		return Object{}, false, l.win.fault(errOverlong(f.num, n))
	}
	switch f.num {
	case listItems:
		if !f.want(wireBytes) {
			return Object{}, false, l.done(&f)
		}
		l.win.discard(f.i)
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
	l.win.discard(f.i)
	if err := l.win.skip(n); err != nil {
		return Object{}, false, l.win.fault(err)
	}
	return Object{}, false, nil
}

// item reads the item of n bytes that comes next.
func (l *protobufList) item(n uint64) (Object, error) {
	if n > uint64(l.objects.options.maxObject()) {
		return Object{}, l.win.fault(fmt.Errorf("the object is of %d bytes: %w", n, ErrTooLarge))
	}
	msg, err := l.win.need(int(n))
	if err != nil {
		return Object{}, l.win.fault(err)
	}
	o, fault := l.objects.message(msg, l.objects.options.APIVersion, l.objects.options.Kind)
	if fault != nil {
		fault.at += l.win.offset
		return Object{}, fault
	}
	l.win.discard(len(msg))
	return o, nil
}

func (l *protobufList) metadata(f *fields) {
	if l.hasMeta {
		f.failAt(f.tag, errors.New("metadata stands there a second time"))
		return
	}
	l.hasMeta = true
	m := f.message()
	for m.next() {
		switch m.num {
		case listMetaResourceVersion:
			l.list.ResourceVersion = string(m.bytes(m.text()))
		case listMetaContinue:
			l.list.Continue = string(m.bytes(m.text()))
		case listMetaRemainingItemCount:
			n := m.int()
			l.list.RemainingItemCount = &n
		}
	}
	f.inner(&m)
}

// header reads the header of the next field, whose message has so many bytes left, and leaves it in
// the window. n is how many bytes of value follow it.
func (l *protobufList) header(left int64) (f fields, n uint64, err error) {
	for {
		b := l.win.bytes()
		whole := int64(len(b)) >= left
		if whole {
			b = b[:left]
		}
		f := fields{b: b, end: len(b)}
		n := f.header()
		switch {
		case f.err == nil:
			return f, n, nil
		case whole || f.err.err != io.ErrUnexpectedEOF:
			return f, 0, l.done(&f)
		}
		if err := l.win.more(); err != nil {
			return f, 0, l.win.fault(err)
		}
	}
}

// small returns a field, of which the header has been read and n bytes follow, complete.
func (l *protobufList) small(header *fields, n uint64) (fields, error) {
	if n > maxSmallField {
		return fields{}, l.win.fault(fmt.Errorf("field %d claims %d bytes, more than any list needs for it", header.num, n))
	}
	b, err := l.win.need(header.i + int(n))
	if err != nil {
		return fields{}, l.win.fault(err)
	}
	f := fields{b: b, end: len(b)}
	f.next()
	return f, nil
}

// done discards the field, or says what is wrong with it.
func (l *protobufList) done(f *fields) error {
	if f.err != nil {
		f.err.at += l.win.offset
		return f.err
	}
	l.win.discard(f.i)
	return nil
}
