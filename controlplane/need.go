package controlplane

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"sync/atomic"
)

// skipped counts the tests of this process that were skipped because of -short.
var skipped atomic.Int64

// skips skips the test t under -short, and reports whether it did.
func skips(t TB) bool {
	t.Helper()
	if !short() {
		return false
	}
	skipped.Add(1)
	t.Skipf("skipped (-short): this test needs a control plane")
	return true
}

// need ends the test t if it cannot have a control plane: under -short it is skipped, and it fails if
// find finds no binaries. It returns their place.
func need[P any](t TB, find func() (P, error)) (found P, ok bool) {
	t.Helper()
	if skips(t) {
		return found, false
	}
	found, err := find()
	if err != nil {
		fail(t, err)
		return found, false
	}
	return found, true
}

// fail ends the test t, which needs a control plane, with err. If there is no binary, the last line of
// the message is the command that builds it.
func fail(t TB, err error) {
	t.Helper()
	if errors.Is(err, ErrNoBinary) {
		t.Fatalf("%v\n%s", err, buildCommand())
		return
	}
	t.Fatalf("%v", err)
}

// short reports whether this is a test run with -short. The flag is looked up by its name: with an
// import of testing, every program that uses this package would link that.
func short() bool {
	f := flag.Lookup("test.short")
	return f != nil && f.Value.String() == "true"
}

// reportSkipped writes one line with the number of tests that were skipped, if there are any.
func reportSkipped(w io.Writer, n int64) {
	switch n {
	case 0:
	case 1:
		fmt.Fprintln(w, "1 test that needs a control plane was skipped (-short)")
	default:
		fmt.Fprintf(w, "%d tests that need a control plane were skipped (-short)\n", n)
	}
}
