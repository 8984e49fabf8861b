package wire

import (
	"errors"
	"fmt"
	"io"
)

// ErrTooLarge is in the chain of the error that says an object is over [Options.MaxObjectBytes].
var ErrTooLarge = errors.New("it is over the limit of Options.MaxObjectBytes")

// SyntaxError says that input is malformed, cut off or too large. Its Err is (or wraps)
// [io.ErrUnexpectedEOF] where the input ends too early, and [ErrTooLarge] where it is too large.
//
// An error of the reader that the input comes from is no SyntaxError; it is wrapped in one that
// says how far reading got.
type SyntaxError struct {
	Format  Format
	Offset  int64  // in bytes, from the beginning of what was given to the reader
	Reading string // what was being read: "the PodList after item 12"
	Err     error  // what is wrong there; never nil
}

// Error says where in what the input is wrong, and how.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%s cannot be read: %s at byte %d: %v", e.Reading, e.Format, e.Offset, e.Err)
}

// Unwrap returns Err.
func (e *SyntaxError) Unwrap() error { return e.Err }

// fault is an error and the place where it came up, on its way to the reader that knows what was
// being read.
type fault struct {
	at  int64
	err error
}

func (f *fault) Error() string { return f.err.Error() }

// readError is an error of the reader that input comes from.
type readError struct{ error }

// explain makes of a fault the error that callers see.
func explain(f *fault, format Format, reading string) error {
	if failed, ok := f.err.(readError); ok {
		return fmt.Errorf("%s cannot be read on at byte %d: %w", reading, f.at, failed.error)
	}
	err := f.err
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return &SyntaxError{Format: format, Offset: f.at, Reading: reading, Err: err}
}
