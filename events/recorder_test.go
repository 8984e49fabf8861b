package events_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	appsv1 "k8s.io/api/apps/v1"
	eventsv1 "k8s.io/api/events/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/skiff-k8s/skiff/events"
	"github.com/skiff-k8s/skiff/faults"
)

// spoiled is a sink whose writes fail, or wait.
type spoiled struct {
	events.Fake
	mu    sync.Mutex
	err   error
	wait  chan struct{}
	calls int
}

func (s *spoiled) spoil(ctx context.Context) error {
	s.mu.Lock()
	s.calls++
	err, wait := s.err, s.wait
	s.mu.Unlock()
	if wait != nil {
		select {
		case <-wait:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return err
}

func (s *spoiled) called() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

func (s *spoiled) Create(ctx context.Context, e *eventsv1.Event) error {
	if err := s.spoil(ctx); err != nil {
		return err
	}
	return s.Fake.Create(ctx, e)
}

func (s *spoiled) Patch(ctx context.Context, namespace, name string, patch []byte) error {
	if err := s.spoil(ctx); err != nil {
		return err
	}
	return s.Fake.Patch(ctx, namespace, name, patch)
}

// recording is a Recorder that runs.
type recording struct {
	*events.Recorder
	t    *testing.T
	sink *spoiled
	log  *faults.Log
	stop func()
}

func start(t *testing.T, sink *spoiled, o events.Options) *recording {
	t.Helper()
	r := &recording{t: t, sink: sink, log: faults.NewLog()}
	o.Controller, o.Logger = "example.com/test", r.log.Logger()
	var err error
	if r.Recorder, err = events.NewTo(sink, o); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := r.Run(ctx); err != nil {
			t.Error(err)
		}
	}()
	r.stop = func() {
		cancel()
		<-ended
	}
	return r
}

// check fails the test unless there are so many Events, by so many writes.
func (r *recording) check(what string, made, calls int) {
	r.t.Helper()
	synctest.Wait()
	r.sink.mu.Lock()
	defer r.sink.mu.Unlock()
	if n := len(r.sink.Events()); n != made || r.sink.calls != calls {
		r.t.Errorf("%s: %d Events by %d writes, want %d by %d", what, n, r.sink.calls, made, calls)
	}
}

func deployment(name string) *appsv1.Deployment {
	return &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: name, UID: types.UID("uid-" + name)}}
}

func TestASeries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, &spoiled{}, events.Options{})
		began := time.Now()
		r.Warning(deployment("web"), "NoPods", "CountPods", "%d of %d", 0, 3)
		r.check("the first", 1, 1)
		e := r.sink.Events()[0]
		if e.Regarding.APIVersion != "apps/v1" || e.Regarding.Kind != "Deployment" || e.Regarding.UID != "uid-web" || e.Namespace != "ns" ||
			e.Note != "0 of 3" || e.Series != nil || e.Type != "Warning" || e.ReportingController != "example.com/test" ||
			!e.EventTime.Time.Equal(began) || e.ReportingInstance == "" {
			t.Errorf("%+v", e)
		}
		for range 9 {
			time.Sleep(time.Second)
			r.Warning(deployment("web"), "NoPods", "CountPods", "0 of 3")
		}
		r.check("nine more within 10 seconds", 1, 1)
		time.Sleep(time.Second)
		r.check("after 10 seconds", 1, 2)
		if s := r.sink.Events()[0].Series; s == nil || s.Count != 10 || !s.LastObservedTime.Time.Equal(began.Add(9*time.Second)) {
			t.Errorf("%+v", s)
		}
		for range 3600 { // the pauses grow to 6 minutes
			r.Warning(deployment("web"), "NoPods", "CountPods", "0 of 3")
			time.Sleep(time.Second)
		}
		synctest.Wait()
		if n := r.sink.calls; n < 10 || n > 16 {
			t.Errorf("%d writes in an hour", n)
		}
		r.stop()
		if s := r.sink.Events()[0].Series; s.Count != 3610 {
			t.Errorf("the end is not flushed: %+v", s)
		}
		if s := r.Stats(); s.Recorded != 3610 || s.Written != 3610 || s.Dropped != 0 || s.Queued != 0 {
			t.Errorf("%+v", s)
		}

		// The next process continues the series.
		next := start(t, r.sink, events.Options{})
		next.Warning(deployment("web"), "NoPods", "CountPods", "0 of 3")
		synctest.Wait()
		if all := r.sink.Events(); len(all) != 1 || all[0].Series.Count != 3611 {
			t.Errorf("%+v", all)
		}
		// So does this one when it has forgotten; and another object of the name has its own.
		next.Forget(events.Ref(deployment("web")))
		next.Warning(deployment("web"), "NoPods", "CountPods", "0 of 3")
		again := deployment("web")
		again.UID = "another"
		next.Normal(again, "NoPods", "CountPods", "100%") // no args, no verbs
		next.stop()
		if all := r.sink.Events(); len(all) != 2 || all[0].Series.Count != 3612 || all[1].Note != "100%" || all[1].Type != "Normal" {
			t.Errorf("%+v", all)
		}
	})
}

