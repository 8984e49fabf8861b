package storage

import "maps"

// Compact forgets the history: a watch, a list and a continue token of a version before the present one
// is answered with 410.
func (s *Store) Compact() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.compact()
}

func (s *Store) compact() {
	s.oldest = s.version
	clear(s.history)
}

// EndWatches ends all open watches, as a server that shuts down does.
func (s *Store) EndWatches() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.endWatches()
}

func (s *Store) endWatches() {
	close(s.era)
	s.era = make(chan struct{})
}

// EndWatchesOf ends the open watches of a collection, as one that is no longer served.
func (s *Store) EndWatchesOf(c Collection) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if end := s.ends[c]; end != nil {
		close(end)
		delete(s.ends, c)
	}
}

// Restart ends all watches and forgets the history: a server that starts has an empty watch cache.
func (s *Store) Restart() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.compact()
	s.endWatches()
}

// Snapshot is a backup of a Store.
type Snapshot struct {
	version uint64
	objects map[Collection]map[string]*Object
}

// Snapshot returns a backup of the present state.
func (s *Store) Snapshot() *Snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	return &Snapshot{s.version, cloneObjects(s.objects)}
}

// Restore goes back to a backup, its version included, as an etcd that was restored from a backup and
// an API server that was started on it. All watches end.
func (s *Store) Restore(b *Snapshot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.version, s.objects = b.version, cloneObjects(b.objects)
	s.compact()
	s.endWatches()
}

func cloneObjects(all map[Collection]map[string]*Object) map[Collection]map[string]*Object {
	out := make(map[Collection]map[string]*Object, len(all))
	for c, objects := range all {
		out[c] = maps.Clone(objects)
	}
	return out
}

// Rewrite changes what the store has at the same UIDs and resourceVersions, as a changed
// CustomResourceDefinition does (its defaults, its pruning, its conversion): change is called with
// every object. As with a changed definition there is a write of something else, the watches end, and
// the history is forgotten, so that a client has to list.
func (s *Store) Rewrite(change func(Document)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, objects := range s.objects {
		for key, o := range objects {
			d := o.Thaw()
			change(d)
			d.SetMeta("uid", o.Meta.UID)
			d.SetMeta("resourceVersion", o.Meta.ResourceVersion)
			objects[key] = d.Freeze()
		}
	}
	s.version++
	s.compact()
	s.endWatches()
}
