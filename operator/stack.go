package operator

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"sync"
	"time"
)

// stack runs the parts of an operator in stages. Stages are started one after another, and stopped
// in the reverse order. Its methods are called by one goroutine, that of Run; parts may be added by
// others to stages that are there.
type stack struct {
	log    *slog.Logger
	grace  time.Duration // of all stages together; negative means no limit
	stages []*stage

	mu     sync.Mutex
	cause  error         // the first error of a part; guarded by mu
	failed chan struct{} // closed when cause is set
}

// stage is a set of parts that are stopped at once.
type stage struct {
	stack *stack
	// until is the end of the stage's share of the grace period, as a part of the period. The time
	// that the stages before it did not need is the stage's as well.
	until  float64
	ctx    context.Context
	cancel context.CancelCauseFunc

	mu      sync.Mutex
	parts   []*part // guarded by mu
	stopped bool    // guarded by mu: no part is started any more
}

// part is something that runs.
type part struct {
	name string
	done chan struct{}
	err  error // set before done is closed
}

// StopError is the error of an operator that did not stop within its grace period.
type StopError struct {
	// Parts names what was still running when its share of the grace period was over. These parts
	// were left running.
	Parts []string
	// Grace is the grace period of the whole operator.
	Grace time.Duration
}

// Error names the parts.
func (e *StopError) Error() string {
	return fmt.Sprintf("stop operator: not stopped within its share of the grace period of %v: %s",
		e.Grace, strings.Join(e.Parts, ", "))
}

func newStack(log *slog.Logger, grace time.Duration) *stack {
	return &stack{log: log, grace: grace, failed: make(chan struct{})}
}

// stage adds a stage, which is the first to be stopped so far. Its parts run under a context that
// has ctx's values, and ends when the stage is stopped, not when ctx does.
func (s *stack) stage(ctx context.Context, until float64) *stage {
	st := &stage{stack: s, until: until}
	st.ctx, st.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
	s.stages = append(s.stages, st)
	return st
}

// ends says what the return of a part's function without an error is, while its context goes on.
type ends bool

const (
	mayEnd  ends = true  // its work is done
	mustRun ends = false // a fault
)

// run starts f as a part, under the stage's context. If f returns an error, or panics, the stack
// has failed. If the stage is stopped already, run starts nothing and returns a part that has
// ended.
func (st *stage) run(name string, f func(context.Context) error, e ends) *part {
	return st.runWithin(st.ctx, name, f, e)
}

// runWithin is run under a context that has the values of within, and ends also when within does.
func (st *stage) runWithin(within context.Context, name string, f func(context.Context) error, e ends) *part {
	p := &part{name: name, done: make(chan struct{})}
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.stopped {
		close(p.done)
		return p
	}
	st.parts = append(st.parts, p)
	ctx, release := both(st.ctx, within)
	go func() {
		defer close(p.done)
		defer release()
		err := st.stack.contained(ctx, name, f)
		switch {
		case err != nil:
			p.err = fmt.Errorf("%s: %w", name, err)
		case ctx.Err() == nil && e == mustRun:
			p.err = fmt.Errorf("%s: ended without an error although nobody stopped it", name)
		}
		st.stack.ended(p)
	}()
	return p
}

// both returns a context that has the values of within and ends with the first of a and within.
func both(a, within context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(within)
	stop := context.AfterFunc(a, func() { cancel(context.Cause(a)) })
	return ctx, func() {
		stop()
		cancel(nil)
	}
}

// failure returns the error of the part that failed first, nil if none did.
func (s *stack) failure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cause
}

// contained calls f and returns its panic as an error.
func (s *stack) contained(ctx context.Context, name string, f func(context.Context) error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			s.log.Error("part panicked, the operator ends", "part", name, "panic", v,
				"stack", string(debug.Stack()))
			err = fmt.Errorf("panicked: %v", v)
		}
	}()
	return f(ctx)
}

// ended records the end of a part.
func (s *stack) ended(p *part) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.err != nil && s.cause == nil {
		s.cause = p.err
		close(s.failed)
	}
}

// stop stops the stages, the last one first, and returns the error of the part that failed first,
// then those of the others, and a *StopError if parts are still running.
func (s *stack) stop() error {
	began := time.Now()
	late := &StopError{Grace: s.grace}
	for i := len(s.stages) - 1; i >= 0; i-- {
		st := s.stages[i]
		var over <-chan time.Time // nil: no limit
		left := time.Duration(-1)
		if s.grace >= 0 {
			left = max(time.Until(began.Add(time.Duration(float64(s.grace)*st.until))), 0)
			timer := time.NewTimer(left)
			defer timer.Stop()
			over = timer.C
		}
		st.stop(left)
		for _, name := range st.wait(over) {
			s.log.Error("part did not stop in its share of the grace period, leaving it running",
				"part", name, "after", time.Since(began).Round(time.Millisecond))
			late.Parts = append(late.Parts, name)
		}
	}
	return s.errors(late)
}

// stopping is the cause of the end of the contexts of a stage's parts.
type stopping struct{ left time.Duration }

func (stopping) Error() string { return "the operator stops" }

// DrainTimeout returns how long a controller may let its reconciles finish: the time that the stage
// has, less a part in which those that are cancelled return. Negative means no limit.
func (s stopping) DrainTimeout() time.Duration { return s.left - s.left/25 }

// Is makes it what the end of a context is otherwise.
func (stopping) Is(target error) bool { return target == context.Canceled }

// stop ends the context of the parts, which have so much time left; negative means no limit.
func (st *stage) stop(left time.Duration) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.stopped = true
	st.cancel(stopping{left})
}

// wait waits for the parts, until over is ready, and returns the names of those that still run.
func (st *stage) wait(over <-chan time.Time) (late []string) {
	st.mu.Lock()
	parts := st.parts // no more are added
	st.mu.Unlock()
	for i, p := range parts {
		select {
		case <-p.done:
			continue
		case <-over:
		}
		for _, p := range parts[i:] {
			select {
			case <-p.done:
			default:
				late = append(late, p.name)
			}
		}
		return late
	}
	return nil
}

// errors returns the first error first, and late last if it names parts.
func (s *stack) errors(late *StopError) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	errs := []error{s.cause}
	for _, st := range s.stages {
		for _, p := range st.parts {
			select {
			case <-p.done:
				if p.err != nil && p.err != s.cause {
					errs = append(errs, p.err)
				}
			default:
			}
		}
	}
	if len(late.Parts) > 0 {
		errs = append(errs, late)
	}
	return errors.Join(errs...)
}
