package examples_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience is how long a step may take on a machine that does other things, too.
const patience = 2 * time.Minute

// build compiles every example and returns the folder of the programs, named after their sources'.
func build(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	// Without debugging information, because the linker then takes two thirds of the time.
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-ldflags=-w", "-o", dir+"/", "./...").CombinedOutput(); err != nil {
		t.Fatalf("go build ./examples/...: %v\n%s", err, out)
	}
	return dir
}

// environment is this process's, but that none of it leads to a cluster.
func environment(t *testing.T, add ...string) []string {
	t.Helper()
	env := []string{"HOME=" + t.TempDir()}
	for _, kv := range os.Environ() {
		switch name, _, _ := strings.Cut(kv, "="); name {
		case "HOME", "KUBECONFIG", "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT":
		default:
			env = append(env, kv)
		}
	}
	return append(env, add...)
}

// output runs a program that ends by itself.
func output(t *testing.T, env []string, program string, args ...string) (stdout, stderr string, exitCode int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = env
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	if err := cmd.Run(); err != nil && !errors.As(err, new(*exec.ExitError)) {
		t.Fatalf("%s: %v", filepath.Base(program), err)
	}
	return out.String(), errOut.String(), cmd.ProcessState.ExitCode()
}

// running is a program that goes on until it is told to end.
type running struct {
	name  string
	cmd   *exec.Cmd
	lines chan string // what it prints, on both outputs; closed at the end of it
	said  []string    // the lines taken so far
}

// start starts a program. It is killed at the end of the test, should it still run by then.
func start(t *testing.T, program string, args ...string) *running {
	t.Helper()
	return startIn(t, environment(t), program, args...)
}

// startIn is start with that environment.
func startIn(t *testing.T, env []string, program string, args ...string) *running {
	t.Helper()
	r := &running{name: filepath.Base(program), lines: make(chan string, 1000)}
	r.cmd = exec.CommandContext(t.Context(), program, args...) // t's context ends before its clean-ups
	r.cmd.Env = env
	out, err := r.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	r.cmd.Stderr = r.cmd.Stdout
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if r.cmd.ProcessState == nil {
			r.cmd.Process.Kill()
			r.cmd.Wait()
		}
	})
	go func() {
		defer close(r.lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			r.lines <- s.Text()
		}
	}()
	return r
}

// waitFor waits for a line that holds text.
func (r *running) waitFor(t *testing.T, text string) {
	t.Helper()
	timeout := time.After(patience)
	for {
		select {
		case line, ok := <-r.lines:
			if !ok {
				t.Fatalf("%s ended before it said %q. It said:\n%s", r.name, text, strings.Join(r.said, "\n"))
			}
			r.said = append(r.said, line)
			if strings.Contains(line, text) {
				return
			}
		case <-timeout:
			t.Fatalf("%s did not say %q within %s. It said:\n%s", r.name, text, patience, strings.Join(r.said, "\n"))
		}
	}
}

// interrupt does what Ctrl-C does, and wants the program to end well of it.
func (r *running) interrupt(t *testing.T) {
	t.Helper()
	if err := r.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatalf("interrupting %s: %v", r.name, err)
	}
	timeout := time.AfterFunc(patience, func() { r.cmd.Process.Kill() })
	defer timeout.Stop()
	for line := range r.lines { // Wait may be called at the end of the output only
		r.said = append(r.said, line)
	}
	if err := r.cmd.Wait(); err != nil {
		t.Errorf("%s, interrupted: %v. It said:\n%s", r.name, err, strings.Join(r.said, "\n"))
	}
}
