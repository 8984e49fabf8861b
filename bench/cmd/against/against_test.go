package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skiff-k8s/skiff/bench/internal/stats"
)

func TestTableOfMadeUpSamples(t *testing.T) {
	before, after := stats.Samples{}, stats.Samples{}
	add := func(s stats.Samples, figure string, values ...float64) {
		for _, v := range values {
			s.Add(figure, stats.Skiff, v)
		}
	}
	add(before, "heap_per_pod_typed", 441, 440, 445)
	add(after, "heap_per_pod_typed", 420, 419, 421)
	add(after, "heap_per_index", 15, 14, 16) // the old commit does not know it
	add(before, "peak_rss_sync", 28e6, 27e6, 29e6)
	add(after, "peak_rss_sync", 28.1e6, 27e6, 29e6)
	add(before, "cpu_sync", 0.3, 0.31, 0.29)
	add(after, "cpu_sync", 0.33, 0.34, 0.32)
	add(before, "watch_events_proto", 100_000, 110_000, 90_000)
	add(after, "watch_events_proto", 90_000, 80_000, 95_000)
	add(before, "cpu_per_event_proto", 10)
	add(after, "cpu_per_event_proto", 9)
	const want = `figure                    old                          new                          ratio
heap a pod                441 B [440 B, 445 B]         420 B [419 B, 421 B]         0.952   better
one custom index, a pod   absent                       15 B [14 B, 16 B]
peak RSS of the sync      28.0 MB [27.0 MB, 29.0 MB]   28.1 MB [27.0 MB, 29.0 MB]   1.004   the same
CPU of the sync           300 ms [290 ms, 310 ms]      330 ms [320 ms, 340 ms]      1.100   worse
watch events a second     100,000 [90,000, 110,000]    90,000 [80,000, 95,000]      0.900   worse
CPU an event              10.0 µs                      9.00 µs                      0.900   better
`
	if got := table(before, after); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// Two builds of one commit are measured, and every figure of the table is one that is.
func TestAgainstItself(t *testing.T) {
	programs := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-o", programs+string(filepath.Separator),
		".", "../replay", "../skiff-runner")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	cmd := exec.CommandContext(t.Context(), filepath.Join(programs, "against"), "--smoke", "--old", programs, "--runs", "2")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("against: %v\n%s", err, out)
	}
	if strings.Contains(string(out), absent) || strings.Count(string(out), "[") != 2*len(figures) {
		t.Errorf("not every figure was measured:\n%s", out)
	}
}
