package wire

import (
	"errors"
	"fmt"
	"io"

	"github.com/skiff-k8s/skiff/wire/internal/scan"
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

// explain makes the error that callers see out of a fault.
func explain(f *scan.Fault, format Format, reading string) error {
	if failed, ok := f.Err.(scan.ReadError); ok {
		return fmt.Errorf("%s cannot be read on at byte %d: %w", reading, f.At, failed.Err)
	}
	err := f.Err
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return &SyntaxError{Format: format, Offset: f.At, Reading: reading, Err: err}
}
