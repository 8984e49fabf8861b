package replay

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"github.com/skiff-k8s/skiff/bench/internal/workload"
)

// FloodKind is the kind of changes in a flood.
type FloodKind string

// The kinds of floods.
const (
	// Modify changes random objects: a pod's readiness changes, for example. Each change is one
	// event.
	Modify FloodKind = "modify"
	// Replace deletes each object and adds another in its place: two events.
	Replace FloodKind = "replace"
	// Rollout replaces each pod as rolling updates of eight Deployments at a time do: the new pod
	// is added while it is pending and modified when it is ready, and then the old pod is deleted.
	// These are three events.
	Rollout FloodKind = "rollout"
)

// Flood describes a flood.
type Flood struct {
	Resource string    // "pods"
	Kind     FloodKind // Modify if empty
	Events   int       // how many changes: of Modify
	Rounds   int       // how often every object is replaced: of the others
	Rate     float64   // events a second; 0: as fast as the watches take them
}

// Flooded is the result of a flood.
type Flooded struct {
	Events  int              `json:"events"`         // all that were sent, the last one of FloodEnd included
	First   uint64           `json:"first"`          // the version of the first event; the others follow it without a gap
	Version uint64           `json:"version"`        // of the last event, that of FloodEnd
	Began   int64            `json:"began"`          // when the first could be sent, in Unix nanoseconds
	Ended   int64            `json:"ended"`          // when every open watch had been sent the last
	Watches int              `json:"watches"`        // how many were open
	Sent    map[uint64]int64 `json:"sent,omitempty"` // when each version was sent, in Unix nanoseconds: if there was a Rate
}

// Flood changes the objects of a resource. It returns when everything has been sent to every open
// watch, or when ctx ends. Each resource has one flood at a time.
func (s *Server) Flood(ctx context.Context, f Flood) (Flooded, error) {
	i := slices.IndexFunc(s.resources, func(r *resource) bool { return r.info.Resource == f.Resource })
	if i < 0 {
		return Flooded{}, fmt.Errorf("replay: flood of %q: the server has no such resource", f.Resource)
	}
	r := s.resources[i]
	r.floods.Lock()
	defer r.floods.Unlock()
	changes, err := r.plan(f)
	if err != nil {
		return Flooded{}, fmt.Errorf("replay: flood of %s: %w", f.Resource, err)
	}
	last := changes[len(changes)-1].state.Version
	flooded := Flooded{Events: len(changes), First: changes[0].state.Version, Version: last}
	flooded.Watches = r.prepare(changes, f.Rate > 0, s.options.CannedBytes)
	defer r.forget()
	flooded.Began = time.Now().UnixNano()
	if f.Rate > 0 {
		err = r.publishAtRate(ctx, changes, f.Rate)
	} else {
		r.publish(changes)
	}
	if err == nil {
		err = r.waitSent(ctx)
	}
	if err != nil {
		return flooded, fmt.Errorf("replay: flood of %s: %w", f.Resource, err)
	}
	flooded.Ended = time.Now().UnixNano()
	if f.Rate > 0 {
		flooded.Sent = r.stamps.byVersion()
	}
	return flooded, nil
}

// prepare encodes changes for the open watches, and returns the number of watches.
func (r *resource) prepare(changes []change, stamped bool, room int64) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	first := len(r.changes)
	var wanted [2]bool
	for st := range r.streams {
		wanted[st.q.format] = true
	}
	if stamped {
		r.stamps = &stamps{first: first, at: make([]atomic.Int64, len(changes))}
		return len(r.streams)
	}
	for _, f := range formats {
		if !wanted[f] {
			continue
		}
		r.mu.Unlock()
		batches := r.canChanges(f, changes, first, room)
		r.mu.Lock()
		r.batches[f] = batches
		for _, b := range batches {
			room -= int64(len(b.data))
		}
	}
	return len(r.streams)
}

// forget drops the prepared bytes, so that the next flood is prepared in the same memory. The
// kernel would have to give new memory to the process page by page.
func (r *resource) forget() {
	r.mu.Lock()
	r.batches, r.stamps = [2]map[int]batch{}, nil
	r.mu.Unlock()
	runtime.GC()
}

// publishAtRate publishes one change at a time. A late change does not delay the following ones.
func (r *resource) publishAtRate(ctx context.Context, changes []change, rate float64) error {
	begin := time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for k := range changes {
		timer.Reset(time.Until(begin.Add(time.Duration(float64(k) / rate * float64(time.Second)))))
		select {
		case <-timer.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		r.publish(changes[k : k+1])
	}
	return nil
}

// waitSent waits until all open watches have sent every change.
func (r *resource) waitSent(ctx context.Context) error {
	defer context.AfterFunc(ctx, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.passed.Broadcast()
	})()
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		behind := 0
		for st := range r.streams {
			if st.cursor < len(r.changes) {
				behind++
			}
		}
		switch {
		case behind == 0:
			return nil
		case ctx.Err() != nil:
			return fmt.Errorf("%d watches have not been sent everything: %w", behind, context.Cause(ctx))
		}
		r.passed.Wait()
	}
}

// stamps holds the times at which changes were sent.
type stamps struct {
	first int
	at    []atomic.Int64
}

// stamp records that the changes with the numbers from from to to are being sent. If there are
// several watches, the first one counts.
func (s *stamps) stamp(from, to int) {
	if s == nil {
		return
	}
	now := time.Now().UnixNano()
	for k := max(from, s.first); k < to; k++ {
		s.at[k-s.first].CompareAndSwap(0, now)
	}
}

func (s *stamps) byVersion() map[uint64]int64 {
	sent := make(map[uint64]int64, len(s.at))
	for k := range s.at {
		if at := s.at[k].Load(); at != 0 {
			sent[versionOf(s.first+k)] = at
		}
	}
	return sent
}

// versionOf returns the version of the change with that number.
func versionOf(number int) uint64 { return workload.FirstVersion + 1 + uint64(number) }

// plan returns the changes of a flood. It continues where the flood before it ended.
func (r *resource) plan(f Flood) ([]change, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := &plan{r: r, next: make(map[int32]workload.State)}
	switch f.Kind {
	case Modify, "":
		if f.Events < 0 {
			return nil, fmt.Errorf("%d events are none", f.Events)
		}
		p.modify(f.Events)
	case Replace, Rollout:
		if f.Rounds < 1 {
			return nil, fmt.Errorf("%d rounds are none", f.Rounds)
		}
		for range f.Rounds {
			p.replace(f.Kind == Rollout && r.info.Resource == "pods")
		}
	default:
		return nil, fmt.Errorf("%q is no kind of flood: they are %s, %s and %s", f.Kind, Modify, Replace, Rollout)
	}
	p.end()
	return p.changes, nil
}

// plan is a list of changes in the making.
type plan struct {
	r       *resource
	changes []change
	next    map[int32]workload.State // the objects after them
}

func (p *plan) now(at int32) workload.State {
	if s, ok := p.next[at]; ok {
		return s
	}
	return p.r.at(at)[0]
}

func (p *plan) add(kind eventKind, at int32, s workload.State) {
	s.Version = versionOf(len(p.r.changes) + len(p.changes))
	p.changes = append(p.changes, change{s, at, kind})
	if kind != deleted {
		p.next[at] = s
	}
}

func (p *plan) modify(events int) {
	random := rand.New(rand.NewPCG(uint64(len(p.r.changes)), 0))
	for range events {
		at := random.Int32N(int32(p.r.src.Len()))
		s := p.now(at)
		s.Revision++
		s.Phase = workload.Ready
		if s.Revision%2 == 1 {
			s.Phase = workload.Unready
		}
		p.add(modified, at, s)
	}
}

// rolling is how many Deployments are rolled out at a time.
const rolling = 8

// replace replaces every object once. One is as far as another of the same group of Deployments.
func (p *plan) replace(gradually bool) {
	n := p.r.src.Len()
	for group := 0; group < n; group += rolling * unitLen {
		for k := range unitLen {
			for first := group; first < group+rolling*unitLen; first += unitLen {
				if at := first + k; at < n {
					p.replaceOne(int32(at), gradually)
				}
			}
		}
	}
}

func (p *plan) replaceOne(at int32, gradually bool) {
	old := p.now(at)
	gone := old
	gone.Phase = workload.Deleting
	fresh := workload.State{Generation: old.Generation + 1}
	if !gradually {
		p.add(deleted, at, gone)
		p.add(added, at, fresh)
		return
	}
	fresh.Phase = workload.Pending
	p.add(added, at, fresh)
	fresh.Phase = workload.Ready
	p.add(modified, at, fresh)
	p.add(deleted, at, gone)
}

func (p *plan) end() {
	at := int32(p.r.src.Len())
	if len(p.r.at(at)) > 0 {
		p.add(modified, at, p.now(at))
	} else {
		p.add(added, at, workload.State{})
	}
}
