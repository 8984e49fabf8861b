package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// memory returns the resident memory of a process and its maximum, in bytes, from the Linux
// kernel's VmRSS and VmHWM. On other systems ok is false.
func memory(pid int) (now, peak int64, ok bool) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, 0, false
	}
	return parseMemory(string(status))
}

// parseMemory reads the text of a /proc/PID/status file.
func parseMemory(status string) (now, peak int64, ok bool) {
	for line := range strings.Lines(status) {
		name, value, _ := strings.Cut(line, ":")
		into := map[string]*int64{"VmRSS": &now, "VmHWM": &peak}[name]
		if into == nil {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
		if err != nil {
			return 0, 0, false
		}
		*into = n << 10
	}
	return now, peak, now > 0 && peak > 0
}

// megabytes formats a number of bytes.
func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }
