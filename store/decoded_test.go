package store

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
)

func always() bool { return true }

// offer is what Item.Shared does with an object that it had to decode.
func (c *decodedCache[K]) offer(k K, v any, bytes int64, current func() bool) {
	if c.wanted(k) {
		c.keep(k, v, bytes, current)
	}
}

// decodedModel is a decodedCache as its doc comment tells it, in the plainest way: a list that
// begins at the hand.
type decodedModel struct {
	budget, hits, misses int64
	ring                 []decodedModelSlot
}

type decodedModelSlot struct {
	key, value int
	bytes      int64
	read       bool
}

func (m *decodedModel) find(k int) int {
	return slices.IndexFunc(m.ring, func(s decodedModelSlot) bool { return s.key == k })
}

func (m *decodedModel) get(k int) (int, bool) {
	i := m.find(k)
	if i < 0 {
		m.misses++
		return 0, false
	}
	m.hits++
	m.ring[i].read = true
	return m.ring[i].value, true
}

func (m *decodedModel) keep(k, v int, bytes int64, current bool) bool {
	bytes += decodedSlotBytes
	switch {
	case m.budget >= 0 && bytes > m.budget, !current:
		return false
	case m.find(k) >= 0:
		return true
	}
	m.ring = append(m.ring, decodedModelSlot{key: k, value: v, bytes: bytes})
	m.evict()
	return true
}

func (m *decodedModel) evict() {
	for m.budget >= 0 && m.bytes() > m.budget {
		first := m.ring[0]
		m.ring = m.ring[1:]
		if first.read {
			first.read = false
			m.ring = append(m.ring, first)
		}
	}
}

func (m *decodedModel) forget(k int) {
	if i := m.find(k); i >= 0 {
		m.ring = slices.Delete(m.ring, i, i+1)
	}
}

func (m *decodedModel) bytes() (n int64) {
	for _, s := range m.ring {
		n += s.bytes
	}
	return n
}

// Under random use the cache holds what the model holds, and counts it.
func TestDecodedCacheIsItsModel(t *testing.T) {
	for seed := range uint64(100) {
		r := rand.New(rand.NewPCG(seed, 1))
		budget := int64(r.IntN(20_000))
		if seed%10 == 0 {
			budget = -1
		}
		c, m := newDecodedCache[int](budget), &decodedModel{budget: budget}
		for step := range 3000 {
			k := r.IntN(60)
			switch r.IntN(10) {
			default:
				value, ok := c.get(k)
				want, had := m.get(k)
				if ok != had || ok && value != want {
					t.Fatalf("seed %d, step %d: get(%d) = %v, %v; want %v, %v", seed, step, k, value, ok, want, had)
				}
			case 0, 1, 2, 3:
				bytes, current := int64(r.IntN(3000)), r.IntN(8) > 0
				got, want := c.keep(k, step, bytes, func() bool { return current }), m.keep(k, step, bytes, current)
				if got != want {
					t.Fatalf("seed %d, step %d: keep(%d) = %v, want %v", seed, step, k, got, want)
				}
			case 4, 5:
				c.forget(k)
				m.forget(k)
			case 6:
				if r.IntN(50) == 0 {
					budget := int64(r.IntN(20_000))
					c.setBudget(budget)
					m.budget = budget
					m.evict()
				}
			}
			objects, bytes, hits, misses := c.stats()
			if objects != len(m.ring) || bytes != m.bytes() || hits != m.hits || misses != m.misses {
				t.Fatalf("seed %d, step %d: %d objects, %d bytes, %d hits, %d misses; want %d, %d, %d, %d",
					seed, step, objects, bytes, hits, misses, len(m.ring), m.bytes(), m.hits, m.misses)
			}
		}
		for _, s := range slices.Clone(m.ring) {
			if v, ok := c.get(s.key); !ok || v != s.value {
				t.Fatalf("seed %d: at the end %d is %v, %v; want %d", seed, s.key, v, ok, s.value)
			}
		}
		checkDecoded(t, c)
	}
}

