//go:build !windows

package cli

import (
	"errors"
	"syscall"
)

// brokenPipe reports whether err means that nobody reads the output any more.
func brokenPipe(err error) bool { return errors.Is(err, syscall.EPIPE) }
