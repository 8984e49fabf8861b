package controller

import (
	"errors"
	"fmt"
)

// Terminal marks err as one that trying again does not help: the key waits for
// its next event, or for the resync. Terminal(nil) is nil. errors.Is and errors.As
// see through the mark.
func Terminal(err error) error {
	if err == nil {
		return nil
	}
	return &terminalError{err}
}

// IsTerminal reports whether err, or an error that it wraps, was marked by
// Terminal.
func IsTerminal(err error) bool {
	var t *terminalError
	return errors.As(err, &t)
}

type terminalError struct{ err error }

func (e *terminalError) Error() string { return e.err.Error() }
func (e *terminalError) Unwrap() error { return e.err }

// PanicError is what a reconcile that panics is taken to have returned: the
// controller goes on with its other keys, and tries this one again like after any
// error. The stack is in the log.
type PanicError struct {
	Value any    // what was panicked with
	Stack []byte // of the goroutine, from the panic up
}

func (e *PanicError) Error() string {
	return fmt.Sprintf("reconcile panicked: %v", e.Value)
}

// Unwrap is the value, if it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}
