package informer

import (
	"context"
	"errors"
	"testing"

	"github.com/skiff-k8s/skiff/wire"
)

// An arena goes back as soon as nobody looks at it: when the next one is at work, and when there is
// nothing to do; but not while the reflector has put an object into it that it has not pushed yet.
func TestArenasGoBack(t *testing.T) {
	ctx, done := context.WithCancel(t.Context())
	done() // so that pop, instead of waiting, says that it would
	idle := 0
	rest := func(f *deltaFIFO) {
		t.Helper()
		if _, err := f.pop(ctx, nil, func() { idle++ }); !errors.Is(err, context.Canceled) {
			t.Fatal("there was something to pop")
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
	if idle != 3 {
		t.Errorf("the other side was told %d times that there is nothing to do", idle)
	}
	push(f) // what has no object, such as the beginning of a list
	f.arena()
	push(f)
	pop(f)
	rest(f)
}
