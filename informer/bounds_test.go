package informer

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/skiff-k8s/skiff/wire"
)

// The figures that the comments and the documents have. The other tests go to them, below them and
// above them by their names.
func TestTheFigures(t *testing.T) {
	for name, c := range map[string]struct{ is, want time.Duration }{
		"backoffBase":   {backoffBase, 800 * time.Millisecond},
		"maxUnanswered": {maxUnanswered, 4 * time.Second},
		"maxAnswered":   {maxAnswered, 30 * time.Second},
		"maxRetryAfter": {maxRetryAfter, time.Minute},
		"stableAfter":   {stableAfter, 30 * time.Second},
		"answerWithin":  {answerWithin, 30 * time.Second},
		"listSilence":   {listSilence, 90 * time.Second},
		"listBound":     {listBound, 10 * time.Minute},
		"endSilence":    {endSilence, 20 * time.Second},
		"streamBound":   {streamBound, time.Minute},
		"objectBound":   {objectBound, time.Millisecond},
		"pollEvery":     {pollEvery, 2 * time.Minute},
		"noStreamFor":   {noStreamFor, 30 * time.Minute},
		"minWatch":      {minWatch, 5 * time.Minute},
		"maxWatch":      {maxWatch, 10 * time.Minute},
		"watchSlack":    {watchSlack, 30 * time.Second},
		"healthyAfter":  {healthyAfter, 5 * time.Second},
		"shortWatch":    {shortWatch, 4 * time.Second},
		"askTimeout":    {askTimeout, 10 * time.Second},
		"patience":      {patience, time.Second},
		"askAgain":      {askAgain, 5 * time.Second},
		"maxAskAgain":   {maxAskAgain, time.Minute},
		"restAfter":     {restAfter, 10 * time.Millisecond},
		"maxCutShort":   {maxCutShort, 3},
		"maxTries":      {maxTries, 5},
		"maxRefusals":   {maxRefusals, 6},
		"maxEmptyPages": {maxEmptyPages, 10},
		"ticks":         {ticks, 4},
		"maxFIFOBytes":  {maxFIFOBytes, 1 << 20},
		"deltaBytes":    {deltaBytes, 256},
	} {
		if c.is != c.want {
			t.Errorf("%s is %d (%v), not %d (%v)", name, c.is, c.is, c.want, c.want)
		}
	}
}

// The reflector waits from a mebibyte of deltas on. Each counts with 256 bytes beside its data.
func TestTheBoundOfTheFIFO(t *testing.T) {
	for bytes, room := range map[int]bool{1<<20 - 1: true, 1 << 20: false, 1<<20 + 1: false} {
		f := newDeltaFIFO()
		f.bytes = bytes
		d := delta{kind: deltaSet, object: wire.Object{Data: make([]byte, 1000)}}
		if f.offer(d) != room {
			t.Errorf("with %d bytes there is room: %v", bytes, !room)
		}
		if room && f.bytes != bytes+256+1000 {
			t.Errorf("a delta of 1000 bytes counts as %d", f.bytes-bytes)
		}
	}
	// It is empty again when the consumer has taken all.
	f := newDeltaFIFO()
	f.offer(delta{kind: deltaSet})
	f.offer(delta{kind: deltaSet})
	if batch := f.take(nil); len(batch) != 2 || f.bytes != 0 || len(f.ready) != 0 || len(f.room) != 1 {
		t.Errorf("%d deltas were taken, and %d bytes are left", len(batch), f.bytes)
	}
	// It gives nothing back while there is a delta.
	f.offer(delta{kind: deltaSet})
	if f.rest(); len(f.queue) != 1 {
		t.Error("a delta is gone")
	}
	f.take(nil)
	if f.take(nil) != nil {
		t.Error("an empty queue has a batch")
	}
}

// The consumer is idle after ten milliseconds without a delta, and not before.
func TestTheBoundOfRest(t *testing.T) {
	for after, idle := range map[time.Duration]bool{restAfter - 1: false, restAfter + 1: true} {
		synctest.Test(t, func(t *testing.T) {
			f := newDeltaFIFO()
			ctx, cancel := context.WithTimeoutCause(t.Context(), time.Minute, errors.New("over"))
			defer cancel()
			time.AfterFunc(after, func() { f.offer(delta{kind: deltaSet}) })
			called := false
			if _, err := f.pop(ctx, nil, func() { called = true }); err != nil || called != idle {
				t.Errorf("a delta after %v: idle %v, %v", after, called, err)
			}
		})
	}
}

// A pause doubles from 0.8 s on, is spread up to twice that, and has a limit of its own where the
// server does not answer. The two counts do not disturb each other.
func TestTheBoundsOfPauses(t *testing.T) {
	failed := errors.New("failed")
	for name, c := range map[string]struct {
		answer answer
		pauses []time.Duration // in milliseconds, before they are spread
	}{
		"no answer": {unanswered, []time.Duration{800, 1600, 3200, 4000, 4000}},
		"an answer": {busy, []time.Duration{800, 1600, 3200, 6400, 12800, 25600, 30000, 30000}},
	} {
		least, most := make([]time.Duration, len(c.pauses)), make([]time.Duration, len(c.pauses))
		for range 400 {
			b := &backoff{}
			for i := range c.pauses {
				pause := b.next(c.answer, failed)
				if least[i] == 0 || pause < least[i] {
					least[i] = pause
				}
				most[i] = max(most[i], pause)
			}
			if b.answered+b.unanswered != len(c.pauses) {
				t.Fatalf("%s: counted %+v", name, *b)
			}
			if b.answered*b.unanswered != 0 {
				t.Fatalf("%s: counted for the other: %+v", name, *b)
			}
			if b.reset(); *b != (backoff{}) {
				t.Fatal("a reset leaves something")
			}
		}
		for i, d := range c.pauses {
			d *= time.Millisecond
			if least[i] < d || least[i] > d*11/10 || most[i] >= 2*d || most[i] < d*19/10 {
				t.Errorf("%s: pause %d is %v to %v, want %v to %v", name, i+1, least[i], most[i], d, 2*d)
			}
		}
	}
	b := &backoff{answered: 1 << 40, unanswered: 1 << 40}
	if p := b.next(busy, failed); p < maxAnswered || p >= 2*maxAnswered {
		t.Errorf("after very many failures the pause is %v", p)
	}
}

