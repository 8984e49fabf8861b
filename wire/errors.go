package wire

import (
	"errors"
	"fmt"
	"io"

	"github.com/skiff-k8s/skiff/wire/internal/scan"
)

// ErrTooLarge is the cause of a [SyntaxError]: an object is larger than [Options].MaxObjectBytes.
var ErrTooLarge = errors.New("it is over the limit of Options.MaxObjectBytes")

// SyntaxError is the error for malformed, truncated or too large input. Its Err is or wraps
// [io.ErrUnexpectedEOF] if the input ends too early, and [ErrTooLarge] if an object is too large.
//
// An error of the reader that the input comes from is not a SyntaxError. It is wrapped in an error
// that contains the offset reached.
type SyntaxError struct {
	Format  Format
	Offset  int64  // in bytes, from the beginning of the input
	Reading string // what was being read: "the PodList after item 12"
	Err     error  // the cause; never nil
}

// Error returns what was being read, the format, the offset and the cause.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%s cannot be read: %s at byte %d: %v", e.Reading, e.Format, e.Offset, e.Err)
}

// Unwrap returns Err.
func (e *SyntaxError) Unwrap() error { return e.Err }

// explain returns a fault as the error that callers get.
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
