package informer

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skiff-k8s/skiff/wire"
)

// An arena goes back as soon as nobody looks at it: when the next one is at work, and when there is
// nothing to do for a while; but not while the reflector has put an object into it that it has not
// pushed yet.
func TestArenasGoBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		idle := 0
		rest := func(f *deltaFIFO) {
			t.Helper()
			before := idle
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			defer cancel()
			if _, err := f.pop(ctx, nil, func() { idle++ }); !errors.Is(err, context.DeadlineExceeded) {
				t.Fatal("there was something to pop")
			}
			if idle != before+1 {
				t.Errorf("the other side was told %d times that there is nothing to do", idle-before)
			}
		}
		push := func(f *deltaFIFO) {
			t.Helper()
			if err := f.push(t.Context(), delta{kind: deltaSet}); err != nil {
				t.Fatal(err)
			}
		}
		pop := func(f *deltaFIFO) {
			t.Helper()
			batch, err := f.pop(t.Context(), nil, nil)
			if err != nil || len(batch) == 0 {
				t.Fatal(batch, err)
			}
			f.recycle(batch)
		}

		f := newDeltaFIFO()
		rest(f)
		first := f.arena()
		rest(f)
		if f.filling != first {
			t.Fatal("the arena is gone, with an object in it that the reflector has")
		}
		push(f)
		if again := f.arena(); again != first {
			t.Fatal("the arena is full after one object")
		}
		push(f)
		pop(f)
		if f.emptying != first {
			t.Fatal("an arena that may get more objects went back")
		}
		next := wire.NewArena(arenaBytes)
		f.reading, f.filling = true, next
		push(f)
		pop(f)
		if f.emptying != next {
			t.Error("the arena before is still held")
		}
		rest(f)
		if f.filling != nil || f.emptying != nil || f.queue != nil {
			t.Errorf("a FIFO with nothing to do holds memory: %+v", f)
		}
		push(f) // what has no object, such as the beginning of a list
		f.arena()
		push(f)
		pop(f)
		rest(f)
	})
}

// Between the pieces of a flood there is nothing to do for moments; what it works in stays.
func TestAFloodIsNoRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newDeltaFIFO()
		const events = 100
		go func() {
			for range events {
				time.Sleep(restAfter - 1)
				f.arena()
				if err := f.push(t.Context(), delta{kind: deltaSet}); err != nil {
					t.Error(err)
				}
			}
		}()
		var batch []delta
		var first *wire.Arena
		for range events {
			var err error
			if batch, err = f.pop(t.Context(), batch, func() { t.Error("rest") }); err != nil {
				t.Fatal(err)
			}
			f.recycle(batch)
			if first == nil {
				first = f.filling
			}
			if f.filling != first {
				t.Fatal("the arena went back")
			}
		}
	})
}
