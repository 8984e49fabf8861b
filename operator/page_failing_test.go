package operator

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skiff-k8s/skiff/controller"
)

// The keys that fail are named, those that fail for the longest time first, until they succeed.
func TestTheKeysThatFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHistories()
		next := time.Now().Add(time.Hour)
		fail := func(c, key string, n int) {
			time.Sleep(time.Second)
			h.ended(c, key, controller.Outcome{Err: fmt.Errorf("broken %d", n), Next: controller.NextRetry, NextAt: next}, false)
		}
		began := time.Now()
		fail("c", "b", 1)
		fail("c", "a", 1)
		fail("d", "a", 1)
		fail("c", "b", 2)
		h.add("c", "b", nil, Step{What: "reconciling"})
		keys, count := h.failing(9, nil)
		if len(keys) != 3 || count["c"] != 2 || count["d"] != 1 || keys[0].Key != "b" || keys[1].Key != "a" || keys[1].Controller != "c" || keys[2].Controller != "d" {
			t.Fatalf("the keys that fail are %+v, %v", keys, count)
		}
		if k := keys[0]; k.Times != 2 || !k.Since.Equal(began.Add(time.Second)) || !k.At.Equal(began.Add(4*time.Second)) ||
			k.Why != "next: retry; broken 2" || !k.Next.Equal(next) {
			t.Errorf("the first is %+v", k)
		}
		if keys, count := h.failing(2, nil); len(keys) != 2 || count["d"] != 1 {
			t.Errorf("of 3 keys 2 are %+v, %v", keys, count)
		}
		h.ended("c", "b", controller.Outcome{}, false)
		if keys, count := h.failing(9, nil); len(keys) != 2 || count["c"] != 1 || keys[0].Key != "a" {
			t.Errorf("after a success they are %+v, %v", keys, count)
		}
		fail("c", "b", 3)
		if keys, _ := h.failing(9, nil); keys[2].Key != "b" || keys[2].Times != 1 {
			t.Errorf("after another failure they are %+v", keys)
		}
	})
}

// A resync that queues many keys does not take the histories of those that fail or are held.
func TestKeysThatFailKeepTheirHistories(t *testing.T) {
	for _, fails := range []int{1, maxKeys/2 - 1, maxKeys / 2, maxKeys/2 + 1, maxKeys + 1} {
		h := newHistories()
		for i := range fails {
			h.add("c", i, nil, Step{What: stepFailed})
		}
		for i := range 2 * maxKeys {
			h.add("c", -1-i, nil, Step{What: "queued"})
		}
		_, count := h.failing(9, nil)
		if want := min(fails, maxKeys/2-1); count["c"] != want {
			t.Errorf("of %d keys that fail %d have a history, want %d", fails, count["c"], want)
		}
		// And not the other way round: the last others have theirs.
		for i := range maxKeys / 2 {
			if _, ok := h.of("c", fmt.Sprint(i-2*maxKeys)); !ok {
				t.Fatalf("beside %d keys that fail the one that moved %d before the end has no history", fails, i)
			}
		}
		if h.order.Len() != maxKeys || len(h.byKey) != maxKeys {
			t.Errorf("%d keys have a history, and %d", h.order.Len(), len(h.byKey))
		}
	}
	h := newHistories()
	h.add("c", "held", func(k *history) { k.held = true }, Step{What: "held"})
	for i := range 2 * maxKeys {
		h.add("c", i, nil, Step{What: "queued"})
	}
	if _, held := h.moved(9); len(held["c"]) != 1 {
		t.Errorf("held: %v", held)
	}
	h.add("c", "held", func(k *history) { k.held = false }, Step{What: "released"})
	for i := range maxKeys {
		h.add("c", i, nil, Step{What: "queued"})
	}
	if _, ok := h.of("c", "held"); ok {
		t.Error("a key that is held no longer is kept")
	}
}

// Keys that fail are counted although they have no history any more, and fail since their first
// failure although their history is younger.
func TestKeysThatFailAndHaveNoHistory(t *testing.T) {
	now := time.Now()
	f := &failing{since: map[any]time.Time{}}
	c := controller.New("c", nil)
	m := &Metrics{failing: map[*controller.Controller]*failing{c: f}}
	key := controller.Key{Namespace: "a", Name: "b"}
	f.ended(key, controller.Outcome{Err: errors.New("bad")}, now.Add(-time.Hour))
	f.ended("gone", controller.Outcome{Err: errors.New("bad")}, now.Add(-time.Hour))
	h := newHistories()
	h.add("c", key, nil, Step{What: stepFailed})
	h.add("c", "terminal", nil, Step{What: stepFailed}) // which the metrics leave out
	keys, count := h.failing(9, m.failingSince([]*controller.Controller{c}))
	if count["c"] != 3 || len(keys) != 2 || keys[0].Key != "a/b" || !keys[0].Since.Equal(now.Add(-time.Hour)) || keys[1].Since.Before(now) {
		t.Errorf("the keys that fail are %v, %+v", count, keys)
	}
}
