package controlplane_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/skiff-k8s/skiff/controlplane"
)

// inner, in the environment, is set where this test binary is run by one of its own tests: the tests
// below check what happens in a package of a user's.
const inner = "SKIFF_CONTROLPLANE_INNER"

func TestInnerNeedsAControlPlane(t *testing.T) {
	if os.Getenv(inner) != "" {
		controlplane.Start(t)
		t.Error("went on without a control plane")
	}
}

func TestInnerNeedsOneOfItsOwn(t *testing.T) {
	if os.Getenv(inner) != "" {
		controlplane.New(t)
		t.Error("went on without a control plane")
	}
}

func TestInnerNeedsTheBinary(t *testing.T) {
	if os.Getenv(inner) != "" {
		controlplane.Binary(t)
		t.Error("went on without a binary")
	}
}

func TestInnerNeedsNone(*testing.T) {}

// runInner runs the TestInner tests in a process of their own, whose devcluster is not there.
func runInner(t *testing.T, flags ...string) (out string, exitCode int) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, append(flags, "-test.run=^TestInner", "-test.v")...)
	cmd.Env = append(os.Environ(), inner+"=1", controlplane.EnvBinary+"="+filepath.Join(t.TempDir(), "nowhere"))
	var all bytes.Buffer
	cmd.Stdout, cmd.Stderr = &all, &all
	if err := cmd.Run(); err != nil && !errors.As(err, new(*exec.ExitError)) {
		t.Fatal(err)
	}
	return all.String(), cmd.ProcessState.ExitCode()
}

// Without a binary the tests that need a control plane fail, each with the command that builds it on a
// line of its own; the others run.
func TestWithoutABinaryEachTestThatNeedsOneFails(t *testing.T) {
	out, code := runInner(t)
	if code == 0 {
		t.Errorf("exit code 0:\n%s", out)
	}
	lines := strings.Split(out, "\n")
	for i, l := range lines {
		lines[i] = strings.TrimSpace(l)
	}
	count := func(line string) (n int) {
		for _, l := range lines {
			if l == line {
				n++
			}
		}
		return n
	}
	if n := count("make devcluster"); n != 3 {
		t.Errorf("%d lines are `make devcluster`, want 3:\n%s", n, out)
	}
	if !strings.Contains(out, "--- PASS: TestInnerNeedsNone") || strings.Contains(out, "went on") {
		t.Errorf("want three tests that end and one that passes:\n%s", out)
	}
	if strings.Contains(out, "skipped") {
		t.Errorf("something was skipped without -short:\n%s", out)
	}
}

// With -short they are skipped, with or without a binary, and one line has their number.
func TestShortSkipsWhatNeedsAControlPlane(t *testing.T) {
	out, code := runInner(t, "-test.short")
	if code != 0 {
		t.Errorf("exit code %d:\n%s", code, out)
	}
	if n := strings.Count(out, "--- SKIP: TestInner"); n != 3 {
		t.Errorf("%d tests were skipped, want 3:\n%s", n, out)
	}
	if !strings.Contains(out, "--- PASS: TestInnerNeedsNone") {
		t.Errorf("the test that needs no control plane did not run:\n%s", out)
	}
	lines := strings.Split(out, "\n")
	if !slices.Contains(lines, "3 tests that need a control plane were skipped (-short)") {
		t.Errorf("no line has the number of tests skipped:\n%s", out)
	}
}

// What the package needs of a test is what a *testing.T, a *testing.B and a *testing.F have.
var _ = []controlplane.TB{(*testing.T)(nil), (*testing.B)(nil), (*testing.F)(nil)}

// A TB that does not end its goroutine is failed or skipped all the same, and gets nothing.
func TestAFailureIsReportedOnce(t *testing.T) {
	if testing.Short() {
		t.Skip("the failure is one that -short keeps from happening")
	}
	t.Setenv(controlplane.EnvBinary, filepath.Join(t.TempDir(), "nowhere"))
	for name, start := range map[string]func(controlplane.TB) *controlplane.Cluster{
		"Start": func(tb controlplane.TB) *controlplane.Cluster { return controlplane.Start(tb) },
		"New":   func(tb controlplane.TB) *controlplane.Cluster { return controlplane.New(tb) },
	} {
		tb := &recorder{T: t}
		if c := start(tb); c != nil || len(tb.fatal) != 1 || !strings.HasSuffix(tb.fatal[0], "\nmake devcluster") {
			t.Errorf("%s: got cluster %v and failures %q", name, c, tb.fatal)
		}
	}
}

// recorder is a *testing.T whose failures are noted.
type recorder struct {
	*testing.T
	fatal []string
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.fatal = append(r.fatal, fmt.Sprintf(format, args...))
}
