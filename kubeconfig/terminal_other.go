//go:build !windows

package kubeconfig

import "os"

// isTerminal reports whether a person may be reading and writing there: whether f is a character
// device, and not the null device.
func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull)
	return err != nil || !os.SameFile(info, null)
}
