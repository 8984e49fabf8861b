package command_test

import (
	"os"
	"syscall"
)

// peakRSS returns the largest resident memory that a process had, in bytes.
func peakRSS(p *os.ProcessState) (int64, bool) {
	usage, ok := p.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0, false
	}
	return usage.Maxrss << 10, true
}
