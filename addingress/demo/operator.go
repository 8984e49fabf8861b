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
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// guardCommand is the argument that makes this program a guard. The arguments after it are the file
// for addingress's process id, and addingress's command line.
const guardCommand = "guard-of-addingress"

// operator is the addingress process.
//
// It runs under a guard: a second process of this program, whose standard input is a pipe that this
// process holds open. When this process ends, even if it is killed, the pipe closes and the guard
// stops addingress.
type operator struct {
	guard   *exec.Cmd
	hold    io.Closer // this process's end of the pipe
	binary  string
	log     string
	pidFile string
	ended   chan struct{} // closed when the guard, and so addingress, has ended
	err     error         // of the guard; readable after ended is closed
}

// startAddingress starts the binary. Its log and process id are files in dir.
func startAddingress(binary, kubeconfig, dir string) (*operator, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	o := &operator{
		binary:  binary,
		log:     filepath.Join(dir, "addingress.log"),
		pidFile: filepath.Join(dir, "addingress.pid"),
		ended:   make(chan struct{}),
	}
	log, err := os.Create(o.log)
	if err != nil {
		return nil, err
	}
	defer log.Close()

	o.guard = exec.Command(self, guardCommand, o.pidFile, binary, "--kubeconfig", kubeconfig)
	o.guard.Stdout, o.guard.Stderr = log, log
	ownGroup(o.guard)
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

// stop stops addingress gracefully and returns when it has ended.
func (o *operator) stop() error {
	select {
	case <-o.ended: // on its own; run reports it
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

// memory returns addingress's memory: see memory.
func (o *operator) memory() (now, peak int64, ok bool) {
	data, err := os.ReadFile(o.pidFile)
	if err != nil {
		return 0, 0, false
	}
	pid, err := strconv.Atoi(string(data))
	if err != nil {
		return 0, 0, false
	}
	return memory(pid)
}

// String returns the paths of the binary and of its log.
func (o *operator) String() string {
	return fmt.Sprintf("%s, its log in %s", relative(o.binary), o.log)
}

// relative returns path from the working directory, if it is below that.
func relative(path string) string {
	dir, err := os.Getwd()
	if err != nil {
		return path
	}
	if rel, err := filepath.Rel(dir, path); err == nil && filepath.IsLocal(rel) {
		return rel
	}
	return path
}

// lastWords returns the last 20 lines of the log.
func (o *operator) lastWords() string {
	data, err := os.ReadFile(o.log)
	if err != nil {
		return err.Error()
	}
	lines := bytes.Split(bytes.TrimSpace(data), []byte("\n"))
	return string(bytes.Join(lines[max(0, len(lines)-20):], []byte("\n")))
}

// grace is how long addingress may take to end after SIGTERM: longer than its own
// drain timeout.
const grace = 40 * time.Second

// guard runs a command and writes its process id to pidFile. It stops the command
// when standard input ends, and returns the command's exit code.
func guard(pidFile string, command []string) int {
	// The demo stops the command by closing the pipe. The signals are caught and not ignored,
	// because the command would inherit an ignored signal.
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
	err := cmd.Start()
	if err == nil {
		// Without the file the demo does not show addingress's memory, and all else works.
		_ = os.WriteFile(pidFile, []byte(strconv.Itoa(cmd.Process.Pid)), 0o600)
		err = cmd.Wait()
	}
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
