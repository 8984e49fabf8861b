// Package list is a doubly linked list. It differs from container/list in two ways: an element can
// be moved from one list to another without an allocation, and values have a type.
package list

// Element is an element of at most one list. The caller allocates it.
type Element[T any] struct {
	Value      T
	prev, next *Element[T]
}

// List is a doubly linked list. The zero List is empty and ready to use. It is not safe for
// concurrent use.
type List[T any] struct {
	front, back *Element[T]
	len         int
}

// Len returns the number of elements.
func (l *List[T]) Len() int { return l.len }

// Front returns the first element, or nil if the list is empty.
func (l *List[T]) Front() *Element[T] { return l.front }

// PushBack adds e, which is in no list, as the last element.
func (l *List[T]) PushBack(e *Element[T]) {
	e.prev, e.next = l.back, nil
	if l.back == nil {
		l.front = e
	} else {
		l.back.next = e
	}
	l.back = e
	l.len++
}

// Remove takes out e, which is in this list.
func (l *List[T]) Remove(e *Element[T]) {
	if e.prev == nil {
		l.front = e.next
	} else {
		e.prev.next = e.next
	}
	if e.next == nil {
		l.back = e.prev
	} else {
		e.next.prev = e.prev
	}
	e.prev, e.next = nil, nil
	l.len--
}
