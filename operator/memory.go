package operator

import (
	"errors"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"path"
	"runtime/debug"
	"strconv"
	"strings"
)

// MemoryFraction is the part of a container's memory limit that LimitMemory sets for the Go heap
// and runtime. The rest is for what Go does not count: the binary's pages, and what the kernel
// keeps for sockets.
const MemoryFraction = 0.9

// LimitMemory sets Go's soft memory limit, which GOMEMLIMIT sets as well, to nine tenths of the
// memory limit of this process's cgroup, version 2 or 1. So the garbage collector works harder
// before the kernel kills the process. It returns the limit in bytes, and logs one line that says
// what it did and why.
//
// If the environment has a GOMEMLIMIT, or the cgroup has no limit, LimitMemory changes nothing and
// returns 0.
func LimitMemory(log *slog.Logger) int64 {
	if log == nil {
		log = slog.Default()
	}
	return limitMemory(log, os.DirFS("/"), os.Getenv("GOMEMLIMIT"), debug.SetMemoryLimit)
}

func limitMemory(log *slog.Logger, root fs.FS, fromEnv string, set func(int64) int64) int64 {
	if fromEnv != "" {
		log.Info("memory limit unchanged: GOMEMLIMIT is set", "GOMEMLIMIT", fromEnv)
		return 0
	}
	limit, file, err := cgroupLimit(root)
	switch {
	case err != nil:
		log.Info("memory limit unchanged: the cgroup's cannot be read", "error", err)
		return 0
	case limit == 0:
		log.Info("memory limit unchanged: the cgroup has none")
		return 0
	}
	bytes := int64(float64(limit) * MemoryFraction)
	set(bytes)
	log.Info("memory limit set", "bytes", bytes, "cgroup", limit, "file", file)
	return bytes
}

// cgroupLimit returns the lowest memory limit of the process's cgroup and those above it, and the
// file that has it; 0 if there is none. The error is that of a machine without cgroups.
//
// Sources: the kernel's Documentation/admin-guide/cgroup-v2.rst, "memory.max", and
// cgroup-v1/memory.rst, "memory.limit_in_bytes"; cgroups(7) for /proc/self/cgroup.
func cgroupLimit(root fs.FS) (limit int64, file string, err error) {
	lines, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return 0, "", err
	}
	found := false
	for line := range strings.Lines(string(lines)) {
		// hierarchy-ID:controllers:path, with 0 and no controllers for version 2
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(fields) != 3 {
			continue
		}
		mount, name := "sys/fs/cgroup", "memory.max"
		if fields[1] != "" {
			if !strings.Contains(","+fields[1]+",", ",memory,") {
				continue
			}
			mount, name = "sys/fs/cgroup/memory", "memory.limit_in_bytes"
		}
		found = true
		// In a container the path may be one of the host, whose folders are not mounted here; the
		// mount's own folder is then the container's.
		for dir := path.Clean("/" + fields[2]); ; dir = path.Dir(dir) {
			at := path.Join(mount, dir, name)
			if n := readLimit(root, at); n > 0 && (limit == 0 || n < limit) {
				limit, file = n, "/"+at
			}
			if dir == "/" {
				break
			}
		}
	}
	if !found {
		return 0, "", errors.New("/proc/self/cgroup names no cgroup with memory")
	}
	return limit, file, nil
}

// noLimit is what version 1 has for no limit, rounded to pages. Nobody has that much memory.
const noLimit = math.MaxInt64 / 2

// readLimit returns the limit in a file, and 0 if there is no file or no limit in it.
func readLimit(root fs.FS, file string) int64 {
	data, err := fs.ReadFile(root, file)
	if err != nil {
		return 0
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(data)), 10, 64)
	if err != nil || n <= 0 || n >= noLimit { // "max"
		return 0
	}
	return n
}
