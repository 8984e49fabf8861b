package replay

import (
	"maps"
	"sync"

	"github.com/skiff-k8s/skiff/bench/internal/workload"
)

// change is one event: the change of the object at a position, and its new state.
type change struct {
	state workload.State
	at    int32
	kind  eventKind
}

type eventKind uint8

const (
	added eventKind = iota
	modified
	deleted
)

var eventNames = [...]string{added: "ADDED", modified: "MODIFIED", deleted: "DELETED"}

// resource is the current objects of one resource.
type resource struct {
	src    workload.Source
	info   workload.Info
	canned [2][][]byte // the initial events of each format, if they are canned

	floods sync.Mutex // held by the flood that goes on

	mu      sync.Mutex
	changes []change                   // all that ever happened; number k has version workload.FirstVersion+1+k
	live    map[int32][]workload.State // the objects at the positions where something happened
	streams map[*stream]bool           // the watches that are open
	grown   chan struct{}              // closed when changes grows
	passed  *sync.Cond                 // a stream moved on, or ended
	batches [2]map[int]batch           // the flood's canned events, by the number of the first
	stamps  *stamps                    // of a steady flood
	asked   []string                   // the queries of lists and watches
}

func newResource(src workload.Source) *resource {
	r := &resource{
		src: src, info: src.Info(), live: make(map[int32][]workload.State),
		streams: make(map[*stream]bool), grown: make(chan struct{}),
	}
	r.passed = sync.NewCond(&r.mu)
	return r
}

func (r *resource) noteAsked(query string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked = append(r.asked, query)
}

// snapshot is the objects of a resource at one time. It is immutable.
type snapshot struct {
	src  workload.Source
	seen int // how many changes are in it
	live map[int32][]workload.State
}

func (r *resource) snapshot() snapshot {
	r.mu.Lock()
	defer r.mu.Unlock()
	return snapshot{r.src, len(r.changes), maps.Clone(r.live)}
}

func (s snapshot) version() uint64 { return workload.FirstVersion + uint64(s.seen) }

// positions returns one more than the last position that may have an object.
func (s snapshot) positions() int { return s.src.Len() + 1 }

// each calls f for the objects at a position.
func (s snapshot) each(at int, f func(workload.State)) {
	states, changed := s.live[int32(at)]
	switch {
	case changed:
		for _, state := range states {
			f(state)
		}
	case at < s.src.Len():
		f(s.src.First(at))
	}
}

// publish applies changes, which have their versions already.
func (r *resource) publish(changes []change) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range changes {
		r.apply(c)
	}
	r.changes = append(r.changes, changes...)
	close(r.grown)
	r.grown = make(chan struct{})
}

// apply updates live. Its slices are never written to: snapshots share them.
func (r *resource) apply(c change) {
	before := r.at(c.at)
	after := make([]workload.State, 0, len(before)+1)
	for _, s := range before {
		if s.Generation != c.state.Generation {
			after = append(after, s)
		}
	}
	if c.kind != deleted {
		after = append(after, c.state)
	}
	r.live[c.at] = after
}

// at returns the objects at a position.
func (r *resource) at(at int32) []workload.State {
	if states, changed := r.live[at]; changed {
		return states
	}
	if int(at) < r.src.Len() {
		return []workload.State{r.src.First(int(at))}
	}
	return nil
}
