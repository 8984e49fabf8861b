//go:build unix

package controlplane

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// readiness returns why a component does not serve yet, and nil when it does.
type readiness func(context.Context) error

// component is one of the programs. Its methods are safe for concurrent use; one change happens at a
// time.
type component struct {
	name, path string
	args       []string
	dir        string // the working directory
	log        string // the file that its output is appended to
	ready      readiness
	grace      time.Duration   // how long it may take to end when it is asked to
	life       context.Context // ends a start
	changed    func()          // called when there is another process, or none

	change sync.Mutex // held during each change
	paused bool       // guarded by change

	mu      sync.Mutex
	running *instance // guarded by mu; nil: there is none that was not asked to end
}

// instance is one process of a component.
type instance struct {
	cmd    *exec.Cmd
	offset int64         // where its lines begin in the log
	done   chan struct{} // closed when it has been waited for
}

// do makes one change.
func (c *component) do(ctx context.Context, verb string) error {
	c.change.Lock()
	defer c.change.Unlock()
	var err error
	switch verb {
	case "start":
		err = c.begin(ctx)
	case "stop":
		err = c.terminate(syscall.SIGTERM)
	case "kill":
		err = c.terminate(syscall.SIGKILL)
	case "restart":
		if err = c.terminate(syscall.SIGTERM); err == nil {
			err = c.begin(ctx)
		}
	case "pause":
		err = c.pause(syscall.SIGSTOP, true)
	case "resume":
		err = c.pause(syscall.SIGCONT, false)
	default:
		err = errors.New("there is no such change")
	}
	if err != nil {
		return fmt.Errorf("%s %s: %w", verb, c.name, err)
	}
	return nil
}

// start starts the component for the first time.
func (c *component) start(ctx context.Context) error { return c.do(ctx, "start") }

// current returns the process, and whether it still runs.
func (c *component) current() (p *instance, alive bool) {
	c.mu.Lock()
	p = c.running
	c.mu.Unlock()
	if p == nil {
		return nil, false
	}
	select {
	case <-p.done:
		return p, false
	default:
		return p, true
	}
}

// pid returns the process id; 0 means that there is no process.
func (c *component) pid() int {
	if p, alive := c.current(); alive {
		return p.cmd.Process.Pid
	}
	return 0
}

// begin starts a process and returns when it serves. If that fails, or ctx ends first, no process is
// left.
func (c *component) begin(ctx context.Context) error {
	if _, alive := c.current(); alive {
		return errors.New("it runs")
	}
	if c.life.Err() != nil {
		return errStopped
	}
	p, err := c.launch()
	if err != nil {
		return err
	}
	c.set(p)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(c.life, func() { cancel(errStopped) })()
	go func() {
		select {
		case <-p.done:
			cancel(fmt.Errorf("it ended before it was ready: %v", p.cmd.ProcessState))
		case <-ctx.Done():
		}
	}()
	var last error
	err = poll(ctx, maxReadyPause, func() (bool, error) {
		answer := c.ready(ctx)
		if ctx.Err() == nil {
			last = answer
		}
		return answer == nil, nil
	})
	if err != nil {
		_ = c.terminate(syscall.SIGKILL)
		return fmt.Errorf("%w; the last answer was: %v%s", err, last, logTail(c.log, p.offset))
	}
	return nil
}

var errStopped = errors.New("the control plane is stopped")

// maxReadyPause is the longest pause between two questions whether a component serves.
const maxReadyPause = 50 * time.Millisecond

func (c *component) launch() (*instance, error) {
	log, err := os.OpenFile(c.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close() // the process has its own
	offset, err := log.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(c.path, c.args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = c.dir, log, log
	// A group of its own: the terminal's Ctrl-C is for the tests, which stop the components.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := spawn(cmd); err != nil {
		return nil, err
	}
	p := &instance{cmd: cmd, offset: offset, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		_ = cmd.Wait() // what it returns is in ProcessState too
	}()
	return p, nil
}

func (c *component) set(p *instance) {
	c.mu.Lock()
	c.running = p
	c.mu.Unlock()
	c.paused = false
	c.changed()
}

// terminate ends the process by a signal, and returns when it has ended. After its grace it is
// killed.
func (c *component) terminate(how syscall.Signal) error {
	p, _ := c.current()
	if p == nil {
		return nil
	}
	defer c.set(nil)
	_ = p.cmd.Process.Signal(how)
	_ = p.cmd.Process.Signal(syscall.SIGCONT) // a paused process cannot react
	timer := time.NewTimer(c.grace)
	defer timer.Stop()
	select {
	case <-p.done:
	case <-timer.C:
		_ = p.cmd.Process.Kill()
		<-p.done
	}
	return nil
}

// finish ends the component for good. Its error says that it had ended already, without being asked
// to.
func (c *component) finish(how syscall.Signal) error {
	c.change.Lock()
	defer c.change.Unlock()
	p, alive := c.current()
	if p != nil && !alive {
		c.set(nil)
		return fmt.Errorf("%s ended by itself: %v%s", c.name, p.cmd.ProcessState, logTail(c.log, p.offset))
	}
	return c.terminate(how)
}

func (c *component) pause(how syscall.Signal, paused bool) error {
	p, alive := c.current()
	switch {
	case !alive:
		return errors.New("it does not run")
	case c.paused == paused && paused:
		return errors.New("it is paused")
	case c.paused == paused:
		return errors.New("it is not paused")
	}
	if err := p.cmd.Process.Signal(how); err != nil {
		return err
	}
	c.paused = paused
	return nil
}