// checkDecoded checks that ring, map and sums say the same. Nobody else may use c meanwhile.
func checkDecoded[K comparable](t *testing.T, c *decodedCache[K]) {
	t.Helper()
	var bytes int64
	inRing := map[K]bool{}
	for slot := c.hand; slot != nil && !inRing[slot.key]; slot = slot.next {
		inRing[slot.key] = true
		bytes += slot.bytes
		if slot.next.prev != slot || slot.prev.next != slot {
			t.Fatal("the ring is broken")
		}
	}
	inMap := map[K]bool{}
	c.slots.Range(func(k, _ any) bool {
		inMap[k.(K)] = true
		return true
	})
	if !maps.Equal(inRing, inMap) || len(inRing) != c.count || bytes != c.bytes {
		t.Fatalf("the ring has %d objects of %d bytes, the map %d; counted are %d of %d", len(inRing), bytes, len(inMap), c.count, c.bytes)
	}
	if c.budget >= 0 && c.bytes > c.budget {
		t.Fatalf("%d bytes are kept, the budget is %d", c.bytes, c.budget)
	}
}

// A state is wanted when it is read for the third time soon after the first, and not when more was
// read between than is remembered.
func TestDecodedCacheWantsWhatIsReadThreeTimes(t *testing.T) {
	c := newDecodedCache[int](1 << 20)
	for k := range 1000 {
		for _, read := range []string{"first", "second"} {
			if c.wanted(k) {
				t.Fatalf("%d is wanted at its %s read", k, read)
			}
		}
		if !c.wanted(k) {
			t.Fatalf("%d is not wanted at its third read", k)
		}
	}
	small := newDecodedCache[int](1)
	const many = 800 * (1 << 20) / perFirstReads
	for pass := range 3 {
		wanted := 0
		for k := range many {
			if c.wanted(k) {
				wanted++
			}
			small.wanted(k)
		}
		if wanted > many/50 {
			t.Errorf("pass %d over %d objects, a hundred times what fits: %d are wanted", pass, many, wanted)
		}
	}
	// After all that, what a program turns to is wanted soon.
	const few = minFirstReads / 4
	admitted := map[int]bool{}
	for range 20 {
		for k := -few; k < 0; k++ {
			if !admitted[k] {
				admitted[k] = small.wanted(k)
			}
		}
	}
	for k, ok := range admitted {
		if !ok {
			t.Errorf("%d, of %d that are read in turns, is not wanted after 20 reads", k, few)
		}
	}
	off := newDecodedCache[int](0)
	for range 4 {
		if off.wanted(1) || off.keep(1, 1, 0, always) {
			t.Error("a cache without a budget keeps something")
		}
	}
	if all := newDecodedCache[int](-1); !all.wanted(1) {
		t.Error("a cache without a limit does not want what is read for the first time")
	}
}

// What is read often stays while everything is gone over, again and again.
func TestDecodedCacheKeepsWhatIsHot(t *testing.T) {
	const hot, all, size = 100, 20_000, 4000
	c := newDecodedCache[int](200 * size)
	read := func(k int) bool {
		if _, ok := c.get(k); ok {
			return true
		}
		c.offer(k, k, size, always)
		return false
	}
	for range 2 {
		for k := range hot {
			read(k)
		}
	}
	missed := 0
	for i := range 3 * all {
		if !read(i % hot) {
			missed++
		}
		read(hot + i%all)
	}
	if missed > 3*all/200 { // until the last of them were admitted
		t.Errorf("%d of %d reads of hot objects missed", missed, 3*all)
	}
	checkDecoded(t, c)
}

