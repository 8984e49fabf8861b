package storage

import (
	"fmt"
	"slices"
	"strconv"
	"sync"
)

// Store keeps objects. Its methods are safe for concurrent use.
type Store struct {
	mu      sync.Mutex
	version uint64                            // of the last write; etcd's revision
	objects map[Collection]map[string]*Object // by namespace/name
	history map[Collection][]change           // the changes that a watch may begin before
	oldest  uint64                            // the oldest version that a watch may begin from
	made    uint64                            // UIDs given
	changed chan struct{}                     // closed and replaced at every change
	era     chan struct{}                     // closed and replaced when all watches are to end
	ends    map[Collection]chan struct{}      // closed and removed when those of a collection are to end
}

// Collection is a set of objects in which a key is unique.
type Collection struct{ Group, Version, Resource string }

// change is a step of the history of an object.
type change struct {
	version       uint64
	before, after *Object // nil if there was or is none
	last          *Object // of a deletion: the last state, with the deletion's version
}

// firstVersion is that of an empty Store: not 0 and not 1, which clients treat as special.
const firstVersion = 100

// New returns an empty store.
func New() *Store {
	return &Store{
		version: firstVersion,
		objects: map[Collection]map[string]*Object{}, history: map[Collection][]change{},
		changed: make(chan struct{}), era: make(chan struct{}), ends: map[Collection]chan struct{}{},
	}
}

// Tx is a transaction: what happens in it happens at once. A change cannot be taken back, so that the
// checks come before the first one.
type Tx struct{ s *Store }

// Do calls f with a transaction, which ends when f returns. f must not call methods of the Store.
func (s *Store) Do(f func(Tx) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return f(Tx{s})
}

// Get returns an object; nil if there is none.
func (t Tx) Get(c Collection, namespace, name string) *Object {
	return t.s.objects[c][namespace+"/"+name]
}

// All returns the objects of a collection in the order of their keys.
func (t Tx) All(c Collection) []*Object { return sorted(t.s.objects[c]) }

// Collections returns the collections that have or had objects.
func (t Tx) Collections() []Collection {
	var all []Collection
	for c := range t.s.objects {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b Collection) int {
		return compareKeys(a.Group+"/"+a.Version+"/"+a.Resource, b.Group+"/"+b.Version+"/"+b.Resource)
	})
	return all
}

// Version returns the version of the last write.
func (t Tx) Version() string { return format(t.s.version) }

// NewUID returns a UID that no object has yet.
func (t Tx) NewUID() string {
	t.s.made++
	return fmt.Sprintf("00000000-0000-4000-8000-%012x", t.s.made)
}

// Commit writes the next state of an object; was is the present one, nil if there is none. A state that
// is equal to the present one is no change. It sets the document's resourceVersion.
func (t Tx) Commit(c Collection, was *Object, next Document) *Object {
	s := t.s
	if was != nil {
		next.SetMeta("resourceVersion", was.Meta.ResourceVersion)
		if string(encode(next)) == string(was.JSON) {
			return was
		}
	}
	s.version++
	next.SetMeta("resourceVersion", format(s.version))
	o := next.Freeze()
	if s.objects[c] == nil {
		s.objects[c] = map[string]*Object{}
	}
	s.objects[c][o.Key()] = o
	s.record(c, change{version: s.version, before: was, after: o})
	return o
}

// Remove deletes an object and returns its last state, which has the version of the deletion.
func (t Tx) Remove(c Collection, was *Object) *Object { return t.RemoveAs(c, was, was.Thaw()) }

// RemoveAs deletes an object whose last state is last.
func (t Tx) RemoveAs(c Collection, was *Object, last Document) *Object {
	s := t.s
	s.version++
	delete(s.objects[c], was.Key())
	last.SetMeta("resourceVersion", format(s.version))
	o := last.Freeze()
	s.record(c, change{version: s.version, before: was, last: o})
	return o
}

func (s *Store) record(c Collection, step change) {
	s.history[c] = append(s.history[c], step)
	close(s.changed)
	s.changed = make(chan struct{})
}

// at returns the objects of a collection as of a version, which is not older than s.oldest. s.mu is
// held.
func (s *Store) at(c Collection, version uint64) []*Object {
	objects := s.objects[c]
	if version < s.version {
		objects = make(map[string]*Object, len(s.objects[c]))
		for key, o := range s.objects[c] {
			objects[key] = o
		}
		for _, step := range slices.Backward(s.history[c]) {
			switch {
			case step.version <= version:
				return sorted(objects)
			case step.before != nil:
				objects[step.before.Key()] = step.before
			default:
				delete(objects, step.after.Key())
			}
		}
	}
	return sorted(objects)
}

// since returns the changes of a collection after a version. s.mu is held.
func (s *Store) since(c Collection, version uint64) []change {
	history := s.history[c]
	i := len(history)
	for i > 0 && history[i-1].version > version {
		i--
	}
	return history[i:]
}

func sorted(objects map[string]*Object) []*Object {
	all := make([]*Object, 0, len(objects))
	for _, o := range objects {
		all = append(all, o)
	}
	slices.SortFunc(all, func(a, b *Object) int { return compareKeys(a.Key(), b.Key()) })
	return all
}

func format(version uint64) string { return strconv.FormatUint(version, 10) }
