package report

import (
	"bufio"
	"cmp"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
)

// Machine describes this machine in a line: processor, cores, memory, Go and kernel. It does not name
// the host.
func Machine() string {
	cpu := cmp.Or(field("/proc/cpuinfo", "model name"), runtime.GOARCH)
	kernel := runtime.GOOS
	if data, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		kernel = "Linux " + strings.TrimSpace(string(data))
	}
	memory := "memory unknown"
	if kb, err := strconv.ParseFloat(strings.TrimSuffix(field("/proc/meminfo", "MemTotal"), " kB"), 64); err == nil {
		memory = fmt.Sprintf("%.0f GiB of memory", kb/(1<<20))
	}
	return fmt.Sprintf("%s, %d cores, %s, %s, %s", cpu, runtime.NumCPU(), memory, runtime.Version(), kernel)
}

// field returns the first value of a name in a file of "name: value" lines.
func field(path, name string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		key, value, ok := strings.Cut(lines.Text(), ":")
		if ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
