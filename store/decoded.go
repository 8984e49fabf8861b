package store

import (
	"hash/maphash"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
)

// decodedCache keeps decoded objects within a budget in bytes. K identifies one state of one
// object. So an object that is found is never stale. It is only of no use once the store has moved
// on.
//
// A state is admitted when it is read for the third time within a while. One pass over all objects
// therefore evicts nothing, and a controller that reads a state once for the object's change and once
// for what it wrote keeps nothing. An object makes room if it has not been read since the clock's hand
// passed it last.
//
// A reader that finds its object takes no lock, and writes to no shared memory but a counter, of
// which there are several. mu is for callers that add or remove.
type decodedCache[K comparable] struct {
	slots  sync.Map // K to *decodedSlot[K]: those of the clock
	hits   counter
	misses counter

	mu     sync.Mutex // guards what follows
	budget int64      // negative: no limit
	hand   *decodedSlot[K]
	count  int
	bytes  int64
	reads  []firstReads // by hash; nil before the first read
	seed   maphash.Seed
}

// decodedSlot is one decoded object, in a ring with the others.
type decodedSlot[K comparable] struct {
	key        K
	value      any
	bytes      int64
	read       atomic.Bool // since the hand passed it
	prev, next *decodedSlot[K]
}

// firstReads remembers some of the states that have been read once or twice, each by a part of its
// hash and, in the lowest two bits, how often. 0 is none.
type firstReads [8]uint32

const (
	// decodedSlotBytes is the memory that the cache needs for each object beside it: the slot and
	// its share of the map. It counts towards the budget, so that a million tiny objects keep to it
	// too.
	decodedSlotBytes = 160

	// admitted is at which of its reads within a while a state is admitted.
	admitted = 3
	// readsMask is where firstReads has how often.
	readsMask = 3

	// perFirstReads is how many bytes of the budget there are for each eight states whose reads are
	// remembered: about as many as objects fit, for "a while" is as long as they take to be
	// exchanged. The table is a thousandth of the budget.
	perFirstReads = 32 << 10
	minFirstReads = 32
	maxFirstReads = 8 << 10
)

// newDecodedCache returns a cache with a budget in bytes. 0 means that nothing is kept; negative
// means no limit.
func newDecodedCache[K comparable](budget int64) *decodedCache[K] {
	return &decodedCache[K]{budget: budget, seed: maphash.MakeSeed()}
}

// get returns the object of a state, shared by all callers, and reports whether it is in the cache.
func (c *decodedCache[K]) get(k K) (any, bool) {
	found, ok := c.slots.Load(k)
	if !ok {
		c.misses.add()
		return nil, false
	}
	c.hits.add()
	slot := found.(*decodedSlot[K])
	if !slot.read.Load() { // a hot object's memory stays unwritten, in every core's cache
		slot.read.Store(true)
	}
	return slot.value, true
}

// wanted notes that k has been read, and reports whether its object would be kept: if it is read
// for the third time within a while, or if there is no limit.
func (c *decodedCache[K]) wanted(k K) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.budget < 0:
		return true
	case c.budget == 0:
		return false
	}
	if c.reads == nil {
		c.reads = make([]firstReads, min(max(c.budget/perFirstReads, minFirstReads), maxFirstReads))
	}
	hash := maphash.Comparable(c.seed, k)
	some := &c.reads[hash%uint64(len(c.reads))]
	//mutants:tuning[31,33] another part of the hash
	mark := uint32(hash>>32) &^ readsMask
	//mutants:tuning[1] a free place for a read of the mark 0, which is none: once in a billion keys
	i := slices.IndexFunc(some[:], func(m uint32) bool { return m != 0 && m&^readsMask == mark })
	switch {
	case i < 0:
	case some[i]&readsMask == admitted-1:
		some[i] = 0 // should it have to make room again, it is as new
		return true
	default:
		some[i]++
		return false
	}
	if i = slices.Index(some[:], 0); i < 0 {
		// Not the oldest: of a few more than fit, read in turns, none would ever be remembered.
		i = rand.IntN(len(some))
	}
	some[i] = mark | 1
	return false
}

// keep adds the object of a state that is wanted, bytes large, and reports whether others may have
// it from now on. The object is not added if it alone exceeds the budget, or if current returns
// false.
//
// current reports whether the state is the current one. It is called with the cache locked, and
// once more after the object can be found. If a forget came before the object could be found, the
// state was old already, and the second call returns false. So the callers of forget must hold no
// lock that current takes.
func (c *decodedCache[K]) keep(k K, v any, bytes int64, current func() bool) bool {
	slot := &decodedSlot[K]{key: k, value: v, bytes: bytes + decodedSlotBytes}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.budget >= 0 && slot.bytes > c.budget || !current() {
		return false
	}
	if _, here := c.slots.LoadOrStore(k, slot); here {
		return true // another caller was faster
	}
	if !current() {
		c.slots.Delete(k)
		return true // a reader may have found it
	}
	c.enter(slot)
	c.evict()
	return true
}

// forget removes the object of a state that is not the current one any more.
func (c *decodedCache[K]) forget(k K) {
	if _, here := c.slots.Load(k); !here { // as nearly every object of a large cache
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if found, here := c.slots.Load(k); here {
		c.leave(found.(*decodedSlot[K]))
	}
}

// setBudget changes the budget, and evicts objects until it holds.
func (c *decodedCache[K]) setBudget(budget int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if budget != c.budget {
		c.budget, c.reads = budget, nil
		c.evict()
	}
}

// stats returns the number and size of the objects, and how many reads found theirs. bytes includes
// the memory that the cache needs for itself.
func (c *decodedCache[K]) stats() (objects int, bytes, hits, misses int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.count, c.bytes, c.hits.sum(), c.misses.sum()
}

// evict removes objects until the budget holds. An object that has been read since the hand passed
// it last stays for another turn. mu is held, as it is below.
func (c *decodedCache[K]) evict() {
	for c.budget >= 0 && c.bytes > c.budget {
		slot := c.hand
		c.hand = slot.next
		if !slot.read.Swap(false) {
			c.leave(slot)
		}
	}
}

// enter adds a slot to the ring where the hand comes last.
func (c *decodedCache[K]) enter(slot *decodedSlot[K]) {
	if c.hand == nil {
		slot.prev, slot.next = slot, slot
		c.hand = slot
	} else {
		slot.prev, slot.next = c.hand.prev, c.hand
		slot.prev.next, slot.next.prev = slot, slot
	}
	c.count++
	c.bytes += slot.bytes
}

// leave removes a slot from the ring and the map.
func (c *decodedCache[K]) leave(slot *decodedSlot[K]) {
	c.slots.Delete(slot.key)
	if c.hand == slot {
		c.hand = slot.next
	}
	if c.count--; c.count == 0 {
		c.hand = nil
	}
	slot.prev.next, slot.next.prev = slot.next, slot.prev
	c.bytes -= slot.bytes
}

// counter is a count to which many goroutines add at once, each in a place that is likely its own.
type counter [8]struct { //mutants:tuning[7,9] a core more or less has a place of its own
	n atomic.Int64
	// The rest of a cache line.
	//mutants:equal[55] n is aligned
	_ [56]byte
}

func (c *counter) add() { c[rand.Uint32()%uint32(len(c))].n.Add(1) }

func (c *counter) sum() (n int64) {
	for i := range c {
		n += c[i].n.Load()
	}
	return n
}
