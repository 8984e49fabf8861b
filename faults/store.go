package faults

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"

	"github.com/skiff-k8s/skiff/kind"
)

// Store is an API server in memory. It is an http.Handler that creates, updates, deletes, gets, lists
// and watches objects as JSON, with the resource versions, conflicts, pages, bookmarks and errors of a
// real one. It knows every kind of package kind and what Serve adds. It validates and defaults
// nothing, authorizes everybody, and has no discovery and no patches yet.
//
// Its methods are safe for concurrent use. The methods that change objects work beside the requests,
// as another client would.
type Store struct {
	mu      sync.Mutex
	kinds   map[collection]kind.Info
	version uint64                            // of the last write; etcd's revision
	objects map[collection]map[string]*object // by namespace/name
	history map[collection][]change           // the changes that a watch may begin before
	oldest  uint64                            // the oldest version that a watch may begin from
	made    uint64                            // objects created, for UIDs
	changed chan struct{}                     // closed and replaced at every change
	era     chan struct{}                     // closed and replaced when all watches are to end
}

// collection is what a URL without a namespace and a name names.
type collection struct{ group, version, resource string }

// object is a state of an object. It does not change.
type object struct {
	meta meta
	json []byte
}

func (o *object) key() string { return o.meta.Namespace + "/" + o.meta.Name }

// change is a step of the history of an object.
type change struct {
	version       uint64
	before, after *object // nil if there was or is none
	last          []byte  // of a deletion: the last state, with the deletion's version
}

// firstVersion is that of an empty Store: not 0 and not 1, which clients treat as special.
const firstVersion = 100

// NewStore returns an empty store.
func NewStore() *Store {
	s := &Store{
		kinds: map[collection]kind.Info{}, version: firstVersion,
		objects: map[collection]map[string]*object{}, history: map[collection][]change{},
		changed: make(chan struct{}), era: make(chan struct{}),
	}
	for k := range kind.All() {
		s.Serve(k)
	}
	return s
}

// Serve adds a kind, as the installation of a CustomResourceDefinition does.
func (s *Store) Serve(k kind.Info) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kinds[collection{k.Group, k.Version, k.Resource}] = k
}

// ResourceVersion returns the version of the last write.
func (s *Store) ResourceVersion() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return format(s.version)
}

// Put creates an object, or replaces what is there, whatever its version: v is a Kubernetes object with
// its apiVersion and kind, as a Go value or as JSON ([]byte or string). It returns the object's
// resourceVersion.
func (s *Store) Put(v any) (string, error) {
	o, err := decode(v)
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if o.str("apiVersion") == "" || o.str("kind") == "" {
		return "", errors.New("faults: put an object: it has no apiVersion or no kind: a Go value needs its TypeMeta set")
	}
	c, ok := s.collectionOf(o)
	if !ok {
		return "", fmt.Errorf("faults: put an object: the store serves no %s %s", o.str("apiVersion"), o.str("kind"))
	}
	if o.meta().Name == "" {
		return "", errors.New("faults: put an object: it has no name")
	}
	o.setMeta("resourceVersion", nil)
	if was := s.objects[c][o.meta().key()]; was != nil {
		o.setMeta("uid", was.meta.UID)
		o.setMeta("creationTimestamp", was.meta.CreationTimestamp)
		return s.replace(c, was, o).meta.ResourceVersion, nil
	}
	return s.create(c, o).meta.ResourceVersion, nil
}

// Remove deletes an object and reports whether it was there. namespace is "" for a cluster-scoped
// kind.
func (s *Store) Remove(k kind.Info, namespace, name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := collection{k.Group, k.Version, k.Resource}
	o := s.objects[c][namespace+"/"+name]
	if o == nil {
		return false
	}
	s.remove(c, o)
	return true
}

// Objects returns the objects of a kind as JSON, in the order of their namespaces and names. The
// bytes are the store's own: they are not to be changed.
func (s *Store) Objects(k kind.Info) [][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all [][]byte
	for _, o := range sorted(s.objects[collection{k.Group, k.Version, k.Resource}]) {
		all = append(all, o.json)
	}
	return all
}

// collectionOf returns where an object belongs, by its apiVersion and kind. s.mu is held.
func (s *Store) collectionOf(o document) (collection, bool) {
	for c, k := range s.kinds {
		if k.APIVersion() == o.str("apiVersion") && k.Kind == o.str("kind") {
			return c, true
		}
	}
	return collection{}, false
}

// create adds an object under a new UID. s.mu is held.
func (s *Store) create(c collection, o document) *object {
	s.made++
	o.setMeta("uid", fmt.Sprintf("00000000-0000-4000-8000-%012x", s.made))
	o.setMeta("creationTimestamp", now())
	return s.commit(c, nil, o)
}

// replace changes an object. A state that is equal to the present one is no change. s.mu is held.
func (s *Store) replace(c collection, was *object, o document) *object {
	o.setMeta("resourceVersion", was.meta.ResourceVersion)
	if same := mustJSON(o); string(same) == string(was.json) {
		return was
	}
	return s.commit(c, was, o)
}

// commit writes the next state of an object. s.mu is held.
func (s *Store) commit(c collection, was *object, o document) *object {
	s.version++
	o.setMeta("resourceVersion", format(s.version))
	next := o.freeze()
	if s.objects[c] == nil {
		s.objects[c] = map[string]*object{}
	}
	s.objects[c][next.key()] = next
	s.record(c, change{version: s.version, before: was, after: next})
	return next
}

// remove deletes an object and returns its last state, which has the version of the deletion. s.mu is
// held.
func (s *Store) remove(c collection, was *object) *object {
	s.version++
	delete(s.objects[c], was.key())
	o := was.thaw()
	o.setMeta("resourceVersion", format(s.version))
	last := o.freeze()
	s.record(c, change{version: s.version, before: was, last: last.json})
	return last
}

func (s *Store) record(c collection, step change) {
	s.history[c] = append(s.history[c], step)
	close(s.changed)
	s.changed = make(chan struct{})
}

// at returns the objects of a collection as of a version, which is not older than s.oldest. s.mu is
// held.
func (s *Store) at(c collection, version uint64) []*object {
	objects := s.objects[c]
	if version < s.version {
		objects = make(map[string]*object, len(s.objects[c]))
		for key, o := range s.objects[c] {
			objects[key] = o
		}
		for _, step := range slices.Backward(s.history[c]) {
			switch {
			case step.version <= version:
				return sorted(objects)
			case step.before != nil:
				objects[step.before.key()] = step.before
			default:
				delete(objects, step.after.key())
			}
		}
	}
	return sorted(objects)
}

func sorted(objects map[string]*object) []*object {
	all := make([]*object, 0, len(objects))
	for _, o := range objects {
		all = append(all, o)
	}
	slices.SortFunc(all, func(a, b *object) int { return compareKeys(a.key(), b.key()) })
	return all
}

func format(version uint64) string { return strconv.FormatUint(version, 10) }
