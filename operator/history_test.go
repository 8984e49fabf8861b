package operator

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/controller"
	"github.com/skiff-k8s/skiff/kind"
)

// The last 64 steps of a key are kept, in order.
func TestAHistoryHasItsLastSteps(t *testing.T) {
	for _, n := range []int{1, maxSteps - 1, maxSteps, maxSteps + 1, 2*maxSteps + 5} {
		h := newHistories()
		for i := range n {
			h.add("c", "k", nil, Step{What: fmt.Sprint(i)})
		}
		steps, ok := h.of("c", "k")
		first := max(0, n-maxSteps)
		if !ok || len(steps) != n-first || steps[0].What != fmt.Sprint(first) || steps[len(steps)-1].What != fmt.Sprint(n-1) {
			t.Errorf("after %d steps the history is %v", n, steps)
		}
		if moved, _ := h.moved(1); moved[0].What != fmt.Sprint(n-1) {
			t.Errorf("after %d steps the last is %v", n, moved)
		}
	}
}

// The 1,000 keys that moved last have a history.
func TestTheKeysThatMovedLastHaveAHistory(t *testing.T) {
	h := newHistories()
	for i := range maxKeys {
		h.add("c", i, nil, Step{What: "queued"})
	}
	h.add("c", 0, nil, Step{What: "queued"}) // moves again
	if _, ok := h.of("c", "1"); !ok {
		t.Errorf("of %d keys one has no history", maxKeys)
	}
	h.add("other", 0, nil, Step{What: "queued"})
	_, first := h.of("c", "0")
	_, second := h.of("c", "1")
	_, third := h.of("c", "2")
	if !first || second || !third || h.order.Len() != maxKeys || len(h.byKey) != maxKeys {
		t.Errorf("after one more key: %v %v %v, and %d keys", first, second, third, h.order.Len())
	}
	moved, _ := h.moved(2)
	if len(moved) != 2 || moved[0].Controller != "other" || moved[1].Key != "0" {
		t.Errorf("moved last: %v", moved)
	}
}

func TestWhatAHistoryTells(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHistories()
		o := h.observer("c", false)
		key := controller.Key{Namespace: "a", Name: "b"}
		o.Named(key, controller.Cause{Source: "Owns", Change: "updated", Informer: "pods", Object: "a/p"})
		_, end := o.Reconcile(t.Context(), key)
		next := time.Now().Add(time.Minute)
		end(controller.Outcome{Duration: 1500 * time.Millisecond, Next: controller.NextRequeue, NextAt: next, Writes: []client.Write{
			{Kind: kind.Info{Version: "v1", Resource: "secrets"}, Namespace: "a", Name: "s"},
			{Kind: kind.Info{Group: "apps", Version: "v1", Resource: "deployments"}, Name: "d", Fields: "spec.replicas"},
			{Kind: kind.Info{Group: "apps", Version: "v1", Resource: "deployments"}, Name: "d", Deleted: true},
		}})
		o.Held(key)
		if _, held := h.moved(9); len(held["c"]) != 1 || held["c"][0] != "a/b" {
			t.Errorf("held: %v", held)
		}
		o.Released(key, controller.Hold{Duration: time.Second, Seen: true})
		o.Released(key, controller.Hold{Duration: 10 * time.Second})
		if _, held := h.moved(9); len(held) != 0 {
			t.Errorf("held after that: %v", held)
		}
		_, end = o.Reconcile(t.Context(), key)
		end(controller.Outcome{Err: errors.New("broken"), Next: controller.NextGivenUp})
		var got []string
		steps, _ := h.of("c", "a/b")
		for _, s := range steps {
			got = append(got, strings.TrimSuffix(fmt.Sprintf("%s | %s | %s%v", s.What, s.Why, s.Fields, s.Took), " | 0"))
		}
		want := []string{
			"queued | Owns: a/p of pods updated", "reconciling | ",
			"wrote | secrets a/s", "wrote | deployments.apps d | spec.replicas0", "deleted | deployments.apps d", "reconciled | next: requeue | 1500",
			"held | the caches have not seen what its last reconcile wrote",
			"released | the caches have seen its writes | 1000",
			"released | the write timeout is over, and the caches have not seen its writes | 10000",
			"reconciling | ", "failed | next: given up; broken",
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("the history is\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		if steps[5].Next == nil || !steps[5].Next.Equal(next) {
			t.Errorf("the next time is %v", steps[5].Next)
		}
	})
}

