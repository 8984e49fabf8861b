package workqueue

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
	"unsafe"
)

// The wall clock cannot be set in a test. What can be seen is that instants are
// measured from a time with a monotonic reading, by which time.Since then goes.
func TestInstantsAreMonotonic(t *testing.T) {
	q := New[string]()
	if !strings.Contains(q.epoch.String(), " m=") {
		t.Errorf("the epoch %v has no monotonic reading", q.epoch)
	}
}

// Two workers find the queue empty; before either waits, two keys are added. The
// two wake-ups are one token by then, so the worker that gets it must pass it on.
func TestWhoTakesAKeyPassesTheWakeUpOn(t *testing.T) {
	q := New[string]()
	q.Add("a")
	q.Add("b")
	<-q.ready // the first worker
	if _, _, err := q.take(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-q.ready: // the second
	default:
		t.Error("nobody is woken for the second key")
	}
}

func TestWhileKeysAreMovedNoOtherMoveStarts(t *testing.T) {
	q := New[string]()
	q.moving = true // as it is between two batches
	q.AddAfter("a", time.Nanosecond)
	if q.timer != nil {
		t.Error("the timer was armed")
	}
	for q.now() < time.Microsecond { // until it is due
	}
	q.moveDue() // by a timer that was armed before
	if n := q.Len(); n != 0 {
		t.Errorf("a second mover moved %d keys", n)
	}

	q.moving = false
	q.moveDue()
	if n := q.Len(); n != 1 || q.moving {
		t.Errorf("%d keys moved, want 1; still moving: %v", n, q.moving)
	}
}

func TestDelaysComeInOrderOfDueThenOfAdd(t *testing.T) {
	type want struct {
		key int
		due time.Duration
		seq int
	}
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 0))
		var d delays[int]
		model := map[int]want{}
		seq := 0
		for range 300 {
			key, due := r.IntN(60), time.Duration(r.IntN(40))
			if r.IntN(4) > 0 {
				seq++
				if w, ok := model[key]; !ok || due < w.due {
					model[key] = want{key, due, seq}
				}
				d.add(key, due, false)
				if first, ok := d.next(); !ok || first > due {
					t.Fatalf("seed %d: next is %d with one due at %d", seed, first, due)
				}
				continue
			}
			var order []want
			for _, w := range model {
				order = append(order, w)
			}
			slices.SortFunc(order, func(a, b want) int {
				return cmp.Or(cmp.Compare(a.due, b.due), cmp.Compare(a.seq, b.seq))
			})
			key, _, ok := d.takeDue(due)
			if len(order) == 0 || order[0].due > due {
				if ok {
					t.Fatalf("seed %d: took %d, none is due", seed, key)
				}
				continue
			}
			if !ok || key != order[0].key {
				t.Fatalf("seed %d: took %d %v, want %d", seed, key, ok, order[0].key)
			}
			delete(model, key)
		}
		if d.len() != len(model) || d.places.len() != len(model) {
			t.Fatalf("seed %d: %d in the heap, %d places, want %d", seed, d.len(), d.places.len(), len(model))
		}
	}
}

func TestDelaysSayWhenTheTimerMustMoveForward(t *testing.T) {
	var d delays[string]
	for _, step := range []struct {
		key   string
		due   time.Duration
		first bool
	}{
		{"a", 50, true},
		{"b", 60, false},
		{"b", 50, false}, // as early as a, which is armed for
		{"b", 40, true},
		{"b", 45, false},
		{"c", 10, true},
	} {
		if first := d.add(step.key, step.due, false); first != step.first {
			t.Errorf("add(%s, %d) says first %v, want %v", step.key, step.due, first, step.first)
		}
	}
}

func TestATableGivesMemoryBackAndLosesNothing(t *testing.T) {
	var table table[int, int]
	const n = 100 * shrinkFloor
	for i := range n {
		table.set(i, -i)
	}
	for i := range n - 10 {
		table.remove(i)
	}
	if table.len() != 10 || table.peak > shrinkFloor {
		t.Errorf("%d entries, room for %d: want 10 and at most %d", table.len(), table.peak, shrinkFloor)
	}
	for i := n - 10; i < n; i++ {
		if v, ok := table.get(i); !ok || v != -i {
			t.Errorf("entry %d is %d %v", i, v, ok)
		}
	}
	table.remove(-1) // never was there
	if table.len() != 10 {
		t.Error("removing nothing removed something")
	}
}

func TestAnEmptiedQueueHoldsNoKeys(t *testing.T) {
	q := New[int]()
	const n = 50 * shrinkFloor
	for i := range n {
		q.Add(i)
		q.delays.add(i, time.Duration(i+1), false)
	}
	for range n {
		key, err := q.Get(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		q.Done(key)
		q.delays.takeDue(n)
	}
	if room := q.line.entries.peak; room > shrinkFloor {
		t.Errorf("the line keeps room for %d keys", room)
	}
	if room := cap(q.delays.heap); room > shrinkFloor {
		t.Errorf("the heap keeps room for %d keys", room)
	}
	spare := q.line.spare.Len()
	if spare > maxSpare {
		t.Errorf("%d recycled elements, at most %d allowed", spare, maxSpare)
	}
	for range spare {
		e := q.line.spare.Front()
		if e.Value != (entry[int]{}) {
			t.Fatalf("a recycled element holds %+v", e.Value)
		}
		q.line.spare.Remove(e)
	}
}

func TestAForgottenStormLeavesNoRoomInTheLimiter(t *testing.T) {
	limiter := Exponential[int](time.Second, time.Second).(*exponential[int])
	for i := range 50 * shrinkFloor {
		limiter.When(i)
	}
	for i := range 50 * shrinkFloor {
		limiter.Forget(i)
	}
	if limiter.failures.len() != 0 || limiter.failures.peak > shrinkFloor {
		t.Errorf("%d keys remembered, room for %d", limiter.failures.len(), limiter.failures.peak)
	}
}

func TestStatsSurviveAWrappedSum(t *testing.T) {
	var l line[int]
	const years = 100 * 365 * 24 * time.Hour
	for key := range 1000 {
		l.add(key, false, years)
		l.take(years)
	}
	if sum, longest := l.unfinished(years + time.Second); sum != 1000*time.Second || longest != time.Second {
		t.Errorf("sum %v, longest %v, want 1000s and 1s", sum, longest)
	}
}

// A priority is a byte where there was room: a queue without WithPriority pays nothing for it.
func TestAPriorityMakesNoEntryLarger(t *testing.T) {
	const word = unsafe.Sizeof(time.Duration(0))
	// The key, a word for the phase, and two instants.
	if got, want := unsafe.Sizeof(entry[Key]{}), unsafe.Sizeof(Key{})+3*word; got != want {
		t.Errorf("an entry has %d bytes, want %d", got, want)
	}
}

// Without WithPriority and Latency, Add does not read the clock.
func TestTheClockIsReadForWhatNeedsIt(t *testing.T) {
	for _, tt := range []struct {
		opts []Option
		read bool
	}{
		{nil, false},
		{[]Option{WithPriority(-1)}, false},
		{[]Option{WithPriority(0)}, true},
		{[]Option{WithMetrics(Metrics{Latency: func(time.Duration) {}})}, true},
	} {
		q := New[string](tt.opts...)
		for q.now() == 0 {
		}
		q.Add("a")
		if e, _ := q.line.entries.get("a"); (e.Value.added != 0) != tt.read {
			t.Errorf("with %d options the clock is read: %v", len(tt.opts), !tt.read)
		}
	}
}
