// Package guard runs a user's command, and ends it and all its processes with devcluster.
//
// The programs of the cluster end with devcluster by their lifeline. A user's command has no
// lifeline and may start further commands. So it runs under a guard: a second process of this
// binary, under the name Name, which only waits. It holds a pipe from devcluster. When devcluster
// ends for any reason, the pipe closes, and the guard kills the command and all processes below it.
// It also kills the processes that the command leaves behind at its own end, because their cluster
// is gone.
//
//	devcluster ──▶ devcluster-guard ──▶ make test ──▶ go test ──▶ …
//
// The guard and the command stay in the terminal's foreground. So the command can read from the
// terminal, and Ctrl-C reaches it.
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

// NotFound is the exit code for a command that cannot be started, as in a shell.
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

// Signal sends a signal to the command only.
func (c *Command) Signal(s syscall.Signal) { c.pipe.Write([]byte{byte(s)}) }

// Kill ends the command and all processes that it started. It does not wait.
func (c *Command) Kill() { c.once.Do(func() { c.pipe.Close() }) }

// Done returns a channel that is closed when the command and all processes that it started have
// ended.
func (c *Command) Done() <-chan struct{} { return c.done }

// ExitCode returns the command's exit code or, as in a shell, 128 plus the number of the signal
// that ended it. Call it after Done is closed.
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