// A reconcile of many writes leaves room for what was before, and a long error is cut.
func TestAHistoryIsBounded(t *testing.T) {
	h := newHistories()
	h.add("c", "k", nil, Step{What: "queued"})
	h.ended("c", "k", controller.Outcome{Writes: make([]client.Write, 100), Err: errors.New(strings.Repeat("x", 10_000))}, false)
	steps, _ := h.of("c", "k")
	if len(steps) != 1+maxSteps/2+1+1 || steps[0].What != "queued" || steps[len(steps)-2].Why != "68 more objects" {
		t.Errorf("%d steps: %v", len(steps), steps)
	}
	if n := len(steps[len(steps)-1].Why); n > maxText+len("…") {
		t.Errorf("an error has %d bytes", n)
	}
}

func TestTextsAreCut(t *testing.T) {
	for n, want := range map[int]string{
		0: "", maxText - 1: strings.Repeat("x", maxText-1), maxText: strings.Repeat("x", maxText), maxText + 1: strings.Repeat("x", maxText) + "…",
	} {
		if got := short(strings.Repeat("x", n)); got != want {
			t.Errorf("%d bytes are cut to %d: %q", n, len(got), got)
		}
	}
	// Not within a character.
	if got, want := short("x"+strings.Repeat("é", maxText)), "x"+strings.Repeat("é", (maxText-1)/2)+"…"; got != want {
		t.Errorf("wide characters are cut to %q", got)
	}
	// A key of NewKeyed may be as long as it likes, and is found all the same.
	h := newHistories()
	key := strings.Repeat("k", 10*maxText)
	h.add("c", key, nil, Step{What: "queued"})
	if steps, ok := h.of("c", key); !ok || len(steps) != 1 {
		t.Errorf("a long key has the history %v", steps)
	}
	if moved, _ := h.moved(1); len(moved[0].Key) != maxText+len("…") {
		t.Errorf("a long key is %q", moved[0].Key)
	}
}

// All histories together have so many bytes: beyond that the keys that moved least recently lose theirs.
func TestHistoriesAreBoundedInBytes(t *testing.T) {
	h := newHistories()
	step := Step{What: "failed", Why: strings.Repeat("x", maxText), Fields: strings.Repeat("y", 1000)}
	fit := maxBytes / (stepBytes + maxText + 1000)
	if fit < 2*maxSteps || fit/maxSteps >= maxKeys {
		t.Fatalf("%d steps fit: this test does not test the bound", fit)
	}
	add := func(i int) { h.add("c", i/maxSteps, nil, step) }
	for i := range fit - 1 {
		add(i)
	}
	for i := fit - 1; i < fit; i++ { // at the bound
		if add(i); h.bytes > maxBytes {
			t.Errorf("after %d steps the histories have %d bytes of %d", i+1, h.bytes, maxBytes)
		}
		if _, ok := h.of("c", "0"); !ok {
			t.Errorf("after %d steps of %d the first key has no history", i+1, fit)
		}
	}
	add(fit)
	_, first := h.of("c", "0")
	_, second := h.of("c", "1")
	if first || !second || h.bytes > maxBytes {
		t.Errorf("beyond the bound: %v %v, %d bytes of %d", first, second, h.bytes, maxBytes)
	}
	// What is dropped and overwritten is not counted.
	for i := range 3 * fit {
		add(i)
	}
	sum := 0
	for e := h.order.Front(); e != nil; e = e.Next() {
		for _, s := range e.Value.(*history).steps {
			sum += s.bytes()
		}
	}
	if h.bytes != sum || len(h.byKey) != h.order.Len() {
		t.Errorf("it counts %d bytes of %d, and %d keys of %d", h.bytes, sum, len(h.byKey), h.order.Len())
	}
}

func TestPercentiles(t *testing.T) {
	var d durations
	for i := range maxDurations + 100 { // the first 100 are gone
		d.add(time.Duration(i+1) * time.Millisecond)
	}
	if p50, p99 := d.percentile(50), d.percentile(99); p50 != 600 || p99 != 1090 {
		t.Errorf("of 101 to 1100: p50 %v, p99 %v", p50, p99)
	}
	one := durations{all: []time.Duration{time.Second}}
	if one.percentile(50) != 1000 || one.percentile(99) != 1000 {
		t.Errorf("of one: %v", one.percentile(50))
	}
}

// A controller that is paused shows so, and not that it works.
func TestTheStateOfAPausedController(t *testing.T) {
	c := controller.New("c", func(context.Context, controller.Key) (controller.Result, error) {
		return controller.Result{}, nil
	})
	if controllerState(c).Paused {
		t.Error("it is paused from the beginning")
	}
	c.Pause()
	if !controllerState(c).Paused {
		t.Error("it is not shown that it is paused")
	}
}
