package run

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"github.com/skiff-k8s/skiff/bench/internal/probe"
)

// Runner is a running runner: a process that holds one informer (package probe). It is not safe for
// concurrent use. The caller of StartRunner closes it.
type Runner struct {
	name   string
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	stderr tail
}

// StartRunner starts a runner's program. It is killed when ctx ends. env is added to this process's
// environment.
func StartRunner(ctx context.Context, program string, env []string, args ...string) (*Runner, error) {
	r := &Runner{name: filepath.Base(program), cmd: exec.CommandContext(ctx, program, args...)}
	// What this process was told about its own garbage collector is not for the runners.
	r.cmd.Env = append(without(os.Environ(), "GOGC", "GOMEMLIMIT", "GODEBUG", "GOMAXPROCS"), env...)
	r.cmd.Stderr = &r.stderr
	in, err := r.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := r.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	r.in, r.out = in, bufio.NewReader(out)
	if err := r.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s (make bench builds it): %w", r.name, err)
	}
	return r, nil
}

func without(env []string, names ...string) []string {
	var kept []string
	for _, e := range env {
		name, _, _ := strings.Cut(e, "=")
		drop := false
		for _, n := range names {
			drop = drop || n == name
		}
		if !drop {
			kept = append(kept, e)
		}
	}
	return kept
}

// ask sends a command to a runner and returns its answer, as T. The error is the runner's own
// error, or the way its process ended.
func ask[T any](r *Runner, words ...string) (T, error) {
	var answer struct {
		Error string `json:"error"`
	}
	var result T
	line := strings.Join(words, " ")
	if _, err := io.WriteString(r.in, line+"\n"); err != nil {
		return result, r.died(line, err)
	}
	reply, err := r.out.ReadBytes('\n')
	if err != nil {
		return result, r.died(line, err)
	}
	if err := json.Unmarshal(reply, &answer); err == nil && answer.Error != "" {
		return result, fmt.Errorf("%s: %s%s", r.name, answer.Error, r.stderr.quote())
	}
	if err := json.Unmarshal(reply, &result); err != nil {
		return result, fmt.Errorf("%s answered %q with %.200q: %w", r.name, line, reply, err)
	}
	return result, nil
}

// died ends a runner that does not answer, and returns the cause.
func (r *Runner) died(line string, cause error) error {
	if err := r.kill(); err != nil {
		cause = errors.Join(cause, err)
	}
	return fmt.Errorf("%s did not answer %q: %w%s", r.name, line, cause, r.stderr.quote())
}

// kill ends a runner that cannot be used any more. The error describes how it ended.
func (r *Runner) kill() error {
	if r.cmd.ProcessState != nil {
		return nil
	}
	r.in.Close()
	r.cmd.Process.Kill() // fails only if it has ended
	return r.cmd.Wait()
}

// Close makes the runner quit and waits for its end. It returns an error if the runner failed.
// Closing a runner that has died does nothing.
func (r *Runner) Close() error {
	if r.cmd.ProcessState != nil {
		return nil
	}
	_, err := ask[probe.Done](r, "quit")
	if err != nil {
		return err
	}
	r.in.Close()
	if err := r.cmd.Wait(); err != nil {
		return fmt.Errorf("%s: %w%s", r.name, err, r.stderr.quote())
	}
	return nil
}

// tail keeps the end of the bytes written to it, for errors.
type tail struct {
	mu   sync.Mutex
	kept []byte
}

const tailSize = 2048

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept = append(t.kept, p...)
	if extra := len(t.kept) - tailSize; extra > 0 {
		t.kept = append(t.kept[:0], t.kept[extra:]...)
	}
	return len(p), nil
}

// quote returns the kept bytes as the end of an error message; "" if there are none.
func (t *tail) quote() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if s := bytes.TrimSpace(t.kept); len(s) > 0 {
		return "; it said: " + string(s)
	}
	return ""
}
