package controller

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Terminal marks err as an error that another try does not help. A key whose reconcile returns it
// is not tried again until its next event or resync. Terminal(nil) is nil. errors.Is and errors.As
// find what err wraps.
func Terminal(err error) error {
	if err == nil {
		return nil
	}
	return &terminalError{err}
}

// Terminalf is Terminal(fmt.Errorf(format, args...)).
func Terminalf(format string, args ...any) error { return Terminal(fmt.Errorf(format, args...)) }

// IsTerminal reports whether err, or an error that it wraps, was marked by Terminal.
func IsTerminal(err error) bool {
	var t *terminalError
	return errors.As(err, &t)
}

type terminalError struct{ err error }

func (e *terminalError) Error() string { return e.err.Error() }
func (e *terminalError) Unwrap() error { return e.err }

// PanicError is the error of a reconcile that panicked. The controller goes on, and tries the key
// again as after any error. It is the "error" of a log record; of each different stack the first
// record has it as "stack".
type PanicError struct {
	Value any    // the argument of panic
	Stack []byte // of the goroutine, from the panic up

	place uint64 // equal for equal stacks
}

func (e *PanicError) Error() string { return fmt.Sprintf("reconcile panicked: %v", e.Value) }

// Unwrap returns the Value if it is an error, otherwise nil.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// errGoexit is the error of a reconcile that neither returned nor panicked. Another worker takes the
// place of the one that it ended.
var errGoexit = errors.New("reconcile ended its goroutine (runtime.Goexit, as t.FailNow calls it): " +
	"return an error instead")

// TimeoutError is the cause of the context of a reconcile that took longer than its ReconcileTimeout,
// and wraps the error that such a reconcile returned. errors.Is finds context.DeadlineExceeded in it.
type TimeoutError struct {
	After time.Duration // the ReconcileTimeout
	Err   error         // what the Reconcile returned; nil in the cause of the context
}

func (e *TimeoutError) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("reconcile took longer than %v", e.After)
	}
	return fmt.Sprintf("reconcile took longer than %v: %v", e.After, e.Err)
}

// Unwrap returns context.DeadlineExceeded, and Err if it is not nil.
func (e *TimeoutError) Unwrap() []error {
	if e.Err == nil {
		return []error{context.DeadlineExceeded}
	}
	return []error{context.DeadlineExceeded, e.Err}
}

// timedOut returns the error of a reconcile that ran under ctx: a *TimeoutError if its time was over.
func timedOut(ctx context.Context, err error) error {
	var cause *TimeoutError
	if err == nil || ctx.Err() == nil || !errors.As(context.Cause(ctx), &cause) {
		return err
	}
	return &TimeoutError{After: cause.After, Err: err}
}
