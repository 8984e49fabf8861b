// Package guard runs a command that is not ours, and lets nothing of it outlive us.
//
// The programs of the cluster end with devcluster by their lifeline. A user's command knows of no
// lifeline and may start commands of its own, so that it runs under a guard: this binary once
// more, under the name Name, which does nothing but wait. It holds a pipe from devcluster; when
// that closes, however devcluster ended, the guard kills the command and everything below it. What
// the command leaves running at its own end is killed too: its cluster is gone.
//
//	devcluster ──▶ devcluster-guard ──▶ make test ──▶ go test ──▶ …
//
// The guard and the command stay in the terminal's foreground, so that the command may ask
// questions there, and Ctrl-C reaches it as ever.
package guard

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"

	"github.com/skiff-k8s/skiff/devcluster/internal/process"
)

// Name is the argv[0] by which the binary becomes a guard.
const Name = "devcluster-guard"

// descriptor is where the guard finds its pipe.
const descriptor = 3

// NotFound is the exit code of a command that cannot be started, as a shell has it.
const NotFound = 127

// Command is a user's command under its guard.
type Command struct {
	cmd  *exec.Cmd
	pipe *os.File
	once sync.Once
	done chan struct{}
	code int
}

// Start runs the program at path with the given arguments (the first is its name), this process's
// standard streams and the given environment.
func Start(path string, args, env []string) (*Command, error) {
	self, err := process.Self()
	if err != nil {
		return nil, fmt.Errorf("run %s: %w", path, err)
	}
	read, write, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("run %s: make its guard's pipe: %w", path, err)
	}
	defer read.Close()
	c := &Command{
		cmd: &exec.Cmd{
			Path:       self,
			Args:       append([]string{Name, path}, args...),
			Env:        env,
			Stdin:      os.Stdin,
			Stdout:     os.Stdout,
			Stderr:     os.Stderr,
			ExtraFiles: []*os.File{read},
		},
		pipe: write,
		done: make(chan struct{}),
	}
	if err := c.cmd.Start(); err != nil {
		write.Close()
		return nil, fmt.Errorf("run %s: start its guard: %w", path, err)
	}
	go func() {
		defer close(c.done)
		c.code = exitCode(c.cmd.Wait())
		c.Kill() // closes the pipe
	}()
	return c, nil
}

// Signal sends the command, and only the command, a signal.
func (c *Command) Signal(s syscall.Signal) { c.pipe.Write([]byte{byte(s)}) }

// Kill ends the command and all that it started. It does not wait.
func (c *Command) Kill() { c.once.Do(func() { c.pipe.Close() }) }

// Done is closed when the command and all that it started have ended.
func (c *Command) Done() <-chan struct{} { return c.done }

// ExitCode is the command's own, or 128 and the number of the signal that ended it, as a shell has
// it. Call it once Done is closed.
func (c *Command) ExitCode() int { return c.code }

func exitCode(err error) int {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit) && exit.Exited():
		return exit.ExitCode()
	case errors.As(err, &exit):
		return 128 + int(exit.Sys().(syscall.WaitStatus).Signal())
	default:
		return 1
	}
}
