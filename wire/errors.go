package wire

import (
	"errors"
	"fmt"
)

// ErrTooLarge is in the chain of the error that says an object is over [Options.MaxObjectBytes].
var ErrTooLarge = errors.New("over the limit of Options.MaxObjectBytes")

// SyntaxError says that input is malformed, cut off or too large. Its Err is (or wraps)
// [io.ErrUnexpectedEOF] where the input ends too early, and [ErrTooLarge] where it is too large.
type SyntaxError struct {
	Format  Format
	Offset  int64  // in bytes, from the beginning of what was given to the reader
	Reading string // what was being read: "item 12 of the list"
	Err     error  // what is wrong there; never nil
}

// Error says where in what the input is wrong, and how.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("malformed %s at byte %d, reading %s: %v", e.Format, e.Offset, e.Reading, e.Err)
}

// Unwrap returns Err.
func (e *SyntaxError) Unwrap() error { return e.Err }
