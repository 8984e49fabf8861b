package workqueue

import (
	"container/heap"
	"slices"
	"time"
)

// delays holds the keys that wait for a time, each once, earliest first: a heap, and a table from a
// key to its place in the heap. Like line it has no lock and no clock.
//
// Adding a key and taking the earliest cost O(log n). A key that is added again and again moves; it
// does not grow the heap.
type delays[K comparable] struct {
	places table[K, *delayed[K]]
	heap   delayHeap[K]
	seq    uint64 // of the latest due time set
}

// delayed is one key that waits.
type delayed[K comparable] struct {
	key     K
	due     time.Duration // since the queue's epoch
	seq     uint64        // orders keys due at the same instant as they were added
	index   int           // where in the heap it is
	limited bool          // the rate limiter has counted this wait against the limit of all keys
	low     bool          // the priority that the key is to have
}

func (d *delayed[K]) before(other *delayed[K]) bool {
	if d.due != other.due {
		return d.due < other.due //mutants:equal[<=] they differ
	}
	return d.seq < other.seq //mutants:equal[<=] no two are the same
}

// add makes key due at the given instant, unless it is due no later already. If it waits already, it
// keeps the higher of the two priorities. It reports whether key is now the first to come, earlier than
// what was.
func (d *delays[K]) add(key K, due time.Duration, low bool) (first bool) {
	w, ok := d.places.get(key)
	if ok {
		w.low = w.low && low
		if w.due <= due {
			return false
		}
	}
	d.seq++
	if ok {
		w.due, w.seq = due, d.seq
		heap.Fix(&d.heap, w.index)
	} else {
		w = &delayed[K]{key: key, due: due, seq: d.seq, low: low}
		d.places.set(key, w)
		heap.Push(&d.heap, w)
	}
	return w.index == 0
}

// limit notes that the rate limiter has counted the wait of key against the limit of all keys.
func (d *delays[K]) limit(key K) {
	if w, ok := d.places.get(key); ok {
		w.limited = true
	}
}

// covers reports whether a rate-limited wait of key that ends at due needs no place of its own: the
// wait that runs for key has one, or ends no later.
func (d *delays[K]) covers(key K, due time.Duration) bool {
	w, ok := d.places.get(key)
	return ok && (w.limited || w.due <= due)
}

// due returns when key is due.
func (d *delays[K]) due(key K) (due time.Duration, ok bool) {
	w, ok := d.places.get(key)
	if !ok {
		return 0, false
	}
	return w.due, true
}

// next returns when the earliest key is due.
func (d *delays[K]) next() (due time.Duration, ok bool) {
	if len(d.heap) == 0 {
		return 0, false
	}
	return d.heap[0].due, true
}

// takeDue removes and returns the earliest key, and its priority, if it is due by now.
func (d *delays[K]) takeDue(now time.Duration) (key K, low, ok bool) {
	if due, ok := d.next(); !ok || due > now {
		return key, false, false
	}
	first := heap.Pop(&d.heap).(*delayed[K])
	if n := len(d.heap); cap(d.heap) > shrinkFloor && n <= cap(d.heap)/shrinkFactor {
		d.heap = slices.Clone(d.heap)
	}
	d.places.remove(first.key)
	return first.key, first.low, true
}

func (d *delays[K]) len() int { return len(d.heap) }

// delayHeap is a heap.Interface, earliest first.
type delayHeap[K comparable] []*delayed[K]

func (h delayHeap[K]) Len() int           { return len(h) }
func (h delayHeap[K]) Less(i, j int) bool { return h[i].before(h[j]) }

func (h delayHeap[K]) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *delayHeap[K]) Push(x any) {
	w := x.(*delayed[K])
	w.index = len(*h)
	*h = append(*h, w)
}

func (h *delayHeap[K]) Pop() any {
	last := len(*h) - 1
	w := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return w
}
