package controller

import (
	"container/heap"
	"container/list"
	"slices"
	"sync"
	"time"
)

// holds keeps a key from being reconciled until the caches have seen what its last reconcile wrote.
// A reconcile before that would act on a state that it has changed itself: it would create what
// exists, or repair what is repaired.
//
// The states of a key:
//
//	          hold                       want
//	(free) ─────────▶ held, not wanted ────────▶ held, wanted
//	   ▲                 │ seen / expired            │ seen / expired: release
//	   └─────────────────┴───────────────────────────┘
//
// A key that no event names while it is held is not released to the queue. One that is released has the
// highest priority with which it was named. There is no goroutine
// here: caches call in when they have moved on, and one timer is set for the hold that expires
// first. There is at most one hold per key, so memory is bounded by the number of keys that were
// written for within the timeout.
type holds struct {
	timeout time.Duration            // negative means that no hold expires
	release func(any, bool)          // puts a key into the queue, of low priority or not; called without mu
	expired func(any, time.Duration) // reports a hold that ended by the timeout; called without mu
	ended   func(any, Hold)          // reports the end of each hold; called without mu; may be nil

	mu      sync.Mutex // guards the fields below, and every hold, wait and view
	byKey   map[any]*hold
	byAge   *list.List  // of *hold, oldest first: the order in which they expire
	timer   *time.Timer // runs expire; nil before the first hold
	stopped bool
	count   uint64 // of holds that were made

	calls sync.WaitGroup // the calls of expire that are beyond mu; added to with mu held
}

// hold is one key that is kept back.
type hold struct {
	key    any // of the controller's queue
	since  time.Time
	waits  []*wait // what has not been seen yet
	wanted bool    // the key is to be reconciled when the hold ends
	low    bool    // with low priority
	place  *list.Element
}

// wait is one fact that one cache has to show: that it contains a resourceVersion, or that an
// object is gone.
type wait struct {
	hold    *hold
	view    *view
	version uint64 // to be contained; 0 if object is to be gone
	object  Key
	index   int // in view.versions
}

// view is the waits for one cache.
type view struct {
	holds    *holds
	at       uint64          // what the cache contained last
	versions waitHeap        // lowest version first
	gone     map[Key][]*wait // by object
}

func newHolds(timeout time.Duration, release func(any, bool), expired func(any, time.Duration)) *holds {
	return &holds{
		timeout: timeout, release: release, expired: expired,
		byKey: map[any]*hold{}, byAge: list.New(),
	}
}

func (h *holds) newView() *view {
	return &view{holds: h, gone: map[Key][]*wait{}}
}

// demand is what one write asks of one cache. met reports whether the cache shows it already. It is
// called with holds.mu held: a cache that moves on after met has looked calls the view afterwards.
type demand struct {
	view    *view
	version uint64
	object  Key
	met     func() bool
}

// hold keeps key back until all demands are met, or until the timeout. It ignores demands that are
// met already; if none is left, key is not held.
func (h *holds) hold(key any, demands []demand) {
	if len(demands) == 0 {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.stopped || h.byKey[key] != nil {
		return
	}
	held := &hold{key: key, since: time.Now()}
	for _, d := range demands {
		if !d.met() {
			held.waits = append(held.waits, d.view.add(held, d))
		}
	}
	if len(held.waits) > 0 {
		h.add(held)
	}
}

// want reports whether key is held, and if so has it released when its hold ends, with low priority if
// no one wants it with high priority.
func (h *holds) want(key any, low bool) (held bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	k := h.byKey[key]
	if k == nil {
		return false
	}
	k.low = low && (k.low || !k.wanted)
	k.wanted = true
	return true
}

// len returns the number of keys that are held.
func (h *holds) len() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.byKey)
}

// made returns how many holds there have been.
func (h *holds) made() uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.count
}

// stop ends all holds without releasing a key, reports that, and stops the timer. If expire is
// reporting holds, stop waits for it.
func (h *holds) stop() {
	defer h.calls.Wait()
	var over []*hold
	h.mu.Lock()
	h.stopped = true
	for k := h.oldest(); k != nil; k = h.oldest() {
		over = append(over, k)
		h.remove(k)
	}
	if h.timer != nil {
		h.timer.Stop()
	}
	h.mu.Unlock()
	for _, k := range over {
		h.report(k, Hold{Stopped: true})
	}
}

