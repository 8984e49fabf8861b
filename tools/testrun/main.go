// testrun runs the tests of several modules and prints, at the end, how many passed and failed.
//
//	testrun [-short] -- DIR [NAME=VALUE…] ARGUMENTS… [-- DIR …]…
//
// Each group is a module's folder, additions to the environment, and arguments of `go test` there.
// testrun prints a line when a package starts and when it ends, and the output of every test that
// failed; then the slowest tests. The last line is
//
//	N passed, N failed
//
// counted from the events of `go test -json`. Each top-level test, fuzz target and example counts as
// one; a subtest belongs to the test that holds it. A package that does not build, or that ends outside
// a test, counts as one failure.
//
// A test that is skipped is named, and counts as a failure. With -short, which is passed on to go test,
// it does not, and the line of its package has the number of skipped tests.
//
// The exit code is 0 if something passed and nothing failed. A run without any test is a failure.
package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"time"
)

var assignment = regexp.MustCompile(`^[A-Z_]+=`)

func main() {
	args := os.Args[1:]
	short := len(args) > 0 && args[0] == "-short"
	if short {
		args = args[1:]
	}
	groups := split(args)
	if len(groups) == 0 {
		fmt.Fprintln(os.Stderr, "usage: testrun [-short] -- DIR [NAME=VALUE…] ARGUMENTS… [-- DIR …]…")
		os.Exit(2)
	}
	start := time.Now()
	r := newReport(os.Stdout, short)
	for _, g := range groups {
		if err := runModule(r, g[0], g[1:]); err != nil {
			r.problem(g[0], err)
		}
	}
	if !r.close(time.Since(start)) {
		os.Exit(1)
	}
}

// split cuts the command line into its groups. Empty groups are dropped.
func split(args []string) [][]string {
	var groups [][]string
	open := false
	for _, a := range args {
		switch {
		case a == "--":
			open = false
		case open:
			groups[len(groups)-1] = append(groups[len(groups)-1], a)
		default:
			groups, open = append(groups, []string{a}), true
		}
	}
	return groups
}

// runModule runs `go test -json` in dir and passes its events to r. The error is one of running the
// command; r counts the tests that fail.
func runModule(r *report, dir string, args []string) error {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	n := 0
	for n < len(args) && assignment.MatchString(args[n]) {
		n++
	}
	env, args := args[:n], args[n:]
	command := []string{"test", "-json"}
	if r.mayskip {
		command = append(command, "-short")
	}
	cmd := exec.Command("go", append(command, args...)...)
	cmd.Dir = abs
	cmd.Env = append(cmd.Environ(), env...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	failedBefore := r.failed
	readErr := r.read(out)
	// The rest must be drained, or go test would wait for its reader forever.
	if _, err := io.Copy(io.Discard, out); readErr == nil {
		readErr = err
	}
	waitErr := cmd.Wait()
	if readErr != nil {
		return fmt.Errorf("read the events of go test in %s: %w", dir, readErr)
	}
	if waitErr != nil && r.failed == failedBefore {
		return fmt.Errorf("go test in %s: %w, although no test failed: see its output above", dir, waitErr)
	}
	return nil
}
