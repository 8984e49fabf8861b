package wire

import (
	"errors"
	"fmt"
	"io"

	"github.com/skiff-k8s/skiff/wire/internal/scan"
)

// jsonList reads a list in JSON. Its states:
//
//	listBegins   nothing is read yet
//	listMember   before a member of the list's object
//	listItem     before an item; the array of items is open
//	listItemEnd  after an item, which has been returned; the bytes that show whether another item
//	             follows may arrive much later
//	listEnds     after the list's object
type jsonList struct {
	s        scan.JSON
	objects  objectReader
	list     ListMeta
	state    jsonListState
	hasMeta  bool
	hasItems bool
}

type jsonListState uint8

const (
	listBegins jsonListState = iota
	listMember
	listItem
	listItemEnd
	listEnds
)

func newJSONList(r io.Reader, o Options) *jsonList {
	return &jsonList{
		s:       scan.NewJSON(scan.NewWindow(r, o.maxObject(), ErrTooLarge)),
		objects: newObjectReader(o),
	}
}

func (l *jsonList) meta() *ListMeta { return &l.list }

func (l *jsonList) next() (Object, error) {
	for l.s.Err == nil {
		switch l.state {
		case listBegins:
			l.state = listEnds
			if l.s.Open('{', '}') {
				l.state = listMember
			}
		case listMember:
			l.state = l.member()
		case listItem:
			l.state = listItemEnd
			if o := l.objects.jsonOf(&l.s); l.s.Err == nil {
				return o, nil
			}
		case listItemEnd:
			l.s.Mark() // the item is returned; its window may be full
			l.state = listItem
			if !l.s.Next(']') {
				l.state = l.afterMember()
			}
		case listEnds:
			l.s.Mark()
			if l.end() {
				return Object{}, io.EOF
			}
		}
	}
	return Object{}, l.s.Err
}

// member reads a member of the list's object; for items, up to the beginning of the array.
func (l *jsonList) member() jsonListState {
	l.s.Peek()
	l.s.Mark()
	key := l.s.Key()
	switch string(l.s.Bytes(key)) {
	case "apiVersion":
		l.string(&l.list.APIVersion)
	case "kind":
		l.string(&l.list.Kind)
	case "metadata":
		if l.hasMeta {
			l.s.FailAt(key.Start, errors.New("metadata stands there a second time"))
		}
		l.hasMeta = true
		l.metadata()
	case "items":
		if l.hasItems {
			l.s.FailAt(key.Start, errors.New("items stand there a second time"))
		}
		l.hasItems = true
		if l.s.Null() {
			break
		}
		l.check()
		if l.s.Open('[', ']') {
			l.objects.itemsOf(&l.list)
			return listItem
		}
	default:
		l.s.Value()
	}
	return l.afterMember()
}

func (l *jsonList) afterMember() jsonListState {
	if l.s.Next('}') {
		return listMember
	}
	return listEnds
}

func (l *jsonList) metadata() {
	s := &l.s
	if s.Null() {
		return
	}
	for more := s.Open('{', '}'); more; more = s.Next('}') {
		switch key := s.Key(); string(s.Bytes(key)) {
		case "resourceVersion":
			l.string(&l.list.ResourceVersion)
		case "continue":
			l.string(&l.list.Continue)
		case "remainingItemCount":
			if l.list.RemainingItemCount = nil; !s.Null() {
				l.list.RemainingItemCount = new(int64)
				s.Int(l.list.RemainingItemCount)
			}
		default:
			s.Value()
		}
	}
}

// string reads a string and stores a copy of it. null does not change into.
func (l *jsonList) string(into *string) {
	if l.s.Null() {
		return
	}
	var t scan.Text
	l.s.Text(&t)
	*into = string(l.s.Bytes(t))
}

// check fails if the list is of a type that is not wanted, as far as it has been read.
func (l *jsonList) check() {
	if err := l.objects.want.list(&l.list); err != nil {
		l.s.Fail(err)
	}
}

// end reports whether the list is complete. A document without items is an error: if a Status or a
// Table were taken for an empty list, it would empty a cache.
func (l *jsonList) end() bool {
	if !l.hasItems {
		l.s.Fail(fmt.Errorf("it has no items, so it is no list; its kind is %q", l.list.Kind))
		return false
	}
	l.check()
	if l.s.AtEnd() {
		return true
	}
	l.s.Unexpected("the end of the document")
	return false
}
