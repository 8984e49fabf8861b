package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"
)

// guardCommand is the argument by which the demo runs as a guard.
const guardCommand = "guard-of-addingress"

// operator is the addingress process.
//
// It runs under a guard: this program once more, which does nothing but wait for
// the end of its standard input, a pipe that this process holds open. When this
// process ends in whatever way, be it killed, the guard stops addingress.
type operator struct {
	guard *exec.Cmd
	hold  io.Closer // our end of the pipe
	log   string
	ended chan struct{} // closed when the guard, and so addingress, has ended
	err   error         // how; readable once ended is closed
}

func startAddingress(binary, kubeconfig, logFile string) (*operator, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	log, err := os.Create(logFile)
	if err != nil {
		return nil, err
	}
	defer log.Close()

	o := &operator{log: logFile, ended: make(chan struct{})}
	o.guard = exec.Command(self, guardCommand, binary, "--kubeconfig", kubeconfig)
	o.guard.Stdout, o.guard.Stderr = log, log
	// A group of its own: Ctrl-C is for us, who stop things in their order.
	o.guard.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if o.hold, err = o.guard.StdinPipe(); err != nil {
		return nil, err
	}
	if err := o.guard.Start(); err != nil {
		return nil, err
	}
	go func() {
		o.err = o.guard.Wait()
		close(o.ended)
	}()
	return o, nil
}

// stop has addingress finish, as SIGTERM does, and waits for that.
func (o *operator) stop() error {
	select {
	case <-o.ended: // on its own; who watched has said so
		return nil
	default:
	}
	o.hold.Close()
	<-o.ended
	if o.err != nil {
		return fmt.Errorf("addingress did not stop cleanly: %w\n%s", o.err, o.lastWords())
	}
	return nil
}

func (o *operator) String() string {
	return fmt.Sprintf("%s, its log in %s", o.guard.Args[2], o.log)
}

// lastWords is the end of the log.
func (o *operator) lastWords() string {
	data, err := os.ReadFile(o.log)
	if err != nil {
		return err.Error()
	}
	lines := bytes.Split(bytes.TrimSpace(data), []byte("\n"))
	return string(bytes.Join(lines[max(0, len(lines)-20):], []byte("\n")))
}

// grace is how long addingress may take to end after SIGTERM: its own drain
// timeout, and some.
const grace = 40 * time.Second

// guard runs a command until that ends or standard input does, and then stops it.
// It returns the command's exit code.
func guard(command []string) int {
	// Whoever stops us stops the command first, by closing the pipe. The signals are
	// caught and not ignored: the command would inherit that.
	signal.Notify(make(chan os.Signal, 1), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = grace // and then it is killed
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		return max(exit.ExitCode(), 1)
	case err != nil && ctx.Err() == nil:
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}
