package workqueue

import (
	"slices"
	"time"
)

// delays is the keys that wait for their time, each once, earliest first: a
// binary heap, and a table that finds a key's place in it. Like line it knows
// nothing of locks and clocks.
//
// Adding a key and taking the earliest cost O(log n). A key that is added again
// and again moves; it does not grow the heap.
type delays[K comparable] struct {
	places table[K, *delayed[K]]
	heap   []*delayed[K]
	seq    uint64 // of the latest due time set
}

// delayed is one key that waits.
type delayed[K comparable] struct {
	key   K
	due   time.Duration // since the queue's epoch
	seq   uint64        // orders keys due at the same instant as they were added
	index int           // where in the heap it is
}

func (d *delayed[K]) before(other *delayed[K]) bool {
	if d.due != other.due {
		return d.due < other.due
	}
	return d.seq < other.seq
}

// add makes key due at the given instant, unless it is due no later already. It
// reports whether key is now the first to come, earlier than what was.
func (d *delays[K]) add(key K, due time.Duration) (first bool) {
	w, ok := d.places.get(key)
	if ok && w.due <= due {
		return false
	}
	d.seq++
	if ok {
		w.due, w.seq = due, d.seq
	} else {
		w = &delayed[K]{key: key, due: due, seq: d.seq, index: len(d.heap)}
		d.places.set(key, w)
		d.heap = append(d.heap, w)
	}
	d.up(w)
	return w.index == 0
}

// next is when the earliest key is due.
func (d *delays[K]) next() (due time.Duration, ok bool) {
	if len(d.heap) == 0 {
		return 0, false
	}
	return d.heap[0].due, true
}

// takeDue removes and returns the earliest key if it is due by now.
func (d *delays[K]) takeDue(now time.Duration) (key K, ok bool) {
	if due, ok := d.next(); !ok || due > now {
		return key, false
	}
	first := d.heap[0]
	last := len(d.heap) - 1
	moved := d.heap[last]
	d.heap[last] = nil
	d.heap = d.heap[:last]
	if last > 0 {
		d.down(moved)
	}
	if cap(d.heap) > shrinkFloor && last <= cap(d.heap)/shrinkFactor {
		d.heap = slices.Clone(d.heap)
	}
	d.places.remove(first.key)
	return first.key, true
}

func (d *delays[K]) len() int { return len(d.heap) }

// up moves w from its index towards the root, to where it belongs.
func (d *delays[K]) up(w *delayed[K]) {
	i := w.index
	for i > 0 {
		parent := (i - 1) / 2
		if !w.before(d.heap[parent]) {
			break
		}
		d.put(i, d.heap[parent])
		i = parent
	}
	d.put(i, w)
}

// down puts w in at the root and moves it towards the leaves, to where it belongs.
func (d *delays[K]) down(w *delayed[K]) {
	i := 0
	for {
		child := 2*i + 1
		if child >= len(d.heap) {
			break
		}
		if right := child + 1; right < len(d.heap) && d.heap[right].before(d.heap[child]) {
			child = right
		}
		if !d.heap[child].before(w) {
			break
		}
		d.put(i, d.heap[child])
		i = child
	}
	d.put(i, w)
}

func (d *delays[K]) put(i int, w *delayed[K]) {
	d.heap[i] = w
	w.index = i
}
