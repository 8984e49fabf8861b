package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// binary is a package's compiled tests.
type binary struct {
	pkg   string // relative to the module's folder
	dir   string
	file  string
	tests []test

	learned bool // measure has seen all tests
}

// test is a test, an example, or a fuzz target with its seeds.
type test struct {
	name    string
	takes   time.Duration // alone, without a mutant
	reaches map[int]bool  // mutants
}

// memory is the limit of a test process's address space, in KiB: a mutant that allocates forever
// must not take the machine with it.
const memory = 6 << 20

// build compiles the tests of packages into dir, with an overlay.
func build(ctx context.Context, module, dir, overlay string, pkgs []string) error {
	args := []string{"test", "-c", "-vet=off", "-overlay", overlay, "-o", dir + string(filepath.Separator)}
	for _, pkg := range pkgs {
		args = append(args, "./"+pkg)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = module
	endWithChildren(cmd) // the compilers
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("compile the tests of %s: %w\n%s", strings.Join(pkgs, ", "), err, out)
	}
	return nil
}

// binaryOf returns the binary that build made of a package.
func binaryOf(module, dir, pkg string) *binary {
	return &binary{
		pkg: pkg, dir: filepath.Join(module, filepath.FromSlash(pkg)), file: filepath.Join(dir, path.Base(pkg)+".test"),
	}
}

var errSlow = errors.New("it takes too long")

// run runs some tests, as a mutant. The error is nil if they pass, and errSlow if they take longer
// than limit.
func (b *binary) run(ctx context.Context, mutant int, limit time.Duration, env []string, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errSlow)
	defer cancel()
	line := append([]string{"-c", fmt.Sprintf(`ulimit -v %d; exec "$0" "$@"`, memory), b.file, "-test.short"}, args...)
	cmd := exec.CommandContext(ctx, "sh", line...)
	cmd.Dir = b.dir
	cmd.Env = append(append(os.Environ(), "MUTANT="+strconv.Itoa(mutant)), env...)
	endWithChildren(cmd)
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		return out, context.Cause(ctx)
	}
	return out, err
}

// endWithChildren makes the end of cmd's context end its children too.
func endWithChildren(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
}

// measure runs every test alone, without a mutant, and notes how long each takes and which mutants
// it comes by.
//
// A test that fails three times without a mutant is left out, which is written to log.
func (b *binary) measure(ctx context.Context, log io.Writer, scratch string) error {
	out, err := b.run(ctx, 0, time.Minute, nil, "-test.list=.")
	if err != nil {
		return fmt.Errorf("list the tests of %s: %w\n%s", b.pkg, err, out)
	}
	for _, name := range strings.Fields(string(out)) {
		if strings.HasPrefix(name, "Benchmark") {
			continue
		}
		t := test{name: name, reaches: map[int]bool{}}
		reached := filepath.Join(scratch, strings.ReplaceAll(b.pkg, "/", "-")+"."+name)
		if err := os.WriteFile(reached, nil, 0o600); err != nil {
			return err
		}
		var out []byte
		for try := 0; ; try++ {
			start := time.Now()
			out, err = b.run(ctx, -1, 5*time.Minute, []string{"REACHED=" + reached}, "-test.run=^"+name+"$")
			t.takes = time.Since(start)
			if err == nil || ctx.Err() != nil || try == 2 {
				break
			}
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil { // it would kill every mutant
			fmt.Fprintf(log, "%s: %s fails without a mutant and is not used: %v\n%s", b.pkg, name, err, out)
			continue
		}
		lines, err := os.ReadFile(reached)
		if err != nil {
			return err
		}
		for _, line := range strings.Fields(string(lines)) {
			id, err := strconv.Atoi(line)
			if err != nil {
				return fmt.Errorf("read the mutants that %s comes by: %w", name, err)
			}
			t.reaches[id] = true
		}
		b.tests = append(b.tests, t)
	}
	slices.SortStableFunc(b.tests, func(x, y test) int { return int(x.takes - y.takes) })
	b.learned = true
	return nil
}

// quick is how long the tests may take together that are run before all others.
const quick = 300 * time.Millisecond

// kill runs the tests that come by a mutant, or all, quick ones first, and notes the result.
func (b *binary) kill(ctx context.Context, m *mutant, r *result, all bool) error {
	var batches [2][]string
	var takes [2]time.Duration
	for _, t := range b.tests {
		if !all && !t.reaches[m.id] {
			continue
		}
		at := 0
		if takes[0]+t.takes > quick && len(batches[0]) > 0 {
			at = 1
		}
		batches[at] = append(batches[at], t.name)
		takes[at] += t.takes
	}
	for i, names := range batches {
		if len(names) == 0 {
			continue
		}
		r.tests += len(names)
		_, err := b.run(ctx, m.id, 5*takes[i]+5*time.Second, nil,
			"-test.failfast", "-test.run=^("+strings.Join(names, "|")+")$")
		var exit *exec.ExitError
		switch {
		case err == nil:
			continue
		case errors.Is(err, errSlow):
			r.outcome = slow
		case errors.As(err, &exit):
			r.outcome = killed
		default:
			return err
		}
		return nil
	}
	return nil
}

// each calls f for every item, in as many goroutines as there are workers, until one fails.
func each[T any](ctx context.Context, workers int, items []T, f func(context.Context, T) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan T)
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			for item := range next {
				if err := f(ctx, item); err != nil {
					cancel(err)
					return
				}
			}
		})
	}
feed:
	for _, item := range items {
		select {
		case next <- item:
		case <-ctx.Done():
			break feed
		}
	}
	close(next)
	group.Wait()
	return context.Cause(ctx)
}