// An Event that the API server has removed after its time is created again.
func TestAnEventThatIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, &spoiled{}, events.Options{})
		defer r.stop()
		r.Normal(deployment("web"), "A", "B", "n")
		synctest.Wait()
		r.sink.Fake = events.Fake{}
		time.Sleep(time.Minute)
		r.Normal(deployment("web"), "A", "B", "n")
		synctest.Wait()
		if all := r.sink.Events(); len(all) != 1 || all[0].Series != nil {
			t.Errorf("%+v", all)
		}
	})
}

func TestNotesThatDifferAreOneSeries(t *testing.T) {
	for _, n := range []int{9, 10, 11, 20} {
		synctest.Test(t, func(t *testing.T) {
			r := start(t, &spoiled{}, events.Options{})
			for i := range n {
				r.Warning(deployment("web"), "Failed", "Sync", "try %d", i)
			}
			r.Warning(deployment("web"), "Other", "Sync", "x")
			r.stop()
			all := r.sink.Events()
			if want := min(n, 11) + 1; len(all) != want {
				t.Errorf("%d notes: %d Events, want %d", n, len(all), want)
			}
			var further []eventsv1.Event
			for _, e := range all {
				if strings.HasPrefix(e.Note, "(one of several") {
					further = append(further, e)
				}
			}
			if n <= 10 && len(further) != 0 || n == 11 && (len(further) != 1 || further[0].Series != nil) ||
				n == 20 && (len(further) != 1 || further[0].Series.Count != 10 || !strings.HasSuffix(further[0].Note, " try 10")) {
				t.Errorf("%d notes: %+v", n, further)
			}
		})
	}
}

func TestOneObjectIsLimited(t *testing.T) {
	for _, n := range []int{24, 25, 26} {
		synctest.Test(t, func(t *testing.T) {
			r := start(t, &spoiled{}, events.Options{})
			defer r.stop()
			var mu sync.Mutex
			dropped := 0
			record := func(i int) {
				r.Record(events.Event{Regarding: events.Ref(deployment("web")), Type: "Normal", Reason: fmt.Sprint("R", i), Action: "A", Done: func(err error) {
					mu.Lock()
					defer mu.Unlock()
					if errors.Is(err, events.ErrDropped) {
						dropped++
					}
				}})
			}
			for i := range n {
				record(i)
			}
			r.Normal(deployment("another"), "R", "A", "")
			r.check(fmt.Sprint(n), min(n, 25)+1, min(n, 25)+1)
			if want := max(n-25, 0); dropped != want || r.Stats().Dropped != want {
				t.Errorf("%d: %d dropped, %+v", n, dropped, r.Stats())
			}
			if n == 26 {
				time.Sleep(time.Minute - time.Nanosecond)
				record(100)
				r.check("before a minute", 26, 26)
				time.Sleep(time.Nanosecond)
				record(101)
				record(102)
				r.check("after a minute", 27, 27)
			}
		})
	}
}

func TestTheQueueIsBounded(t *testing.T) {
	for _, n := range []int{9, 10, 11} {
		synctest.Test(t, func(t *testing.T) {
			sink := &spoiled{wait: make(chan struct{})}
			r := start(t, sink, events.Options{Queue: 10})
			began := time.Now()
			for i := range n {
				r.Normal(deployment(fmt.Sprint(i)), "R", "A", "")
			}
			if time.Since(began) != 0 {
				t.Error("Record waited for the API server")
			}
			if s := r.Stats(); s.Queued != min(n, 10) || s.Dropped != max(n-10, 0) {
				t.Errorf("%+v", s)
			}
			if lines := r.log.Lines(slog.LevelWarn); len(lines) != max(n-10, 0) {
				t.Errorf("%v", lines)
			}
			close(sink.wait)
			r.check("later", min(n, 10), min(n, 10))
			r.stop()
			r.Normal(deployment("late"), "R", "A", "") // after the end: nothing happens
		})
	}
}

func TestThePaceIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, &spoiled{}, events.Options{FlushTimeout: -1})
		for i := range 200 {
			r.Normal(deployment(fmt.Sprint(i)), "R", "A", "")
		}
		r.check("at once", events.DefaultBurst, events.DefaultBurst)
		time.Sleep(10 * time.Second)
		r.check("ten seconds later", events.DefaultBurst+10*events.DefaultQPS, events.DefaultBurst+10*events.DefaultQPS)
		r.stop() // nothing is flushed
		r.check("stopped", events.DefaultBurst+10*events.DefaultQPS, events.DefaultBurst+10*events.DefaultQPS)
	})
}

// The end writes what is queued, within FlushTimeout.
func TestFlush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, &spoiled{}, events.Options{})
		for i := range 200 {
			r.Normal(deployment(fmt.Sprint(i)), "R", "A", "")
		}
		r.stop()
		r.check("flushed", 200, 200)
		sink := &spoiled{wait: make(chan struct{})}
		r = start(t, sink, events.Options{})
		r.Normal(deployment("a"), "R", "A", "")
		r.Normal(deployment("b"), "R", "A", "")
		synctest.Wait()
		began := time.Now()
		r.stop()
		if took := time.Since(began); took != events.DefaultFlushTimeout {
			t.Errorf("it took %v", took)
		}
		if n := len(r.log.Lines(slog.LevelWarn)); n == 0 || n > 2 {
			t.Errorf("%d lines:\n%s", n, r.log)
		}
	})
}

func TestFaults(t *testing.T) {
	none := eventsv1.Resource("events")
	for name, test := range map[string]struct {
		err   error
		tries int
	}{
		"a connection": {errors.New("connection refused"), 5},
		"500":          {apierrors.NewInternalError(errors.New("x")), 5},
		"forbidden":    {apierrors.NewForbidden(none, "x", errors.New("because it is being terminated")), 1},
		"no namespace": {apierrors.NewNotFound(none, "x"), 1},
		"invalid":      {apierrors.NewInvalid(eventsv1.SchemeGroupVersion.WithKind("Event").GroupKind(), "x", nil), 1},
		"unauthorized": {apierrors.NewUnauthorized("x"), 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := start(t, &spoiled{err: test.err}, events.Options{})
			defer r.stop()
			var got error
			for i := range 3 {
				r.Record(events.Event{Regarding: events.Ref(deployment(fmt.Sprint(i))), Type: "Normal", Reason: "R", Action: "A", Done: func(err error) { got = err }})
				if test.tries == 1 && i == 0 {
					time.Sleep(time.Minute - 1) // the second comes before the first pause is over, the third after it
				} else {
					time.Sleep(10 * time.Minute)
				}
			}
			r.check(name, 0, 3*test.tries)
			if !errors.Is(got, test.err) || r.Stats().Dropped != 3 {
				t.Errorf("%s: %v, %+v", name, got, r.Stats())
			}
			lines := 3
			if test.tries == 1 {
				lines = 2
			}
			if got := r.log.Lines(slog.LevelWarn); len(got) != lines {
				t.Errorf("%s: %v", name, got)
			}
			r.sink.mu.Lock()
			r.sink.err = nil
			r.sink.mu.Unlock()
			r.Normal(deployment("0"), "R", "A", "")
			r.check(name+", later", 1, 3*test.tries+1)
		})
	}
}

func TestMistakes(t *testing.T) {
	log := faults.NewLog()
	r, err := events.NewTo(&events.Fake{}, events.Options{Controller: "x", Logger: log.Logger()})
	if err != nil {
		t.Fatal(err)
	}
	good := events.Event{Regarding: events.Ref(deployment("a")), Type: "Normal", Reason: "R", Action: "A"}
	for _, change := range []func(*events.Event){
		func(e *events.Event) { e.Regarding.Name = "" },
		func(e *events.Event) { e.Regarding.Kind = "" },
		func(e *events.Event) { e.Reason = "" },
		func(e *events.Event) { e.Action = "" },
		func(e *events.Event) { e.Type = "Error" },
	} {
		e := good
		var done error
		e.Done = func(err error) { done = err }
		change(&e)
		r.Record(e)
		if done == nil || !strings.HasPrefix(done.Error(), "events: ") {
			t.Errorf("%+v: %v", e, done)
		}
	}
	if n := len(log.Lines(slog.LevelError)); n != 5 {
		t.Errorf("%d lines:\n%s", n, log)
	}
	for _, controller := range []string{"", "a b", "a/b/c"} {
		if _, err := events.NewTo(&events.Fake{}, events.Options{Controller: controller}); err == nil || !strings.Contains(err.Error(), "Controller") {
			t.Errorf("%q: %v", controller, err)
		}
	}
}