// However readers, the store's changes and the budget's interleave: nothing of what has been
// forgotten stays, the budget holds at each moment, and a read finds what belongs to its key.
func TestDecodedCacheRace(t *testing.T) {
	type state struct {
		name string
		old  atomic.Bool // the store has moved on
	}
	const keys = 64
	c := newDecodedCache[*state](keys / 2 * 1000)
	var current [keys]atomic.Pointer[state]
	for i := range current {
		current[i].Store(&state{name: fmt.Sprint(i)})
	}
	var writers, readers sync.WaitGroup
	var over atomic.Bool
	for w := range 4 {
		writers.Go(func() {
			r := rand.New(rand.NewPCG(uint64(w), 2))
			for range 20_000 {
				i := r.IntN(keys/4)*4 + w // each key has one writer, as in a store
				was := current[i].Swap(&state{name: fmt.Sprint(i)})
				was.old.Store(true)
				c.forget(was)
				if r.IntN(1000) == 0 {
					c.setBudget(int64(keys/4+r.IntN(keys/4)) * 1000)
				}
			}
		})
		readers.Go(func() {
			r := rand.New(rand.NewPCG(uint64(w), 3))
			for !over.Load() {
				s := current[r.IntN(keys)].Load()
				v, ok := c.get(s)
				if !ok {
					runtime.Gosched() // while it is decoded, the store moves on
					c.offer(s, &s.name, int64(200+r.IntN(1000)), func() bool { return !s.old.Load() })
				} else if v.(*string) != &s.name {
					t.Error("a key has another one's object")
				}
			}
		})
	}
	writers.Wait()
	over.Store(true)
	readers.Wait()
	checkDecoded(t, c)
	for slot, n := c.hand, 0; n < c.count; slot, n = slot.next, n+1 {
		if slot.key.old.Load() {
			t.Fatalf("%s is kept in an old state", slot.key.name)
		}
	}
}

// A state that gets old just while its object is being taken in is not kept, although the store's
// forget may come before there is anything to forget.
func TestDecodedCacheForgetsWhatGetsOldMeanwhile(t *testing.T) {
	c := newDecodedCache[string](-1)
	var old atomic.Bool
	var writer sync.WaitGroup
	begin := sync.OnceFunc(func() {
		forgotten := make(chan struct{})
		writer.Go(func() {
			old.Store(true)
			c.forget("state")
			close(forgotten)
		})
		for range 10_000 { // it may come through now, or be held up until keep is done
			select {
			case <-forgotten:
				return
			default:
				runtime.Gosched()
			}
		}
	})
	c.keep("state", 1, 1, func() bool {
		defer begin()
		return !old.Load()
	})
	writer.Wait()
	if _, ok := c.get("state"); ok {
		t.Error("a state that was forgotten is kept")
	}
	checkDecoded(t, c)
}

// Whoever offers an object knows when somebody else has it, even if it is not kept in the end.
func TestDecodedCacheSaysWhatOthersMayHave(t *testing.T) {
	c := newDecodedCache[string](-1)
	found := false
	kept := c.keep("state", 1, 1, func() bool {
		_, ok := c.get("state") // another reader, at any time
		found = found || ok
		return !found
	})
	if found && !kept {
		t.Error("an object that another reader has found is taken for the first one's own")
	}
	if _, ok := c.get("state"); ok {
		t.Error("an old state is kept")
	}
	checkDecoded(t, c)
}

// What is forgotten takes no memory, and what is kept takes what is counted.
func TestDecodedCacheGivesMemoryBack(t *testing.T) {
	const n = 50_000
	type key struct{ _ [1]int }
	keys := make([]*key, n)
	for i := range keys {
		keys[i] = new(key)
	}
	c := newDecodedCache[*key](-1)
	empty := heapNow()
	for _, k := range keys {
		v := new([512]byte)
		if !c.keep(k, v, int64(len(v)), always) {
			t.Fatal("not kept")
		}
	}
	full := heapNow()
	_, counted, _, _ := c.stats()
	if took := full - empty; took < counted*95/100 || took > counted*105/100 {
		t.Errorf("an object took %d bytes, counted were %d", took/n, counted/n)
	}
	for _, k := range keys {
		c.forget(k)
	}
	if left := heapNow() - empty; left > 64<<10 {
		t.Errorf("%d bytes are left after everything was forgotten", left)
	}
	if objects, bytes, _, _ := c.stats(); objects != 0 || bytes != 0 {
		t.Errorf("%d objects of %d bytes are counted after everything was forgotten", objects, bytes)
	}
	runtime.KeepAlive(keys)
}

func heapNow() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
