package controller

import (
	"container/heap"
	"sync"
	"time"
)

// holds keeps back the keys whose own writes the caches have not shown yet. A key
// reconciled before that would be judged by a state that its last turn has
// changed already: it would create what exists, or repair what is repaired.
//
// A key goes this way:
//
//	          hold                       want
//	(free) ─────────▶ held, not wanted ────────▶ held, wanted
//	   ▲                 │ shown / expired           │ shown / expired: release
//	   └─────────────────┴───────────────────────────┘
//
// A key that nobody wants while it is held leaves without a turn. There is no
// goroutine per key, nor one at all: caches call in when they have moved, and one
// timer is armed for the hold that expires first. There is at most one hold per
// key, so memory is bounded by the keys that were written for within the timeout.
type holds struct {
	timeout time.Duration
	release func(Key)                // a held key that was wanted is free; called without mu
	expired func(Key, time.Duration) // a hold was given up after that time; called without mu

	mu    sync.Mutex // guards what follows, and every hold, wait and view
	keys  map[Key]*hold
	first *hold // the holds in the order in which they expire
	last  *hold
	timer *time.Timer // runs expire; nil until the first hold
	shut  bool
}

// hold is one key that is kept back.
type hold struct {
	key        Key
	since      time.Time
	waits      []*wait // what has not been shown yet
	wanted     bool
	prev, next *hold
}

// wait is one thing that a cache has to show: that it contains a resourceVersion,
// or that an object is gone.
type wait struct {
	hold    *hold
	view    *view
	version uint64 // to be contained; 0 if object is to be gone
	object  Key
	index   int // in view.versions
}

// view is what one cache has to show to whom.
type view struct {
	holds    *holds
	versions waitHeap        // by version, lowest first
	gone     map[Key][]*wait // by object
}

func newHolds(timeout time.Duration, release func(Key), expired func(Key, time.Duration)) *holds {
	return &holds{timeout: timeout, release: release, expired: expired, keys: map[Key]*hold{}}
}

func (h *holds) newView() *view {
	return &view{holds: h, gone: map[Key][]*wait{}}
}

// A demand is what one of a key's writes asks of one cache. met looks at the
// cache, and is called with the lock held, so that the cache cannot move between
// the look and the wait without the view being told afterwards.
type demand struct {
	view    *view
	version uint64
	object  Key
	met     func() bool
}

// hold keeps key back until the demands are met, or the timeout is over. Those
// already met do not count, and without any left key is not held.
func (h *holds) hold(key Key, demands []demand) {
	if len(demands) == 0 {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.shut || h.keys[key] != nil {
		return
	}
	held := &hold{key: key, since: time.Now()}
	for _, d := range demands {
		if !d.met() {
			held.waits = append(held.waits, d.view.add(held, d))
		}
	}
	if len(held.waits) > 0 {
		h.enter(held)
	}
}

// want reports whether key is held. If it is, it is released in time.
func (h *holds) want(key Key) (held bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	k := h.keys[key]
	if k == nil {
		return false
	}
	k.wanted = true
	return true
}

// len is the number of keys held.
func (h *holds) len() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.keys)
}

// stop gives all holds up without releasing anything, and stops the timer.
func (h *holds) stop() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.shut = true
	for k := h.first; k != nil; k = h.first {
		h.leave(k)
	}
	if h.timer != nil {
		h.timer.Stop()
	}
}

// contains tells the view that its cache contains version now.
func (v *view) contains(version uint64) {
	h := v.holds
	var free []Key
	h.mu.Lock()
	for len(v.versions) > 0 && v.versions[0].version <= version {
		free = v.meet(v.versions[0], free)
	}
	h.mu.Unlock()
	h.releaseAll(free)
}

// lost tells the view that object is not in its cache any more, or is on its way
// out.
func (v *view) lost(object Key) {
	h := v.holds
	var free []Key
	h.mu.Lock()
	for _, w := range v.gone[object] {
		free = v.meet(w, free)
	}
	h.mu.Unlock()
	h.releaseAll(free)
}

