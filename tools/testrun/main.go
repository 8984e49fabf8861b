// testrun runs the tests of several modules and says, at the end, how many ran.
//
//	testrun -- DIR [NAME=VALUE…] ARGUMENTS… [-- DIR …]…
//
// Each group is a module's folder, what to add to the environment, and what to pass to `go test`
// there. A line is printed for every
// package as it starts and as it ends, the whole output of every test that failed, and as the last
// line
//
//	N passed, N failed
//
// counted from the events of `go test -json`: top-level tests, fuzz targets' seed runs and examples
// count one each; subtests belong to the test that holds them. A package that does not build, or
// dies outside a test, counts as one failure. The exit code is 0 only when something passed and nothing failed, so a run that
// executed no test is an error and not a success.
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
	groups := split(os.Args[1:])
	if len(groups) == 0 {
		fmt.Fprintln(os.Stderr, "usage: testrun -- DIR [NAME=VALUE…] ARGUMENTS… [-- DIR …]…")
		os.Exit(2)
	}
	start := time.Now()
	r := newReport(os.Stdout)
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

// runModule runs `go test -json` in dir and feeds what it says to r. The error is one of running the
// command; tests that fail are r's business.
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
	cmd := exec.Command("go", append([]string{"test", "-json"}, args...)...)
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
	// The rest must be drained, or go test would wait for its reader for ever.
	if _, err := io.Copy(io.Discard, out); readErr == nil {
		readErr = err
	}
	waitErr := cmd.Wait()
	if readErr != nil {
		return fmt.Errorf("reading the events of go test in %s: %w", dir, readErr)
	}
	if waitErr != nil && r.failed == failedBefore {
		return fmt.Errorf("go test in %s: %w, though no test failed: see its output above", dir, waitErr)
	}
	return nil
}
