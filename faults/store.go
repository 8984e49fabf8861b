package faults

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/skiff-k8s/skiff/internal/storage"
	"github.com/skiff-k8s/skiff/kind"
)

// Store is an API server in memory. It is an http.Handler that creates, updates, deletes, gets, lists
// and watches objects as JSON, with the resource versions, conflicts, pages, bookmarks and errors of a
// real one. It knows every kind of package kind and what Serve adds. It validates and defaults
// nothing, authorizes everybody, and has no discovery and no patches. The module skifftest has a server
// that has them.
//
// Its methods are safe for concurrent use. The methods that change objects work beside the requests,
// as another client would.
type Store struct {
	engine *storage.Store
	mu     sync.Mutex
	kinds  map[storage.Collection]kind.Info
}

// NewStore returns an empty store.
func NewStore() *Store {
	s := &Store{engine: storage.New(), kinds: map[storage.Collection]kind.Info{}}
	for k := range kind.All() {
		s.Serve(k)
	}
	return s
}

// Serve adds a kind, as the installation of a CustomResourceDefinition does.
func (s *Store) Serve(k kind.Info) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kinds[collectionOf(k)] = k
}

func collectionOf(k kind.Info) storage.Collection {
	return storage.Collection{Group: k.Group, Version: k.Version, Resource: k.Resource}
}

// ResourceVersion returns the version of the last write.
func (s *Store) ResourceVersion() (version string) {
	_ = s.engine.Do(func(tx storage.Tx) error { version = tx.Version(); return nil })
	return version
}

// Put creates an object, or replaces what is there, whatever its version: v is a Kubernetes object with
// its apiVersion and kind, as a Go value or as JSON ([]byte or string). It returns the object's
// resourceVersion.
func (s *Store) Put(v any) (version string, err error) {
	o, err := decode(v)
	if err != nil {
		return "", err
	}
	if o.Str("apiVersion") == "" || o.Str("kind") == "" {
		return "", errors.New("faults: put an object: it has no apiVersion or no kind: a Go value needs its TypeMeta set")
	}
	c, ok := s.kindOf(o)
	if !ok {
		return "", fmt.Errorf("faults: put an object: the store serves no %s %s", o.Str("apiVersion"), o.Str("kind"))
	}
	m := o.Meta()
	if m.Name == "" {
		return "", errors.New("faults: put an object: it has no name")
	}
	o.SetMeta("resourceVersion", nil)
	err = s.engine.Do(func(tx storage.Tx) error {
		was := tx.Get(c, m.Namespace, m.Name)
		if was != nil {
			o.SetMeta("uid", was.Meta.UID)
			o.SetMeta("creationTimestamp", was.Meta.CreationTimestamp)
		} else {
			begin(tx, o)
		}
		version = tx.Commit(c, was, o).Meta.ResourceVersion
		return nil
	})
	return version, err
}

// begin sets what a new object gets.
func begin(tx storage.Tx, o storage.Document) {
	o.SetMeta("uid", tx.NewUID())
	o.SetMeta("creationTimestamp", now())
}

func now() string { return time.Now().UTC().Format(time.RFC3339) }

// Remove deletes an object and reports whether it was there. namespace is "" for a cluster-scoped
// kind.
func (s *Store) Remove(k kind.Info, namespace, name string) (removed bool) {
	_ = s.engine.Do(func(tx storage.Tx) error {
		if o := tx.Get(collectionOf(k), namespace, name); o != nil {
			tx.Remove(collectionOf(k), o)
			removed = true
		}
		return nil
	})
	return removed
}

// Objects returns the objects of a kind as JSON, in the order of their namespaces and names. The
// bytes are the store's own: they are not to be changed.
func (s *Store) Objects(k kind.Info) (all [][]byte) {
	_ = s.engine.Do(func(tx storage.Tx) error {
		for _, o := range tx.All(collectionOf(k)) {
			all = append(all, o.JSON)
		}
		return nil
	})
	return all
}

// kindOf returns where an object belongs, by its apiVersion and kind.
func (s *Store) kindOf(o storage.Document) (storage.Collection, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c, k := range s.kinds {
		if k.APIVersion() == o.Str("apiVersion") && k.Kind == o.Str("kind") {
			return c, true
		}
	}
	return storage.Collection{}, false
}

// decode returns a document of a Go value, or of JSON.
func decode(v any) (storage.Document, error) {
	var data []byte
	switch v := v.(type) {
	case []byte:
		data = v
	case string:
		data = []byte(v)
	default:
		var err error
		if data, err = json.Marshal(v); err != nil {
			return nil, fmt.Errorf("faults: encode a %T: %w", v, err)
		}
	}
	o, err := storage.Decode(data)
	if err != nil {
		return nil, fmt.Errorf("faults: %w", err)
	}
	return o, nil
}

// Compact forgets the history: a watch, a list and a continue token of a version before the present one
// is answered with 410.
func (s *Store) Compact() { s.engine.Compact() }

// EndWatches ends all open watches, as a server that shuts down does.
func (s *Store) EndWatches() { s.engine.EndWatches() }

// Restart ends all watches and forgets the history: a server that starts has an empty watch cache.
func (s *Store) Restart() { s.engine.Restart() }

// Snapshot is a backup of a Store.
type Snapshot struct{ backup *storage.Snapshot }

// Snapshot returns a backup of the present state.
func (s *Store) Snapshot() *Snapshot { return &Snapshot{s.engine.Snapshot()} }

// Restore goes back to a backup, its version included, as an etcd that was restored from a backup and
// an API server that was started on it. All watches end.
func (s *Store) Restore(b *Snapshot) { s.engine.Restore(b.backup) }

// Rewrite changes what the store has at the same UIDs and resourceVersions, as a changed
// CustomResourceDefinition does (its defaults, its pruning, its conversion): change is called with
// every object. As with a changed definition there is a write of something else, the watches end, and
// the history is forgotten, so that a client has to list.
func (s *Store) Rewrite(change func(object map[string]any)) {
	s.engine.Rewrite(func(d storage.Document) { change(d) })
}
