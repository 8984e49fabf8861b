package main

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestTheSlowest goes over both bounds: how long is slow, and how many are named.
func TestTheSlowest(t *testing.T) {
	var out strings.Builder
	r := newReport(&out, false)
	pass := func(name string, seconds float64) {
		r.take(event{Action: "pass", Package: "p", Test: name, Elapsed: seconds})
	}
	pass("TestQuick", 0.99)
	for i := range howManySlow {
		pass(fmt.Sprintf("Test%02d", i), float64(howManySlow-i))
	}
	pass("Test00/sub", 99)
	r.take(event{Action: "pass", Package: "p", Elapsed: 200})
	r.close(time.Second)
	got := out.String()
	if strings.Contains(got, "Quick") || strings.Contains(got, "sub") || !strings.Contains(got, "   1.0s  p Test14\n") {
		t.Errorf("the slowest are\n%s", got)
	}
	if !strings.Contains(got, "  15.0s  p Test00\n  14.0s  p Test01\n") {
		t.Errorf("the longest is not the first:\n%s", got)
	}

	out.Reset()
	pass("TestOneMore", 1.5)
	r.take(event{Action: "pass", Package: "p", Elapsed: 200})
	r.close(time.Second)
	got = out.String()
	if !strings.Contains(got, "   2.0s  p Test13\n   1.5s  p TestOneMore\n") || strings.Contains(got, "Test14") {
		t.Errorf("with one more the slowest are\n%s", got)
	}
}
