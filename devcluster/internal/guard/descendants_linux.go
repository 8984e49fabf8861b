package guard

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// adopt makes the guard the parent of every orphan below it, so that a command that detaches
// itself is still found.
func adopt() {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		fmt.Fprintf(os.Stderr, "devcluster: what the command detaches may outlive it: %v\n", err)
	}
}

// descendants lists the processes below this one.
func descendants() []int {
	children := make(map[int][]int)
	stats, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is good, which is all that can fail
	for _, path := range stats {
		data, err := os.ReadFile(path)
		if err != nil {
			continue // gone meanwhile
		}
		pid, parent, ok := parseStat(data)
		if ok {
			children[parent] = append(children[parent], pid)
		}
	}
	var found []int
	for next := []int{os.Getpid()}; len(next) > 0; {
		below := children[next[0]]
		found, next = append(found, below...), append(next[1:], below...)
	}
	return found
}

// parseStat reads a process's id and its parent's from /proc/PID/stat (proc_pid_stat(5)). The name
// between them is in parentheses and may hold anything, parentheses included.
func parseStat(data []byte) (pid, parent int, ok bool) {
	before, _, _ := bytes.Cut(data, []byte(" ("))
	end := bytes.LastIndexByte(data, ')')
	after := bytes.Fields(data[end+1:])
	if end < 0 || len(after) < 2 {
		return 0, 0, false
	}
	pid, err1 := strconv.Atoi(string(before))
	parent, err2 := strconv.Atoi(string(after[1]))
	return pid, parent, err1 == nil && err2 == nil
}