// add makes a wait. mu is held.
func (v *view) add(held *hold, d demand) *wait {
	w := &wait{hold: held, view: v, version: d.version, object: d.object}
	if w.version != 0 {
		heap.Push(&v.versions, w)
	} else {
		v.gone[w.object] = append(v.gone[w.object], w)
	}
	return w
}

// remove takes w out of the view. mu is held.
func (v *view) remove(w *wait) {
	if w.version != 0 {
		heap.Remove(&v.versions, w.index)
		return
	}
	// A new slice: lost ranges over the old one.
	var rest []*wait
	for _, other := range v.gone[w.object] {
		if other != w {
			rest = append(rest, other)
		}
	}
	if rest == nil {
		delete(v.gone, w.object)
	} else {
		v.gone[w.object] = rest
	}
}

// meet ends w. If its key waits for nothing else it is free, and appended to free
// if it is wanted. mu is held.
func (v *view) meet(w *wait, free []Key) []Key {
	v.remove(w)
	held := w.hold
	for i, other := range held.waits {
		if other == w {
			held.waits = append(held.waits[:i], held.waits[i+1:]...)
			break
		}
	}
	if len(held.waits) > 0 {
		return free
	}
	v.holds.leave(held)
	if held.wanted {
		free = append(free, held.key)
	}
	return free
}

// enter adds k, which expires last. mu is held.
func (h *holds) enter(k *hold) {
	h.keys[k.key] = k
	k.prev = h.last
	if h.last == nil {
		h.first = k
		h.arm()
	} else {
		h.last.next = k
	}
	h.last = k
}

// leave removes k and what it still waits for. mu is held.
func (h *holds) leave(k *hold) {
	delete(h.keys, k.key)
	for _, w := range k.waits {
		w.view.remove(w)
	}
	k.waits = nil
	if k.prev == nil {
		h.first = k.next
	} else {
		k.prev.next = k.next
	}
	if k.next == nil {
		h.last = k.prev
	} else {
		k.next.prev = k.prev
	}
	k.prev, k.next = nil, nil
}

// arm sets the timer to when the first hold expires. One that is armed for a hold
// that has left since fires too early, finds nothing, and is armed again. mu is
// held.
func (h *holds) arm() {
	if h.first == nil || h.shut {
		return
	}
	left := time.Until(h.first.since.Add(h.timeout))
	if h.timer == nil {
		h.timer = time.AfterFunc(left, h.expire)
	} else {
		h.timer.Reset(left)
	}
}

// expire gives up the holds whose time is over.
func (h *holds) expire() {
	var over []*hold
	h.mu.Lock()
	for h.first != nil && time.Since(h.first.since) >= h.timeout {
		over = append(over, h.first)
		h.leave(h.first)
	}
	h.arm()
	h.mu.Unlock()
	for _, k := range over {
		h.expired(k.key, time.Since(k.since))
		if k.wanted {
			h.release(k.key)
		}
	}
}

func (h *holds) releaseAll(keys []Key) {
	for _, key := range keys {
		h.release(key)
	}
}

// waitHeap is a heap.Interface over waits, lowest version first.
type waitHeap []*wait

func (w waitHeap) Len() int           { return len(w) }
func (w waitHeap) Less(i, j int) bool { return w[i].version < w[j].version }
func (w waitHeap) Swap(i, j int) {
	w[i], w[j] = w[j], w[i]
	w[i].index, w[j].index = i, j
}

func (w *waitHeap) Push(x any) {
	e := x.(*wait)
	e.index = len(*w)
	*w = append(*w, e)
}

func (w *waitHeap) Pop() any {
	old := *w
	e := old[len(old)-1]
	old[len(old)-1] = nil
	*w = old[:len(old)-1]
	return e
}
