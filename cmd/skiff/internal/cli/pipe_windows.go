package cli

import (
	"errors"
	"syscall"
)

// brokenPipe reports whether err means that nobody reads the output any more: ERROR_BROKEN_PIPE or
// ERROR_NO_DATA.
func brokenPipe(err error) bool {
	return errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ERROR_BROKEN_PIPE) ||
		errors.Is(err, syscall.Errno(232))
}
