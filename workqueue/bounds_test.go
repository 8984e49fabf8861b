package workqueue

import (
	"testing"
	"time"
)

// The figures that the documentation has.
func TestTheDefaults(t *testing.T) {
	if DefaultBaseDelay != 5*time.Millisecond || DefaultMaxDelay != 1000*time.Second || DefaultQPS != 10 || DefaultBurst != 100 {
		t.Error("the defaults are not the field's")
	}
	if ControllerQPS != 1500 || ControllerBurst != 100 || ControllerPause != time.Second {
		t.Error("the controller's defaults are not those that were measured")
	}
}

// 32 due keys are moved at once, so that others get the lock in between.
func TestTheBoundOfABatch(t *testing.T) {
	for keys, more := range map[int]bool{31: false, 32: true, 33: true} {
		q := New[int]()
		for key := range keys {
			q.delays.add(key, 0, false)
		}
		q.moving = true
		if added, again := q.moveSome(); added != min(keys, 32) || again != more {
			t.Errorf("of %d keys %d are moved at once; there are more: %v", keys, added, again)
		}
	}
}

// Up to a quarter of a wait is left out at random, and no more.
func TestTheBoundOfWhatIsLeftOut(t *testing.T) {
	r := ControllerRateLimiter[int]().(*controllerLimiter[int])
	least := time.Hour
	for range 5000 {
		wait := r.whenOwn(1)
		if wait < DefaultBaseDelay*3/4 || wait > DefaultBaseDelay {
			t.Fatalf("a first failure waits %v", wait)
		}
		least = min(least, wait)
		r.Forget(1)
	}
	if least > DefaultBaseDelay*77/100 {
		t.Errorf("of 5000 waits the least is %v: a quarter may be left out", least)
	}
}

// The limit is kept where it is not a multiple of the base, and where it is.
func TestTheBoundOfDoubling(t *testing.T) {
	for limit, waits := range map[time.Duration][]time.Duration{
		9: {5, 9, 9}, 10: {5, 10, 10}, 11: {5, 10, 11}, 19: {5, 10, 19}, 20: {5, 10, 20, 20}, 21: {5, 10, 20, 21},
	} {
		r := Exponential[int](5, limit)
		for i, want := range waits {
			if wait := r.When(1); wait != want {
				t.Errorf("failure %d up to %d waits %d, not %d", i+1, limit, wait, want)
			}
		}
	}
}

func TestABucketKeepsNothingOfAKey(t *testing.T) {
	r := Bucket[int](1, 1)
	r.When(1)
	r.When(1)
	if n := r.NumRequeues(1); n != 0 {
		t.Errorf("a bucket counts %d failures", n)
	}
	if wait := r.(shared[int]).whenOwn(1); wait != 0 {
		t.Errorf("a key of a bucket waits %v for itself", wait)
	}
}

// A worker that takes the last key leaves no token, which would wake another one for nothing.
func TestTheLastKeyLeavesNoToken(t *testing.T) {
	q := New[string]()
	q.Add("a")
	<-q.ready
	if _, _, err := q.take(); err != nil {
		t.Fatal(err)
	}
	q.Done("a")
	select {
	case <-q.ready:
		t.Error("a worker is woken, and no key is queued")
	default:
	}
}

// A line keeps 256 elements of keys that are done, for the next ones.
func TestTheBoundOfSpareElements(t *testing.T) {
	for keys, want := range map[int]int{255: 255, 256: 256, 257: 256, 1000: 256} {
		var l line[int]
		for key := range keys {
			l.add(key, false, 0)
			l.take(0)
		}
		for key := range keys {
			l.finish(key, 0)
		}
		if n := l.spare.Len(); n != want {
			t.Errorf("after %d keys %d elements are kept, not %d", keys, n, want)
		}
	}
}

// A table that had 1024 keys or more moves to a smaller map when an eighth of them is left.
func TestTheBoundsOfShrinkingTables(t *testing.T) {
	for _, c := range []struct {
		peak, left int
		shrinks    bool
	}{
		{1023, 1, false}, {1024, 129, false}, {1024, 128, true}, {1025, 129, false}, {1025, 128, true},
		{2000, 251, false}, {2000, 250, true},
	} {
		var table table[int, int]
		for i := range c.peak {
			table.set(i, i)
		}
		for i := c.peak - 1; i >= c.left; i-- {
			table.remove(i)
		}
		if shrunk := table.peak != c.peak; shrunk != c.shrinks || table.len() != c.left {
			t.Errorf("of %d keys %d are left: the table shrank: %v", c.peak, c.left, shrunk)
		}
	}
}

// So does the heap of delays, by its capacity: above 1024.
func TestTheBoundsOfShrinkingDelays(t *testing.T) {
	for _, c := range []struct {
		room, left int
		shrinks    bool
	}{
		{1024, 128, false}, {1024, 1, false}, {1025, 129, false}, {1025, 128, true}, {1025, 127, true},
		{2000, 251, false}, {2000, 250, true},
	} {
		var d delays[int]
		d.heap = make(delayHeap[int], 0, c.room)
		for key := range c.left + 1 {
			d.add(key, 0, false)
		}
		if _, _, ok := d.takeDue(0); !ok || d.len() != c.left {
			t.Fatal("no key was due")
		}
		if shrunk := cap(d.heap) < c.room; shrunk != c.shrinks {
			t.Errorf("%d delays are left in room for %d: it shrank: %v", c.left, c.room, shrunk)
		}
	}
}
