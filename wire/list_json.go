package wire

import (
	"errors"
	"fmt"
	"io"

	"github.com/skiff-k8s/skiff/wire/internal/scan"
)

// jsonList reads a list in JSON. Where it is:
//
//	listBegins   nothing is read yet
//	listMember   before a member of the list's object
//	listItem     before an item; the array of items is open
//	listItemEnd  after an item, which has been returned: whether another follows, only the bytes
//	             after it tell, and they may be long in coming
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
		objects: objectReader{options: o},
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
			if o := l.objects.json(&l.s); l.s.Err == nil {
				return o, nil
			}
		case listItemEnd:
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

// member reads a member of the list's object; of the items, only their beginning.
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

// string reads a string, which the list keeps: a copy. null leaves it as it is.
func (l *jsonList) string(into *string) {
	if l.s.Null() {
		return
	}
	var t scan.Text
	l.s.Text(&t)
	*into = string(l.s.Bytes(t))
}

// end says that the list is complete. What has no items is no list, whatever it is: taken for an
// empty one, a Status or a Table would empty a cache.
func (l *jsonList) end() bool {
	if !l.hasItems {
		l.s.Fail(fmt.Errorf("it has no items, so it is no list; its kind is %q", l.list.Kind))
		return false
	}
	if l.s.AtEnd() {
		return true
	}
	l.s.Unexpected("the end of the document")
	return false
}
