package controller

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// heldCase is a holds whose releases and expiries are noted.
type heldCase struct {
	*holds
	noted             sync.Mutex // guards what follows: the timer's goroutine writes too
	released, expired []Key
}

func newHeldCase(timeout time.Duration) *heldCase {
	c := &heldCase{}
	note := func(keys *[]Key, k Key) {
		c.noted.Lock()
		defer c.noted.Unlock()
		*keys = append(*keys, k)
	}
	c.holds = newHolds(timeout,
		func(k any, _ bool) { note(&c.released, k.(Key)) },
		func(k any, _ time.Duration) { note(&c.expired, k.(Key)) })
	return c
}

func unmet() bool { return false }

func (c *heldCase) check(t *testing.T, what string, held int, released, expired []Key) {
	t.Helper()
	if n := c.len(); n != held {
		t.Errorf("%s: %d keys held, want %d", what, n, held)
	}
	c.noted.Lock()
	defer c.noted.Unlock()
	if !reflect.DeepEqual(c.released, released) {
		t.Errorf("%s: released %v, want %v", what, c.released, released)
	}
	if !reflect.DeepEqual(c.expired, expired) {
		t.Errorf("%s: expired %v, want %v", what, c.expired, expired)
	}
}

var keyA, keyB = Key{Namespace: "n", Name: "a"}, Key{Namespace: "n", Name: "b"}

func TestHeldKeyComesBackWhenTheCacheShowsItsWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newHeldCase(time.Minute)
		defer c.stop()
		v := c.newView()
		c.hold(keyA, []demand{{view: v, version: 7, met: unmet}})
		if c.want(keyB, false) || !c.want(keyA, false) {
			t.Error("want: only the written key is held")
		}
		v.contains(6)
		c.check(t, "before its version", 1, nil, nil)
		v.contains(8)
		c.check(t, "past its version", 0, []Key{keyA}, nil)
	})
}

func TestHeldKeyThatNobodyWantsLeavesWithoutATurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newHeldCase(time.Minute)
		defer c.stop()
		v := c.newView()
		c.hold(keyA, []demand{{view: v, version: 7, met: unmet}})
		v.contains(7)
		c.check(t, "shown", 0, nil, nil)
	})
}

// A cache that falls back shows that the server was restored: what a key waits for there is lost.
func TestARestoreOfTheServerEndsHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newHeldCase(time.Minute)
		defer c.stop()
		v, other := c.newView(), c.newView()
		v.contains(314)
		other.contains(314)
		c.hold(keyA, []demand{{view: v, version: 320, met: unmet}})
		c.hold(keyB, []demand{{view: other, version: 320, met: unmet}})
		c.want(keyA, false)
		c.want(keyB, false)
		v.contains(314)
		c.check(t, "the same version", 2, nil, nil)
		v.contains(313)
		c.check(t, "a restored server", 1, []Key{keyA}, nil)
	})
}

func TestWriteAlreadyShownHoldsNothing(t *testing.T) {
	c := newHeldCase(time.Minute)
	defer c.stop()
	c.hold(keyA, []demand{{view: c.newView(), version: 7, met: func() bool { return true }}})
	c.hold(keyB, nil)
	c.check(t, "met at once", 0, nil, nil)
}

func TestHeldKeyWaitsForAllOfItsWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newHeldCase(time.Minute)
		defer c.stop()
		v, other := c.newView(), c.newView()
		c.hold(keyA, []demand{
			{view: v, version: 7, met: unmet},
			{view: other, version: 9, met: unmet},
			{view: v, object: Key{Namespace: "n", Name: "x"}, met: unmet},
		})
		c.want(keyA, false)
		v.contains(100)
		other.contains(8)
		c.check(t, "one of three", 1, nil, nil)
		v.lost(Key{Namespace: "n", Name: "y"})
		v.lost(Key{Namespace: "n", Name: "x"})
		c.check(t, "two of three", 1, nil, nil)
		other.contains(9)
		c.check(t, "all", 0, []Key{keyA}, nil)
	})
}