// What the API limits is cut, at the limit, between two characters; every name is valid.
func TestLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, &spoiled{}, events.Options{Instance: strings.Repeat("i", 200), QPS: -1, Queue: -1})
		for i, name := range []string{"web", "system:node", "UPPER_case", strings.Repeat("n", 253), "-.-", "a..b.-c", "ü"} {
			for _, n := range []int{127, 128, 129, 1023, 1024, 1025, 2000} {
				e := events.Event{Regarding: events.Ref(deployment(name)), Type: "Normal", Note: strings.Repeat("é", n/2) + strings.Repeat("x", n%2)}
				e.Reason, e.Action = fmt.Sprint(i, strings.Repeat("r", n-1)), strings.Repeat("a", n)
				r.Record(e)
			}
		}
		r.stop()
		all := r.sink.Events()
		if len(all) != 7*6 { // the last two have the same reason and note when they are cut
			t.Errorf("%d Events", len(all))
		}
		for _, e := range all {
			if problems := validation.IsDNS1123Subdomain(e.Name); len(problems) > 0 {
				t.Errorf("%q: %v", e.Name, problems)
			}
			if len(e.Note) > 1024 || len(e.Reason) > 128 || len(e.Action) > 128 || len(e.ReportingInstance) > 128 || !utf8.ValidString(e.Note) {
				t.Errorf("%d, %d, %d, %d", len(e.Note), len(e.Reason), len(e.Action), len(e.ReportingInstance))
			}
		}
		if n := len(all[0].Note); n != 127 {
			t.Errorf("a note of 127 bytes has %d", n)
		}
	})
}

// A series keeps its pause when many Events are remembered.
func TestManySeriesKeepTheirPauses(t *testing.T) {
	for _, n := range []int{1999, 2000, 3999, 4000} {
		synctest.Test(t, func(t *testing.T) {
			r := start(t, &spoiled{}, events.Options{QPS: -1, Queue: -1})
			defer r.stop()
			for i := range n {
				r.Normal(deployment(fmt.Sprint(i)), "R", "A", "")
			}
			synctest.Wait() // they are written
			r.Normal(deployment("one more"), "R", "A", "")
			synctest.Wait()
			if entries, _, _ := r.Remembered(); n < 4000 && entries != n+1 || n == 4000 && entries != 3001 {
				t.Errorf("%d: %d are remembered", n, entries)
			}
			r.Normal(deployment("0"), "R", "A", "") // forgotten if there were 4000: the Event is there already
			if n < 4000 {
				r.check(fmt.Sprint(n, " within the pause"), n+1, n+1)
			} else {
				r.check(fmt.Sprint(n, ", forgotten"), n+1, n+3)
			}
			r.Normal(deployment(fmt.Sprint(n-1)), "R", "A", "")
			synctest.Wait()
			before := r.sink.called()
			time.Sleep(10*time.Second - 1)
			synctest.Wait()
			if r.sink.called() != before {
				t.Errorf("%d: a series was written within its pause", n)
			}
			time.Sleep(time.Nanosecond)
			synctest.Wait()
			r.Normal(deployment("and another"), "R", "A", "")
			synctest.Wait()
			if entries, _, _ := r.Remembered(); n == 3999 && entries > 1600 {
				t.Errorf("%d: %d are remembered when the pauses are over", n, entries)
			}
		})
	}
}

// Nothing is remembered of objects whose Events cannot be written.
func TestNothingLeaksWhenAllWritesAreForbidden(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := &spoiled{err: apierrors.NewForbidden(eventsv1.Resource("events"), "x", nil)}
		r := start(t, sink, events.Options{QPS: -1})
		defer r.stop()
		for i := range 1_000 {
			r.Normal(deployment(fmt.Sprint(i)), "R", "A", "")
			time.Sleep(time.Second)
		}
		synctest.Wait()
		if entries, objects, groups := r.Remembered(); entries != 0 || objects > 130 || groups != 0 {
			t.Errorf("%d entries, %d objects, %d groups", entries, objects, groups)
		}
	})
}

func TestARecorderRunsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, &spoiled{}, events.Options{})
		synctest.Wait()
		if err := r.Run(t.Context()); err == nil || err.Error() != "events: run the recorder: it is running already" {
			t.Error(err)
		}
		r.stop()
		if err := r.Run(t.Context()); err == nil || err.Error() != "events: run the recorder: it was run before: make a new one" {
			t.Error(err)
		}
		var done error
		for range 2000 {
			r.Record(events.Event{Regarding: events.Ref(deployment("late")), Type: "Normal", Reason: "R", Action: "A",
				Done: func(err error) { done = err }})
		}
		if s := r.Stats(); done != events.ErrEnded || s != (events.Stats{Recorded: 2000, Dropped: 2000}) {
			t.Errorf("%v, %+v", done, s)
		}
	})
}

// A queue that is full again and again is logged with growing pauses, and not under the lock. So are
// Events that may not be written in between others that may.
func TestFaultsThatComeAndGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := faults.NewLog()
		var r *events.Recorder
		calling := slog.New(&caller{log.Logger().Handler(), func() { r.Stats() }})
		sink := &spoiled{}
		var err error
		if r, err = events.NewTo(sink, events.Options{Controller: "x", Logger: calling, Queue: 1, QPS: -1}); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { _ = r.Run(ctx) })
		count := func() int { return len(log.Lines(slog.LevelWarn)) }
		var lines []int
		for i := range 120 { // the queue is full, then empty, twice a minute
			held := make(chan struct{})
			sink.mu.Lock()
			sink.wait = held
			sink.mu.Unlock()
			r.Normal(deployment(fmt.Sprint("a", i)), "R", "A", "")
			r.Normal(deployment(fmt.Sprint("b", i)), "R", "A", "")
			close(held)
			time.Sleep(30 * time.Second)
			if n := count(); len(lines) < n {
				lines = append(lines, i)
			}
		}
		if fmt.Sprint(lines) != "[0 2 6 14 30 62]" { // after 0, 1, 3, 7, 15 and 31 minutes
			t.Errorf("logged at %v:\n%s", lines, log)
		}
		if text := log.Lines(slog.LevelWarn)[5].Text; !strings.Contains(text, "droppedBefore=31") {
			t.Error(text)
		}
		cancel()
		running.Wait()
	})
	synctest.Test(t, func(t *testing.T) {
		sink := &spoiled{}
		r := start(t, sink, events.Options{QPS: -1})
		defer r.stop()
		for i := range 120 {
			sink.mu.Lock()
			if sink.err = nil; i%2 == 0 {
				sink.err = apierrors.NewForbidden(eventsv1.Resource("events"), "x", nil)
			}
			sink.mu.Unlock()
			r.Normal(deployment(fmt.Sprint(i)), "R", "A", "")
			time.Sleep(30 * time.Second)
		}
		if lines := r.log.Lines(slog.LevelWarn); len(lines) != 6 {
			t.Errorf("%d lines:\n%s", len(lines), r.log)
		}
	})
}

// caller is a slog.Handler that calls a function for each record.
type caller struct {
	slog.Handler
	call func()
}

func (c *caller) Handle(ctx context.Context, r slog.Record) error {
	c.call()
	return c.Handler.Handle(ctx, r)
}

// What is remembered does not grow with what was ever recorded.
func TestMemoryIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, &spoiled{}, events.Options{QPS: -1, Queue: -1})
		for i := range 20_000 {
			r.Normal(deployment(fmt.Sprint(i)), "R", "A", "")
			if i%100 == 0 {
				time.Sleep(10 * time.Second)
			}
		}
		synctest.Wait()
		if entries, objects, groups := r.Remembered(); entries > 2200 || objects > 2200 || groups > 2200 {
			t.Errorf("%d entries, %d objects, %d groups", entries, objects, groups)
		}
		time.Sleep(time.Hour)
		r.Normal(deployment("last"), "R", "A", "")
		r.stop()
		if entries, _, groups := r.Remembered(); entries != 1 || groups != 1 {
			t.Errorf("%d entries, %d groups", entries, groups)
		}
	})
}
