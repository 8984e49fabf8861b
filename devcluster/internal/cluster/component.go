package cluster

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"syscall"
	"time"

	"github.com/skiff-k8s/skiff/devcluster/internal/gate"
	"github.com/skiff-k8s/skiff/devcluster/internal/process"
)

// State is the state of a component.
//
//	          Start             ready                Pause
//	Stopped ─────────▶ Starting ─────▶ Running ◀───────────▶ Paused
//	   ▲                  │               │       Resume       │
//	   │      ended early │      Stop, Kill                    │
//	   │◀─────────────────┘               ▼      Stop, Kill    │
//	   └────────── ended ───────────── Stopping ◀──────────────┘
//
// If a component ends by itself while it is Running or Paused, it is Failed, and so is the cluster.
// Failed is final.
type State string

const (
	Stopped  State = "stopped"  // no process; the initial state
	Starting State = "starting" // a process that does not serve yet, or waits for its turn
	Running  State = "running"  // it has served, and was not asked to end
	Paused   State = "paused"   // stopped by SIGSTOP: its connections stand, nothing answers
	Stopping State = "stopping" // asked to end, still there
	Failed   State = "failed"   // ended without being asked to
)

// component is one program of the cluster.
type component struct {
	name  string
	spec  func() process.Spec
	ready func(context.Context) error // returns when it serves, or when the context ends
	grace time.Duration               // how long it may take to end when asked to
	fail  func(error)                 // called once, if it ends by itself

	op sync.Mutex // held by each change for as long as it takes, so that there is one at a time

	mu    sync.Mutex // guards what follows; proc changes under op as well, so that op's holder may read it
	state State
	proc  *process.Process // the latest; nil before the first start
}

// State returns the component's state.
func (c *component) State() State {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state
}

// PID returns the process id; 0 means that there is no process.
func (c *component) PID() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.proc == nil || c.state == Stopped || c.state == Failed {
		return 0
	}
	return c.proc.PID()
}

// begin changes the state from one of the given states to another, or returns an error if the
// component is in none of them.
func (c *component) begin(verb string, to State, from ...State) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range from {
		if c.state == s {
			c.state = to
			return nil
		}
	}
	return fmt.Errorf("%s %s: it is %s", verb, c.name, c.state)
}

func (c *component) set(s State) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.state = s
}

// Start starts the program and returns when it serves. If that fails, or if the context ends first,
// no process is left.
func (c *component) Start(ctx context.Context) error {
	c.op.Lock()
	defer c.op.Unlock()
	if err := c.launch(); err != nil {
		return err
	}
	return c.await(ctx, gate.Plain)
}

// Launch makes the process, which waits for Begin. Stop and Kill end it before.
func (c *component) Launch() error {
	c.op.Lock()
	defer c.op.Unlock()
	return c.launch()
}

// Begin lets the launched process begin and returns when it serves. If that fails, or if the context
// ends first, no process is left.
func (c *component) Begin(ctx context.Context, way gate.Way) error {
	c.op.Lock()
	defer c.op.Unlock()
	return c.await(ctx, way)
}

// launch makes the process. Callers hold op.
func (c *component) launch() error {
	if err := c.begin("start", Starting, Stopped); err != nil {
		return err
	}
	proc, err := process.Start(c.spec())
	if err != nil {
		c.set(Stopped)
		return err
	}
	c.mu.Lock()
	c.proc = proc
	c.mu.Unlock()
	return nil
}

// await lets the launched process begin and waits until it serves. Callers hold op.
func (c *component) await(ctx context.Context, way gate.Way) error {
	c.proc.Begin(way)
	err := c.during(ctx, c.ready)
	if err == nil {
		err = c.begin("start", Running, Starting)
	}
	if err != nil {
		c.proc.Kill()
		c.set(Stopped)
		return err
	}
	go c.watch(c.proc)
	return nil
}

// during calls wait, and ends it when the process or the context ends. Its error is the first of
// the three: the error of wait, the end of the process, or the end of the context.
func (c *component) during(ctx context.Context, wait func(context.Context) error) error {
	waiting, cancel := context.WithCancel(ctx)
	defer cancel()
	result := make(chan error, 1)
	go func() { result <- wait(waiting) }()
	select {
	case err := <-result:
		if err != nil {
			return fmt.Errorf("%s did not get ready: %w%s", c.name, err, c.proc.LogTail())
		}
		return nil
	case <-c.proc.Done():
		cancel()
		<-result
		return fmt.Errorf("before it was ready, %w", c.proc.ExitError())
	}
}

// watch calls fail when the process ends without being asked to.
func (c *component) watch(proc *process.Process) {
	<-proc.Done()
	c.mu.Lock()
	unasked := c.proc == proc && (c.state == Running || c.state == Paused)
	if unasked {
		c.state = Failed
	}
	c.mu.Unlock()
	if unasked {
		c.fail(proc.ExitError())
	}
}

// Stop asks the program to end and returns when it has. After its grace the program is killed,
// which is not an error. If the component is stopped already, Stop does nothing.
func (c *component) Stop() error {
	c.op.Lock()
	defer c.op.Unlock()
	return c.end("stop", func() { c.proc.Stop(c.grace) })
}

// Kill ends the program as a crash would and returns when it has ended.
func (c *component) Kill() error {
	c.op.Lock()
	defer c.op.Unlock()
	return c.end("kill", func() { c.proc.Kill() })
}

func (c *component) end(verb string, end func()) error {
	switch s := c.State(); s {
	case Stopped, Failed: // nothing there to end
		return nil
	}
	// Starting under op is a process that waits for its turn.
	if err := c.begin(verb, Stopping, Starting, Running, Paused); err != nil {
		// It failed between the two looks: it has ended, which is what was wanted.
		if c.State() == Failed {
			return nil
		}
		return err
	}
	end()
	c.set(Stopped)
	return nil
}

// Pause freezes the program: connections stay open and nothing is answered.
func (c *component) Pause() error {
	return c.signal("pause", syscall.SIGSTOP, Paused, Running)
}

// Resume resumes a paused program.
func (c *component) Resume() error {
	return c.signal("resume", syscall.SIGCONT, Running, Paused)
}

func (c *component) signal(verb string, s syscall.Signal, to, from State) error {
	c.op.Lock()
	defer c.op.Unlock()
	if err := c.begin(verb, to, from); err != nil {
		return err
	}
	if err := c.proc.Signal(s); err != nil {
		return fmt.Errorf("%s %s: %w", verb, c.name, err)
	}
	return nil
}

// Restart stops the program and starts it again. The context limits the start. If the start fails,
// the component is stopped.
func (c *component) Restart(ctx context.Context) error {
	return errors.Join(c.Stop(), c.Start(ctx))
}
