package kubeconfig

import (
	"os"
	"syscall"
)

// isTerminal reports whether a person may be reading and writing there.
func isTerminal(f *os.File) bool {
	var mode uint32
	return syscall.GetConsoleMode(syscall.Handle(f.Fd()), &mode) == nil
}