// A key is never parked for ever, and the others' times are their own.
func TestHoldIsGivenUpAfterItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newHeldCase(10 * time.Second)
		defer c.stop()
		v := c.newView()
		c.hold(keyA, []demand{{view: v, version: 7, met: unmet}})
		c.want(keyA, false)
		time.Sleep(4 * time.Second)
		c.hold(keyB, []demand{{view: v, object: keyB, met: unmet}})
		time.Sleep(6*time.Second - 1)
		synctest.Wait()
		c.check(t, "just before", 2, nil, nil)
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		c.check(t, "the first is over", 1, []Key{keyA}, []Key{keyA})
		time.Sleep(4 * time.Second)
		synctest.Wait()
		c.check(t, "the second, which nobody wants, too", 0, []Key{keyA}, []Key{keyA, keyB})

		// The timer starts again from nothing, and nothing of the old holds is left.
		c.hold(keyB, []demand{{view: v, version: 9, met: unmet}})
		time.Sleep(10 * time.Second)
		synctest.Wait()
		c.check(t, "the third", 0, []Key{keyA}, []Key{keyA, keyB, keyB})
		if len(v.versions) != 0 || len(v.gone) != 0 {
			t.Errorf("the view still knows %d versions and %d objects", len(v.versions), len(v.gone))
		}
	})
}

func TestStoppedHoldsHoldNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newHeldCase(time.Second)
		v := c.newView()
		c.hold(keyA, []demand{{view: v, version: 7, met: unmet}})
		c.want(keyA, false)
		c.stop()
		c.hold(keyB, []demand{{view: v, version: 7, met: unmet}})
		v.contains(7)
		time.Sleep(time.Minute)
		synctest.Wait()
		c.check(t, "stopped", 0, nil, nil)
	})
}

// Against a model: whatever the order of writes, views moving and time passing, a
// key is held exactly as long as something it waits for was not shown, no longer
// than the timeout, and nothing stays behind.
func TestHoldsFollowTheModel(t *testing.T) {
	type modelled struct {
		until    time.Time
		versions map[uint64]bool
		objects  map[Key]bool
	}
	synctest.Test(t, func(t *testing.T) {
		random := rand.New(rand.NewPCG(1, 2))
		c := newHeldCase(10 * time.Second)
		defer c.stop()
		v := c.newView()
		model := map[Key]*modelled{}
		shown := uint64(0)
		key := func() Key { return Key{Namespace: "n", Name: fmt.Sprint(random.IntN(20))} }
		for step := range 20000 {
			switch random.IntN(4) {
			case 0:
				k := key()
				if model[k] != nil {
					break // the worker does not reconcile a held key
				}
				m := &modelled{time.Now().Add(10 * time.Second), map[uint64]bool{}, map[Key]bool{}}
				var demands []demand
				for range random.IntN(3) {
					version := shown + random.Uint64N(10) + 1
					m.versions[version] = true
					demands = append(demands, demand{view: v, version: version, met: unmet})
				}
				for range random.IntN(3) {
					object := key()
					m.objects[object] = true
					demands = append(demands, demand{view: v, object: object, met: unmet})
				}
				c.hold(k, demands)
				if len(demands) > 0 {
					model[k] = m
				}
			case 1:
				shown += random.Uint64N(4)
				v.contains(shown)
				for _, m := range model {
					for version := range m.versions {
						if version <= shown {
							delete(m.versions, version)
						}
					}
				}
			case 2:
				object := key()
				v.lost(object)
				for _, m := range model {
					delete(m.objects, object)
				}
			case 3:
				time.Sleep(time.Duration(random.IntN(3)) * time.Second)
				synctest.Wait()
			}
			for k, m := range model {
				if len(m.versions)+len(m.objects) == 0 || !time.Now().Before(m.until) {
					delete(model, k)
				}
			}
			if c.len() != len(model) {
				t.Fatalf("step %d: %d keys held, the model has %d", step, c.len(), len(model))
			}
		}
		c.stop()
		if len(v.versions) != 0 || len(v.gone) != 0 {
			t.Errorf("the view still knows %d versions and %d objects", len(v.versions), len(v.gone))
		}
	})
}

// stop returns when the reports of the holds that have expired are made.
func TestStopWaitsForTheReportsOfExpiredHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const long = time.Hour
		var reported, released int
		var h *holds
		h = newHolds(time.Minute,
			func(any, bool) { released++ },
			func(any, time.Duration) { time.Sleep(long); reported++; h.len() })
		v := h.newView()
		h.hold(keyA, []demand{{view: v, version: 7, met: unmet}})
		h.want(keyA, false)
		time.Sleep(time.Minute)
		synctest.Wait()
		begin := time.Now()
		h.stop()
		if took := time.Since(begin); took != long || reported != 1 || released != 1 {
			t.Errorf("stop returned after %v with %d reports and %d releases, want %v, 1 and 1", took, reported, released, long)
		}
		h.expire() // by a timer that fired before stop
		if reported != 1 {
			t.Error("an expiry was reported after stop")
		}
	})
}
