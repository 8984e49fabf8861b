package operator

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// testing logs to the test.
func testLogger(t *testing.T) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), nil))
}

// journal notes what happens, in order.
type journal struct {
	mu    sync.Mutex
	lines []string
}

func (j *journal) note(line string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, line)
}

func (j *journal) all() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.lines)
}

// stops returns a part that ends a while after it is told to.
func (j *journal) stops(name string, after time.Duration) func(context.Context) error {
	return func(ctx context.Context) error {
		<-ctx.Done()
		time.Sleep(after) // synctest's clock
		j.note(name)
		return nil
	}
}

func TestStagesStopInReverse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var j journal
		s := newStack(testLogger(t), time.Minute)
		for _, name := range []string{"servers", "factories", "controllers"} {
			st := s.stage(t.Context(), 1)
			st.run(name, j.stops(name, time.Second), mustRun)
			st.run(name+" too", j.stops(name+" too", 2*time.Second), mustRun)
		}
		if err := s.stop(); err != nil {
			t.Error(err)
		}
		want := []string{"controllers", "controllers too", "factories", "factories too", "servers", "servers too"}
		if got := j.all(); !slices.Equal(got, want) {
			t.Errorf("stopped in the order %q, want %q", got, want)
		}
	})
}

// A stage's share ends at its part of the grace period, counted from the beginning of the stop. What
// a stage leaves of its share is the next one's.
func TestAShareOfTheGracePeriod(t *testing.T) {
	for _, tc := range []struct {
		controllers, factories time.Duration // that they take
		late                   string
	}{
		{75*time.Second - 1, 25*time.Second - 1, ""},
		{75*time.Second + 1, 0, "controllers"},
		{0, 100*time.Second - 1, ""},
		{0, 100*time.Second + 1, "factories"},
		{75*time.Second + 1, 100 * time.Second, "controllers, factories"},
	} {
		synctest.Test(t, func(t *testing.T) {
			var j journal
			s := newStack(testLogger(t), 100*time.Second)
			s.stage(t.Context(), 1).run("factories", j.stops("factories", tc.factories), mustRun)
			s.stage(t.Context(), 0.75).run("controllers", j.stops("controllers", tc.controllers), mustRun)
			err := s.stop()
			var stop *StopError
			switch {
			case tc.late == "" && err != nil:
				t.Errorf("%v: %v", tc, err)
			case tc.late != "" && (!errors.As(err, &stop) || strings.Join(stop.Parts, ", ") != tc.late):
				t.Errorf("%v: got the error %v", tc, err)
			}
			time.Sleep(5 * time.Minute) // until what was left running has ended
		})
	}
}

func TestNegativeGraceWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var j journal
		s := newStack(testLogger(t), -1)
		s.stage(t.Context(), 0.5).run("slow", j.stops("slow", 100*time.Hour), mustRun)
		if err := s.stop(); err != nil || len(j.all()) != 1 {
			t.Errorf("stopped with %v after %q", err, j.all())
		}
	})
}

func TestAPartThatFails(t *testing.T) {
	broken := errors.New("broken")
	for _, tc := range []struct {
		name string
		f    func(context.Context) error
		e    ends
		want string // "" means that the stack goes on
	}{
		{"an error", func(context.Context) error { return broken }, mayEnd, "p: broken"},
		{"a panic", func(context.Context) error { panic("at the disco") }, mayEnd, "p: panicked: at the disco"},
		{"its work is done", func(context.Context) error { return nil }, mayEnd, ""},
		{"it ends early", func(context.Context) error { return nil }, mustRun, "p: ended without an error although nobody stopped it"},
	} {
		synctest.Test(t, func(t *testing.T) {
			var j journal
			s := newStack(testLogger(t), time.Minute)
			s.stage(t.Context(), 1).run("other", j.stops("other", 0), mustRun)
			s.stage(t.Context(), 1).run("p", tc.f, tc.e)
			synctest.Wait()
			select {
			case <-s.failed:
				if tc.want == "" {
					t.Errorf("%s: the stack failed with %v", tc.name, s.failure())
				}
			default:
				if tc.want != "" {
					t.Errorf("%s: the stack did not fail", tc.name)
				}
			}
			err := s.stop()
			if (err == nil) != (tc.want == "") || err != nil && err.Error() != tc.want {
				t.Errorf("%s: got the error %v, want %q", tc.name, err, tc.want)
			}
			if tc.name == "an error" && !errors.Is(err, broken) {
				t.Errorf("%v does not wrap the part's error", err)
			}
			if len(j.all()) != 1 {
				t.Errorf("%s: the other part was not stopped", tc.name)
			}
		})
	}
}

// The first error comes first, then those that came of the stop.
func TestErrorsOfTheStopFollowTheFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStack(testLogger(t), time.Minute)
		st := s.stage(t.Context(), 1)
		st.run("second", func(ctx context.Context) error { <-ctx.Done(); return errors.New("b") }, mustRun)
		st.run("first", func(context.Context) error { return errors.New("a") }, mustRun)
		<-s.failed
		if err := s.stop(); err == nil || err.Error() != "first: a\nsecond: b" {
			t.Errorf("got %v", err)
		}
	})
}

// A part under a limit of its own ends with either.
func TestAPartWithinALeadership(t *testing.T) {
	for _, first := range []string{"lead", "stage"} {
		synctest.Test(t, func(t *testing.T) {
			s := newStack(testLogger(t), time.Minute)
			st := s.stage(t.Context(), 1)
			lead, end := context.WithCancel(t.Context())
			defer end()
			p := st.runWithin(lead, "p", func(ctx context.Context) error { <-ctx.Done(); return nil }, mustRun)
			if first == "lead" {
				end()
			} else {
				st.stop(-1)
			}
			<-p.done
			if p.err != nil {
				t.Errorf("%s: %v", first, p.err)
			}
			st.stop(-1)
			if after := st.run("late", func(context.Context) error { t.Error("ran after the stop"); return nil }, mayEnd); after == nil {
				t.Error("no part")
			} else {
				<-after.done
			}
		})
	}
}
