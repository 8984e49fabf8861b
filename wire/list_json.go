package wire

import (
	"errors"
	"fmt"
	"io"
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
	s        scanner
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
		s:       newScanner(newWindow(r, o.maxObject())),
		objects: objectReader{options: o},
	}
}

func (l *jsonList) meta() *ListMeta { return &l.list }

func (l *jsonList) next() (Object, error) {
	for l.s.err == nil {
		switch l.state {
		case listBegins:
			l.state = listEnds
			if l.s.open('{', '}') {
				l.state = listMember
			}
		case listMember:
			l.state = l.member()
		case listItem:
			l.state = listItemEnd
			if o := l.objects.json(&l.s); l.s.err == nil {
				return o, nil
			}
		case listItemEnd:
			l.state = listItem
			if !l.s.next(']') {
				l.state = l.afterMember()
			}
		case listEnds:
			l.s.mark()
			if l.end() {
				return Object{}, io.EOF
			}
		}
	}
	return Object{}, l.s.err
}

// member reads a member of the list's object; of the items, only their beginning.
func (l *jsonList) member() jsonListState {
	l.s.space()
	l.s.mark()
	key := l.s.key()
	switch string(l.s.bytes(key)) {
	case "apiVersion":
		l.string(&l.list.APIVersion)
	case "kind":
		l.string(&l.list.Kind)
	case "metadata":
		if l.hasMeta {
			l.s.failAt(key.start, errors.New("metadata stands there a second time"))
		}
		l.hasMeta = true
		l.metadata()
	case "items":
		if l.hasItems {
			l.s.failAt(key.start, errors.New("items stand there a second time"))
		}
		l.hasItems = true
		if l.s.null() {
			break
		}
		if l.s.open('[', ']') {
			l.objects.itemsOf(&l.list)
			return listItem
		}
	default:
		l.s.value()
	}
	return l.afterMember()
}

func (l *jsonList) afterMember() jsonListState {
	if l.s.next('}') {
		return listMember
	}
	return listEnds
}

func (l *jsonList) metadata() {
	s := &l.s
	if s.null() {
		return
	}
	for more := s.open('{', '}'); more; more = s.next('}') {
		switch key := s.key(); string(s.bytes(key)) {
		case "resourceVersion":
			l.string(&l.list.ResourceVersion)
		case "continue":
			l.string(&l.list.Continue)
		case "remainingItemCount":
			if l.list.RemainingItemCount = nil; !s.null() {
				l.list.RemainingItemCount = new(int64)
				s.int(l.list.RemainingItemCount)
			}
		default:
			s.value()
		}
	}
}

// string reads a string, which the list keeps: a copy. null leaves it as it is.
func (l *jsonList) string(into *string) {
	if l.s.null() {
		return
	}
	var t text
	l.s.string(&t)
	*into = string(l.s.bytes(t))
}

// end says that the list is complete. What has no items is no list, whatever it is: taken for an
// empty one, a Status or a Table would empty a cache.
func (l *jsonList) end() bool {
	if !l.hasItems {
		l.s.fail(fmt.Errorf("it has no items, so it is no list; its kind is %q", l.list.Kind))
		return false
	}
	if l.s.atEnd() {
		return true
	}
	l.s.unexpected("the end of the document")
	return false
}