// contains ends the waits for versions up to version, which the view's cache contains now. If that is
// less than it contained before, the server was restored from a backup: later versions are lost, and
// all waits end.
func (v *view) contains(version uint64) {
	h := v.holds
	var over []*hold
	h.mu.Lock()
	restored := version < v.at
	v.at = version
	for len(v.versions) > 0 && (restored || v.versions[0].version <= version) {
		over = v.end(v.versions[0], over)
	}
	h.mu.Unlock()
	h.seen(over)
}

// lost ends the waits for object to go: it is not in the view's cache any more, or is being
// deleted.
func (v *view) lost(object Key) {
	h := v.holds
	var over []*hold
	h.mu.Lock()
	for _, w := range slices.Clone(v.gone[object]) {
		over = v.end(w, over)
	}
	h.mu.Unlock()
	h.seen(over)
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
	rest := without(v.gone[w.object], w)
	if len(rest) == 0 {
		delete(v.gone, w.object)
	} else {
		v.gone[w.object] = rest
	}
}

// end ends w. If its key waits for nothing else, its hold is over, and end appends it. mu is held.
func (v *view) end(w *wait, over []*hold) []*hold {
	v.remove(w)
	held := w.hold
	held.waits = without(held.waits, w)
	if len(held.waits) > 0 {
		return over
	}
	v.holds.remove(held)
	return append(over, held)
}

// without deletes w from waits, in place.
func without(waits []*wait, w *wait) []*wait {
	return slices.DeleteFunc(waits, func(other *wait) bool { return other == w })
}

// add makes k the youngest hold. mu is held.
func (h *holds) add(k *hold) {
	h.count++
	h.byKey[k.key] = k
	k.place = h.byAge.PushBack(k)
	if h.byAge.Len() == 1 {
		h.setTimer()
	}
}

// remove ends k, and what it still waits for. mu is held.
func (h *holds) remove(k *hold) {
	delete(h.byKey, k.key)
	h.byAge.Remove(k.place)
	for _, w := range k.waits {
		w.view.remove(w)
	}
	k.waits = nil
}

// oldest returns the hold that expires first, nil if there is none. mu is held.
func (h *holds) oldest() *hold {
	if first := h.byAge.Front(); first != nil {
		return first.Value.(*hold)
	}
	return nil
}

// setTimer sets the timer to the time at which the oldest hold expires. If that hold ends before,
// the timer fires early, expire finds nothing, and sets it again. mu is held.
func (h *holds) setTimer() {
	oldest := h.oldest()
	if oldest == nil || h.stopped || h.timeout < 0 {
		return
	}
	left := time.Until(oldest.since.Add(h.timeout))
	if h.timer == nil {
		h.timer = time.AfterFunc(left, h.expire)
	} else {
		h.timer.Reset(left)
	}
}

// expire ends the holds that are older than the timeout.
func (h *holds) expire() {
	var over []*hold
	h.mu.Lock()
	if h.stopped {
		h.mu.Unlock()
		return
	}
	h.calls.Add(1)
	defer h.calls.Done()
	for k := h.oldest(); k != nil && time.Since(k.since) >= h.timeout; k = h.oldest() {
		over = append(over, k)
		h.remove(k)
	}
	h.setTimer()
	h.mu.Unlock()
	for _, k := range over {
		h.expired(k.key, time.Since(k.since))
		h.over(k, Hold{})
	}
}

// seen reports holds whose waits have all ended.
func (h *holds) seen(over []*hold) {
	for _, k := range over {
		h.over(k, Hold{Seen: true})
	}
}

// over reports the end of a hold, and releases its key if that is wanted. It is called without mu:
// nothing changes a hold that is over.
func (h *holds) over(k *hold, how Hold) {
	h.report(k, how)
	if k.wanted {
		h.release(k.key, k.low)
	}
}

// report reports the end of a hold. It is called without mu.
func (h *holds) report(k *hold, how Hold) {
	if h.ended != nil {
		how.Duration, how.Wanted = time.Since(k.since), k.wanted
		h.ended(k.key, how)
	}
}

// waitHeap implements heap.Interface, lowest version first.
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
