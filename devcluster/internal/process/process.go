// Package process starts the cluster's components and reports how each of them ended.
//
// A component is this same binary under another name.
//
//   - It runs in its own process group. So the terminal's Ctrl-C reaches devcluster only, which stops
//     the components in order.
//
//   - It reads nothing and writes to a log file. So it depends on no other process's pipe.
//
//   - It holds its parent's lifeline, which ends it with its parent.
//
//   - It waits at its gate before it begins, see package gate.
//
//   - It holds the data folder's lock. So the folder stays locked while any process may write to it.
//
//     p, err := process.Start(process.Spec{Name: "etcd", Args: args, Log: "logs/etcd.log", …})
//     p.Begin(gate.Plain)
//     <-p.Done()
//     return p.ExitError()
package process

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/skiff-k8s/skiff/devcluster/internal/gate"
	"github.com/skiff-k8s/skiff/devcluster/internal/lifeline"
)

// Spec describes a component to start.
type Spec struct {
	Name string   // argv[0]: the program that this binary runs as
	Args []string // its arguments, without the name
	Dir  string   // its working directory
	Log  string   // the file its output is appended to

	Line *lifeline.Line // ends it with this process
	Lock *os.File       // the data folder's lock, held with it
}

// Process is a started component. Its methods are safe for concurrent use.
type Process struct {
	spec   Spec
	cmd    *exec.Cmd
	gate   *gate.Gate
	offset int64         // where its own lines begin in the log
	done   chan struct{} // closed once it has ended and cmd.ProcessState is set
}

// Start starts the component, which initializes itself and then waits for Begin. The process is reaped when it ends, even if no goroutine waits for
// it.
func Start(spec Spec) (*Process, error) {
	log, err := os.OpenFile(spec.Log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("start %s: open its log: %w", spec.Name, err)
	}
	defer log.Close() // the child has its own
	offset, err := log.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, fmt.Errorf("start %s: find the end of %s: %w", spec.Name, spec.Log, err)
	}
	self, err := Self()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", spec.Name, err)
	}
	held, err := gate.New()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", spec.Name, err)
	}
	cmd := &exec.Cmd{
		Path:        self,
		Args:        append([]string{spec.Name}, spec.Args...),
		Dir:         spec.Dir,
		Env:         append(os.Environ(), lifeline.Env),
		Stdout:      log,
		Stderr:      log,
		ExtraFiles:  []*os.File{spec.Line.File(), spec.Lock, held.File()},
		SysProcAttr: DieWithParent(&syscall.SysProcAttr{Setpgid: true}),
	}
	if err := Spawn(cmd.Start); err != nil {
		held.Close()
		return nil, fmt.Errorf("start %s: %w", spec.Name, err)
	}
	p := &Process{spec: spec, cmd: cmd, gate: held, offset: offset, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		cmd.Wait() // what it returns is in ProcessState too
		held.Close()
	}()
	return p, nil
}

// Begin lets the component begin, in the given way. Call it once.
func (p *Process) Begin(way gate.Way) { p.gate.Open(way) }

// Name returns the component's name.
func (p *Process) Name() string { return p.spec.Name }

// PID returns the process id. After Done is closed, another process may have that id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Done returns a channel that is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Signal sends a signal. If the process has ended, it does nothing.
func (p *Process) Signal(s syscall.Signal) error {
	err := p.cmd.Process.Signal(s)
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}

// Stop asks the process to end, kills it after grace, and returns when it has ended. It reports
// whether the process ended without being killed. A paused process is resumed first, because it
// cannot react to a signal.
func (p *Process) Stop(grace time.Duration) (graceful bool) {
	p.Signal(syscall.SIGTERM)
	p.Signal(syscall.SIGCONT)
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-p.done:
		return true
	case <-timer.C:
		p.Kill()
		return false
	}
}

// Kill ends the process at once and returns when it has ended.
func (p *Process) Kill() {
	p.Signal(syscall.SIGKILL)
	<-p.done
}

// ExitError returns an error with the way the process ended, the last relevant lines of its log,
// and the log's path. It is never nil: a component that ends unasked is an error even with status
// 0. Call it after Done is closed.
func (p *Process) ExitError() error {
	return fmt.Errorf("%s ended: %s%s", p.spec.Name, p.cmd.ProcessState, p.LogTail())
}

// LogTail returns the last relevant lines of the log, indented, with the log's path, for the end of
// an error message.
func (p *Process) LogTail() string {
	lines, err := tail(p.spec.Log, p.offset)
	switch {
	case err != nil:
		return fmt.Sprintf("\n  its log cannot be read: %v", err)
	case len(lines) == 0:
		return fmt.Sprintf("\n  its log is empty: %s", p.spec.Log)
	}
	text := fmt.Sprintf("\n  its log, %s, ends with:", p.spec.Log)
	for _, line := range lines {
		text += "\n    " + line
	}
	return text
}

// Self returns the path by which this binary starts itself again.
func Self() (string, error) {
	// Not os.Executable: a `make devcluster` while a cluster runs puts another file in that place.
	if _, err := os.Stat("/proc/self/exe"); err == nil {
		return "/proc/self/exe", nil
	}
	path, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find this program's own file: %w", err)
	}
	return filepath.EvalSymlinks(path)
}
