package store

import (
	"github.com/skiff-k8s/skiff/wire"
)

// Shared returns the object as decode makes it out of the object's bytes. An object that is read
// often stays decoded, within the store's budget; then decode is not called, and all callers get
// the same value. shared reports whether others have the value too, so that nobody may change it.
// If shared is false, the value was made for this caller alone.
//
// decode must keep nothing of the wire.Object (wire.Decode does not). size returns the size of a
// value in memory, in bytes, and is called only for a value that is to be kept. If the item is
// zero, or its store is gone, nothing is kept. The error is decode's.
func (i Item) Shared(decode func(wire.Object) (any, error),
	size func(any) int64) (value any, shared bool, err error) {
	if i.common == nil {
		return nil, false, errNoObject
	}
	s := i.common.origin.store.Value()
	if s != nil {
		if value, ok := s.decoded.get(i.generation); ok {
			return value, true, nil
		}
	}
	err = i.Use(func(o wire.Object) error {
		value, err = decode(o)
		return err
	})
	if err != nil {
		return nil, false, err
	}
	// The old state of an update is not worth keeping.
	if s != nil && s.isCurrent(i) && s.decoded.wanted(i.generation) {
		shared = s.decoded.keep(i.generation, value, size(value),
			func() bool { return s.isCurrent(i) })
	}
	return value, shared, nil
}

// isCurrent reports whether the store has just this state of the object.
func (s *Store) isCurrent(i Item) bool {
	now, ok := s.Get(i.Key())
	return ok && now.generation == i.generation
}

// SetDecodedBytes changes Options.DecodedBytes. What exceeds a smaller budget is released at once.
func (s *Store) SetDecodedBytes(budget int64) { s.decoded.setBudget(budget) }