// What the server asks for is waited for, with up to a fifth more, and a minute at most. More than
// a minute becomes a minute less up to a sixth.
func TestTheBoundsOfRetryAfter(t *testing.T) {
	for seconds, c := range map[int]struct{ least, most time.Duration }{
		-1: {0, 0}, 0: {0, 0}, 1: {time.Second, 1200 * time.Millisecond}, 10: {10 * time.Second, 12 * time.Second},
		50: {50 * time.Second, time.Minute}, 59: {59 * time.Second, time.Minute}, 60: {time.Minute, time.Minute},
		61: {50 * time.Second, time.Minute}, 86400: {50 * time.Second, time.Minute},
	} {
		err := apierrors.NewTooManyRequests("later", seconds)
		least, most := time.Hour, time.Duration(0)
		for range 2000 {
			d := retryAfter(err)
			least, most = min(least, d), max(most, d)
		}
		slack := (c.most - c.least) / 50
		if least < c.least || least > c.least+slack || most > c.most || most < c.most-slack {
			t.Errorf("Retry-After %d: %v to %v, want %v to %v", seconds, least, most, c.least, c.most)
		}
	}
	if d := retryAfter(apierrors.NewServerTimeout(schema.GroupResource{}, "get", 0)); d != 0 {
		t.Errorf("a time-out without Retry-After asks for %v", d)
	}
	for _, err := range []error{nil, errors.New("failed"), apierrors.NewNotFound(schema.GroupResource{}, "x")} {
		if d := retryAfter(err); d != 0 {
			t.Errorf("%v asks for %v", err, d)
		}
	}
	// It is the pause where it is longer than the doubled one.
	if d := (&backoff{}).next(busy, apierrors.NewTooManyRequests("later", 60)); d != time.Minute {
		t.Errorf("the pause is %v", d)
	}
}

// A watchdog ends a request at the bound of a silence, or of all its time, and not before.
func TestTheBoundsOfAWatchdog(t *testing.T) {
	silent, late := errors.New("silent"), errors.New("late")
	l := limits{silence: 8 * time.Second, silent: silent, bound: 20 * time.Second, late: late}
	for name, c := range map[string]struct {
		wait     time.Duration // of each part
		progress bool
		end      time.Duration
		cause    error
	}{
		"silent":                     {time.Hour, false, 8 * time.Second, silent},
		"parts that are no progress": {3 * time.Second, false, 8 * time.Second, silent},
		"at the bound of silence":    {8 * time.Second, false, 8 * time.Second, silent},
		"just below it":              {8*time.Second - 1, true, 20*time.Second + 2*objectBound, late},
		"too slow in all":            {2500 * time.Millisecond, true, 20*time.Second + 8*objectBound, late},
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			w := newWatchdog(cancel, l)
			defer w.stop()
			began := time.Now()
			for ctx.Err() == nil {
				w.wait()
				select {
				case <-time.After(c.wait):
					w.heard(c.progress)
				case <-ctx.Done():
				}
				synctest.Wait()
			}
			if took := time.Since(began); took != c.end || context.Cause(ctx) != c.cause {
				t.Errorf("%s: ended after %v by %v, want %v by %v", name, took, context.Cause(ctx), c.end, c.cause)
			}
		})
	}
}

// Of a time in which the process stood still, a quarter of the silence counts.
func TestWhatCountsOfAPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWatchdog(func(error) {}, limits{silence: 8 * time.Second, bound: time.Hour})
		defer w.stop()
		w.wait()
		w.since = w.since.Add(-time.Hour)
		w.heard(false)
		if w.quiet != 2*time.Second || w.spent != 2*time.Second {
			t.Errorf("%v of silence count, and %v of all", w.quiet, w.spent)
		}
		w.wait()
		w.heard(true)
		if w.quiet != 0 || w.spent != 2*time.Second || w.bound != time.Hour+objectBound {
			t.Errorf("after progress %v of silence count, %v of all, and the bound is %v", w.quiet, w.spent, w.bound)
		}
	})
}

// A question that brings no answer is asked again after 5 s, then after twice as long, up to a
// minute.
func TestTheBoundsOfAskingAgain(t *testing.T) {
	for asks, want := range map[int]time.Duration{0: 5, 1: 5, 2: 10, 3: 20, 4: 40, 5: 60, 6: 60, 12: 60, 1 << 40: 60} {
		p := &progress{asks: asks}
		if pause := p.pause(); pause != want*time.Second {
			t.Errorf("question %d is followed by one after %v, not %d s", asks, pause, int(want))
		}
	}
}
