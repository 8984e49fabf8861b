package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
)

const (
	// needsControlPlane is in the words of controlplane under -short.
	needsControlPlane = "this test needs a control plane"
	library           = "github.com/skiff-k8s/skiff"
)

// test names a top-level test.
type test struct{ pkg, name string }

func (t test) String() string {
	return strings.TrimPrefix(strings.TrimPrefix(t.pkg, library), "/") + " " + t.name
}

// outcome is what a test said.
type outcome struct {
	name string
	text string
}

// result is the run of all cluster tests on one version.
type result struct {
	binary  binary
	passed  int
	skipped []outcome // the text is the reason
	failed  []outcome // the text is the test's output
}

// event is a line of `go test -json`.
type event struct {
	Action, Package, Test, Output string
}

// clusterTests returns the tests of the library that ask for a control plane, in order.
func clusterTests(root string) ([]test, error) {
	out, err := command(root, "go", "list", "-f",
		`{{.ImportPath}} {{range .TestImports}}{{.}} {{end}}{{range .XTestImports}}{{.}} {{end}}`, "./...")
	if err != nil {
		return nil, err
	}
	var packages []string
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		if slices.Contains(fields[1:], library+"/controlplane") {
			packages = append(packages, fields[0])
		}
	}
	var tests []test
	err = goTest(root, nil, append([]string{"-short"}, packages...), func(e event) {
		if e.Action != "output" || e.Test == "" || !strings.Contains(e.Output, needsControlPlane) {
			return
		}
		top, _, _ := strings.Cut(e.Test, "/")
		if t := (test{e.Package, top}); !slices.Contains(tests, t) {
			tests = append(tests, t)
		}
	})
	if err == nil && len(tests) == 0 {
		err = fmt.Errorf("no test was skipped because it %q", needsControlPlane)
	}
	return tests, err
}

// runTests runs the tests with a devcluster.
func runTests(root string, b binary, tests []test) (result, error) {
	var packages, names []string
	for _, t := range tests {
		packages = append(packages, t.pkg)
		names = append(names, regexp.QuoteMeta(t.name))
	}
	slices.Sort(packages)
	slices.Sort(names)
	args := []string{"-timeout", "30m", "-run", "^(" + strings.Join(slices.Compact(names), "|") + ")$"}
	c := newCollector(tests)
	env := []string{"SKIFF_DEVCLUSTER=" + b.path}
	err := goTest(root, env, append(args, slices.Compact(packages)...), func(e event) {
		if e.Test == "" && (e.Action == "pass" || e.Action == "fail") {
			fmt.Printf("matrix: %s: %s: %s\n", b.kubernetes, e.Package, e.Action)
		}
		c.add(e)
	})
	r := c.result()
	r.binary = b
	return r, err
}

// goTest runs `go test -json` and calls each for each of its events. The error is one of running the
// command, and not a test's.
func goTest(root string, env, args []string, each func(event)) error {
	cmd := exec.Command("go", append([]string{"test", "-json", "-count=1", "-p", "2"}, args...)...)
	cmd.Dir, cmd.Env, cmd.Stderr = root, append(os.Environ(), env...), os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) == nil {
			each(e)
		}
	}
	err = cmd.Wait()
	if exit := new(exec.ExitError); errors.As(err, &exit) && exit.ExitCode() == 1 {
		err = nil // a test failed
	}
	return errors.Join(lines.Err(), err)
}

// collector keeps what each test said.
type collector struct {
	wanted map[test]bool
	output map[test]string
	state  map[test]string // the last of pass, skip, fail
}

func newCollector(tests []test) *collector {
	c := &collector{wanted: map[test]bool{}, output: map[test]string{}, state: map[test]string{}}
	for _, t := range tests {
		c.wanted[t] = true
	}
	return c
}

// add takes an event. Output of a subtest is its test's. A test that is skipped in a subtest only has
// passed in the others, and counts as passed.
func (c *collector) add(e event) {
	top, sub, _ := strings.Cut(e.Test, "/")
	t := test{e.Package, top}
	switch {
	case !c.wanted[t]:
	case e.Action == "output":
		c.output[t] += e.Output
	case sub == "" && (e.Action == "pass" || e.Action == "skip" || e.Action == "fail"):
		c.state[t] = e.Action
	}
}

// said matches the words of a skip: `    file_test.go:12: words`.
var said = regexp.MustCompile(`(?m)^ +\S+\.go:\d+: (.*)$`)

// result returns what there is. A test without an end has failed: its process ended before.
func (c *collector) result() result {
	var r result
	for t := range c.wanted {
		switch c.state[t] {
		case "pass":
			r.passed++
		case "skip":
			reason := "no reason given"
			if m := said.FindAllStringSubmatch(c.output[t], -1); m != nil {
				reason = m[len(m)-1][1]
			}
			r.skipped = append(r.skipped, outcome{t.String(), reason})
		default:
			r.failed = append(r.failed, outcome{t.String(), c.output[t]})
		}
	}
	byName := func(a, b outcome) int { return strings.Compare(a.name, b.name) }
	slices.SortFunc(r.skipped, byName)
	slices.SortFunc(r.failed, byName)
	return r
}
