package sizes

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestSection(t *testing.T) {
	limit := pairs[1].most
	for size, met := range map[int64]bool{limit - 1: true, limit: true, limit + 1: false} {
		b := &Bench{Sizes: [][2]Size{{{12_000_000, 19}, {30_000_000, 48}}, {{size, 29}, {40_000_000, 60}}}}
		if missed := b.Missed(); (len(missed) == 0) != met {
			t.Errorf("%d bytes: missed are %v", size, missed)
		}
		text := b.Section("a machine", time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
		want := "| 20.00 MB | 29 | at most 20.00 MB | " + map[bool]string{true: "met", false: "missed"}[met] + " | 40.00 MB | 60 | 0.50 |"
		if !strings.Contains(text, want) || !strings.Contains(text, "on 2026-01-02;") || !strings.Contains(text, "| 12.00 MB | 19 | at most 12.70 MB | met | 30.00 MB | 48 | 0.40 |") {
			t.Errorf("%d bytes:\n%s", size, text)
		}
	}
}

// A program is built and weighed, and every one that is compared is there. The limits are held by the
// tests of examples and of operator/examples; `make lint` compiles the others.
func TestBuild(t *testing.T) {
	b := &Bench{Repository: "../../.."}
	got, err := b.build(t.Context(), t.TempDir(), pairs[0].ours)
	if err != nil || got.Bytes < 5e6 || got.Bytes > pairs[0].most || got.Modules < 5 || got.Modules > 24 {
		t.Errorf("%+v (%v)", got, err)
	}
	for _, p := range pairs {
		for _, program := range []program{p.ours, p.theirs} {
			if _, err := os.Stat(filepath.Join(b.Repository, program.module, program.path, "main.go")); err != nil {
				t.Error(err)
			}
		}
	}
	if err := (&Bench{Repository: t.TempDir()}).Run(t.Context()); err == nil || !strings.Contains(err.Error(), "build ./examples/informer of .") {
		t.Errorf("a folder without source: %v", err)
	}
}
