package cluster

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"syscall"
	"time"

	"github.com/skiff-k8s/skiff/devcluster/internal/process"
)

// State is where a component is in its life.
//
//	          Start             ready                Pause
//	Stopped ─────────▶ Starting ─────▶ Running ◀───────────▶ Paused
//	   ▲                  │               │       Resume       │
//	   │      ended early │      Stop, Kill                    │
//	   │◀─────────────────┘               ▼      Stop, Kill    │
//	   └────────── ended ───────────── Stopping ◀──────────────┘
//
// A component that ends by itself while it is Running or Paused is Failed, and with it the
// cluster; nothing leads out of that.
type State string

const (
	Stopped  State = "stopped"  // no process; so it begins
	Starting State = "starting" // a process that does not serve yet
	Running  State = "running"  // it has served, and nobody asked it to end
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
	fail  func(error)                 // told, once, that it ended by itself

	op sync.Mutex // held by each change for as long as it takes, so that there is one at a time

	mu    sync.Mutex // guards what follows; proc changes under op as well, so that op's holder may read it
	state State
	proc  *process.Process // the latest; nil before the first start
}

// State says where the component is.
func (c *component) State() State {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state
}

// PID is the process's id, 0 when there is no process.
func (c *component) PID() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.proc == nil || c.state == Stopped || c.state == Failed {
		return 0
	}
	return c.proc.PID()
}

// begin makes the step from one of the given states to the next, or says why it cannot.
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

// Start starts the program and returns when it serves. When that fails, or the context ends
// first, no process is left.
func (c *component) Start(ctx context.Context) error {
	c.op.Lock()
	defer c.op.Unlock()
	if err := c.launch(); err != nil {
		return err
	}
	return c.await(ctx)
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

// await waits until the launched process serves. Callers hold op.
func (c *component) await(ctx context.Context) error {
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

// during runs wait for as long as the process lives and the context allows. What it returns says
// which of the three ended it.
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

// watch tells when the process ends without being asked to.
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

// Stop asks the program to end and returns when it has; after its grace it is killed, which is no
// error. A component that is stopped already is left so.
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
	if err := c.begin(verb, Stopping, Running, Paused); err != nil {
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

// Resume lets a paused program go on.
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

// Restart stops the program and starts it again. The context bounds the start; a failed start
// leaves it stopped.
func (c *component) Restart(ctx context.Context) error {
	return errors.Join(c.Stop(), c.Start(ctx))
}
