package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// event is one line of `go test -json` (go doc test2json), the fields that are used.
type event struct {
	Action     string
	Package    string
	ImportPath string // of build events, in place of Package
	Test       string
	Elapsed    float64 // seconds
	Output     string
}

// report counts events and prints the lines that a reader needs. It is used by one goroutine.
type report struct {
	w              io.Writer
	mayskip        bool // a skipped test is no failure
	passed, failed int
	skipped        []string // of package and test
	slowest        []timed  // the tests that took longest, the longest first; subtests count in theirs
	untested       int      // packages without tests of their own
	packages       map[string]*packageRun
	builds         map[string][]string // import path → output of its build
}

// timed is a test and how long it took.
type timed struct {
	name    string // of package and test
	seconds float64
}

// Of the tests that took a second or more the slowest are named, so that one sees where a run's time goes.
const (
	howManySlow = 15
	slow        = 1.0 // seconds
)

// packageRun is a package whose tests are running.
type packageRun struct {
	announced               bool
	passed, failed, skipped int
	output                  map[string][]string // test ("" outside tests) → its lines
}

func newReport(w io.Writer, mayskip bool) *report {
	return &report{w: w, mayskip: mayskip, packages: map[string]*packageRun{}, builds: map[string][]string{}}
}

// read takes events until in ends. A line that is no event is printed as it is: go test prints such
// lines when it cannot start.
func (r *report) read(in io.Reader) error {
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			var e event
			if json.Unmarshal(line, &e) == nil && e.Action != "" {
				r.take(e)
			} else {
				fmt.Fprintf(r.w, "%s\n", strings.TrimRight(string(line), "\n"))
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (r *report) take(e event) {
	if strings.HasPrefix(e.Action, "build-") {
		if e.Action == "build-output" {
			r.builds[e.ImportPath] = append(r.builds[e.ImportPath], e.Output)
		} else if e.Action == "build-fail" {
			r.print(r.builds[e.ImportPath])
		}
		return
	}
	p := r.packages[e.Package]
	if p == nil {
		p = &packageRun{output: map[string][]string{}}
		r.packages[e.Package] = p
	}
	switch {
	case e.Action == "run":
		// Some packages drive a control plane for minutes, and a reader wants to see which.
		if !p.announced {
			p.announced = true
			fmt.Fprintf(r.w, "run   %s\n", e.Package)
		}
	case e.Action == "output":
		p.output[e.Test] = append(p.output[e.Test], e.Output)
	case e.Test == "":
		r.endPackage(e, p)
	default:
		r.endTest(e, p)
	}
}

// endTest counts a top-level test, and drops the output of a test that passed. A skipped test is a
// failure unless mayskip is set, also if it is a subtest. A fuzz target may skip an input: that is how
// it refuses one.
func (r *report) endTest(e event, p *packageRun) {
	top := !strings.Contains(e.Test, "/")
	if top {
		r.time(timed{e.Package + " " + e.Test, e.Elapsed})
	}
	switch e.Action {
	case "pass":
		delete(p.output, e.Test)
		if top {
			p.passed++
		}
	case "skip":
		if !top && strings.HasPrefix(e.Test, "Fuzz") {
			delete(p.output, e.Test)
			return
		}
		r.skipped = append(r.skipped, e.Package+" "+e.Test)
		if !r.mayskip {
			r.print(p.output[e.Test])
			p.failed++
		} else if top {
			p.skipped++
		}
		delete(p.output, e.Test)
	case "fail":
		r.print(p.output[e.Test])
		delete(p.output, e.Test)
		if top {
			p.failed++
		}
	}
}

// time notes how long a test took, if that is among the longest.
func (r *report) time(t timed) {
	at, _ := slices.BinarySearchFunc(r.slowest, t, func(a, b timed) int { return cmp.Compare(b.seconds, a.seconds) })
	if t.seconds >= slow && at < howManySlow {
		r.slowest = slices.Insert(r.slowest, at, t)
		r.slowest = r.slowest[:min(len(r.slowest), howManySlow)]
	}
}

// endPackage prints the package's line. A package can fail although all its tests passed, or none ran:
// it does not build, its TestMain fails, a test ends the process, the time limit is reached.
func (r *report) endPackage(e event, p *packageRun) {
	if e.Action != "pass" && e.Action != "fail" && e.Action != "skip" {
		return
	}
	if e.Action == "fail" && p.failed == 0 {
		p.failed = 1
		for test, lines := range p.output { // the test that was running has no end of its own
			if test != "" {
				r.print(lines)
			}
		}
		r.print(p.output[""])
	}
	switch {
	case p.failed > 0:
		fmt.Fprintf(r.w, "FAIL  %-58s %6.1fs  %d passed, %d failed\n", e.Package, e.Elapsed, p.passed, p.failed)
	case p.passed > 0 || p.skipped > 0:
		fmt.Fprintf(r.w, "ok    %-58s %6.1fs  %d passed%s\n", e.Package, e.Elapsed, p.passed, skips(p.skipped))
	default:
		r.untested++
	}
	r.passed += p.passed
	r.failed += p.failed
	delete(r.packages, e.Package)
}

// skips returns the end of a package's line, empty if it skipped no test.
func skips(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(", %d skipped", n)
}

// problem counts and prints an error outside every test.
func (r *report) problem(dir string, err error) {
	r.failed++
	fmt.Fprintf(r.w, "FAIL  %s: %v\n", dir, err)
}

// close prints the closing lines and reports whether the run was a success.
func (r *report) close(took time.Duration) bool {
	for name := range r.packages { // go test died before the end of this one
		r.failed++
		fmt.Fprintf(r.w, "FAIL  %s did not end\n", name)
	}
	for _, s := range r.skipped {
		if r.mayskip {
			fmt.Fprintf(r.w, "skipped: %s\n", s)
		} else {
			fmt.Fprintf(r.w, "skipped, and counted as failed: %s\n", s)
		}
	}
	if len(r.slowest) > 0 {
		fmt.Fprintln(r.w, "\nthe slowest tests, some of which ran side by side:")
	}
	for _, t := range r.slowest {
		fmt.Fprintf(r.w, "%6.1fs  %s\n", t.seconds, t.name)
	}
	fmt.Fprintf(r.w, "\nall tests took %s; %d packages have none of their own\n", took.Round(time.Second), r.untested)
	if r.passed == 0 && r.failed == 0 {
		fmt.Fprintln(r.w, "no test ran, which is a failure")
	}
	fmt.Fprintf(r.w, "%d passed, %d failed\n", r.passed, r.failed)
	return r.passed > 0 && r.failed == 0
}

func (r *report) print(lines []string) {
	for _, l := range lines {
		io.WriteString(r.w, l)
	}
}
