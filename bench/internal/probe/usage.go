package probe

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"runtime/metrics"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// moment is the resources that a process had used at one time.
type moment struct {
	at   time.Time
	cpu  time.Duration
	gc   time.Duration // of busy
	busy time.Duration // of the Go scheduler's processors
}

// now returns the time, and the CPU time that the process has used.
func now() moment {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(fmt.Sprintf("getrusage of this process: %v", err)) // cannot fail with these arguments
	}
	m := moment{at: time.Now(), cpu: time.Duration(usage.Utime.Nano() + usage.Stime.Nano())}
	m.gc, m.busy = gcTime()
	return m
}

// since returns the resources used since m.
func (m moment) since() Span {
	n := now()
	span := Span{Wall: n.at.Sub(m.at), CPU: n.cpu - m.cpu}
	if busy := n.busy - m.busy; busy > 0 {
		span.GCShare = min(1, float64(n.gc-m.gc)/float64(busy))
	}
	return span
}

// gcTime returns how long the Go scheduler's processors were busy, and how long of that with
// garbage collection. Both are estimates that change at each collection's end. They are in wall
// time, so on a machine with other work only their ratio is meaningful.
func gcTime() (gc, busy time.Duration) {
	samples := []metrics.Sample{
		{Name: "/cpu/classes/gc/total:cpu-seconds"},
		{Name: "/cpu/classes/total:cpu-seconds"},
		{Name: "/cpu/classes/idle:cpu-seconds"},
	}
	metrics.Read(samples)
	var seconds [3]float64
	for i, s := range samples {
		if s.Value.Kind() == metrics.KindFloat64 {
			seconds[i] = s.Value.Float64()
		}
	}
	return time.Duration(seconds[0] * float64(time.Second)), time.Duration((seconds[1] - seconds[2]) * float64(time.Second))
}

// heap collects garbage twice and returns the live heap. The second collection frees the objects
// that finalizers or a sync.Pool held during the first.
func heap() Heap {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	rss, peak := resident()
	return Heap{Alloc: int64(m.HeapAlloc), Inuse: int64(m.HeapInuse), Sys: int64(m.Sys), RSS: rss, PeakRSS: peak}
}

// resident returns the resident memory of the process and its maximum, as the kernel counts them;
// 0, 0 if the kernel does not provide them. getrusage's maximum is not used, because it includes
// the memory of the process that started this one.
func resident() (now, peak int64) {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		return 0, 0
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), ":")
		switch name {
		case "VmRSS":
			now = kilobytes(value)
		case "VmHWM":
			peak = kilobytes(value)
		}
	}
	return now, peak
}

// kilobytes returns " 1234 kB" as a number of bytes.
func kilobytes(s string) int64 {
	n, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(s), " kB"), 10, 64)
	if err != nil {
		return 0
	}
	return n << 10
}
