package store

import (
	"unsafe"

	"github.com/skiff-k8s/skiff/wire"
)

// Options are the choices for a store.
type Options struct {
	// DecodedBytes is the budget for decoded objects that Item.Shared keeps, in bytes of memory as
	// its size function counts them. 0 keeps none, negative has no limit.
	DecodedBytes int64
}

// Shared returns the object as decode makes it out of the object's bytes. What is read often stays
// decoded, within the store's budget; then decode is not called, and everyone gets the same value:
// shared says that others have it too, so that nobody may change it. If shared is false the value
// was made for this caller alone.
//
// decode must keep nothing of the wire.Object (wire.Decode does not). size says what a value takes
// in memory, in bytes, and is called only for what is to be kept. The error is decode's.
func (i Item) Shared(decode func(wire.Object) (any, error), size func(any) int64) (value any, shared bool, err error) {
	if i.group == nil {
		return nil, false, errNoObject
	}
	s := i.group.family.lineage.store
	id := i.id()
	if value, ok := s.decoded.get(id); ok {
		return value, true, nil
	}
	err = i.Use(func(o wire.Object) error {
		value, err = decode(o)
		return err
	})
	if err != nil {
		return nil, false, err
	}
	if s.isCurrent(i) && s.decoded.wanted(id) { // the old state of an update is not worth a thought
		shared = s.decoded.keep(id, value, size(value), func() bool { return s.isCurrent(i) })
	}
	return value, shared, nil
}

// id tells this state of the object from all others, as long as somebody has it.
func (i Item) id() *byte { return unsafe.StringData(i.state) }

// isCurrent says whether the store has just this state of the object.
func (s *Store) isCurrent(i Item) bool {
	now, ok := s.Get(i.Key())
	return ok && now.id() == i.id()
}

// SetDecodedBytes changes Options.DecodedBytes. What is over a smaller budget is let go at once.
func (s *Store) SetDecodedBytes(budget int64) { s.decoded.setBudget(budget) }

// forget lets go of the decoded object of a state that the store has no longer. s.mu must not be
// held: the cache asks isCurrent while it is locked.
func (s *Store) forget(i Item) {
	if !i.IsZero() {
		s.decoded.forget(i.id())
	}
}
