package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The memory of a child is its own, and not that of the process that starts it.
func TestMeasure(t *testing.T) {
	program := filepath.Join(t.TempDir(), "measure")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	large := make([]byte, 100<<20)
	for i := range large {
		large[i] = 1
	}
	out := filepath.Join(t.TempDir(), "out")
	text, err := exec.Command(program, out, "/bin/sh", "-c", "echo hello; exit 3").Output()
	if err != nil {
		t.Fatal(err)
	}
	var got struct{ Code, Wall, CPU, PeakRSS int64 }
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if got.Code != 3 || got.Wall <= 0 || got.PeakRSS < 100<<10 || got.PeakRSS > 50<<20 {
		t.Errorf("got %+v, while the test has %d bytes", got, len(large))
	}
	if printed, err := os.ReadFile(out); err != nil || string(printed) != "hello\n" {
		t.Errorf("printed %q, %v", printed, err)
	}
	for part, args := range map[string][]string{"usage:": {"x"}, "no such file": {out, "/no/such/program"}, "is a directory": {t.TempDir(), "/bin/sh"}} {
		text, err := exec.Command(program, args...).CombinedOutput()
		if err == nil || !strings.Contains(string(text), part) {
			t.Errorf("%s: %s, %v", part, text, err)
		}
	}
}
