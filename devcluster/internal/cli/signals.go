package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// signals are the requests to end. The first one ends the context. The second one ends the process
// at once, and through the lifeline all components.
type signals struct {
	first chan os.Signal
}

// impatient is the exit status after a second signal.
const impatient = 128 + int(syscall.SIGINT)

// listen catches the signals from now on.
func listen() signals {
	caught := make(chan os.Signal, 2)
	signal.Notify(caught, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	s := signals{first: make(chan os.Signal, 1)}
	go func() {
		s.first <- <-caught
		<-caught
		fmt.Fprintln(os.Stderr, "devcluster: interrupted again, ending at once")
		os.Exit(impatient)
	}()
	return s
}

// errInterrupted is the cause of a context that a signal has ended.
var errInterrupted = errors.New("interrupted")

// context ends with the first signal.
func (s signals) context() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(context.Background())
	go func() {
		select {
		case <-s.first:
			cancel(errInterrupted)
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(nil) }
}

// interrupted turns the error of a start that a signal aborted into an exit without a message,
// because the user who pressed Ctrl-C knows the cause.
func interrupted(ctx context.Context, err error) error {
	if context.Cause(ctx) == errInterrupted {
		return status(impatient)
	}
	return err
}

// inForeground reports whether this process is in the foreground of a terminal. If so, Ctrl-C
// reaches its command as well.
func inForeground() bool {
	tty, err := os.Open("/dev/tty")
	if err != nil {
		return false
	}
	defer tty.Close()
	group, err := unix.IoctlGetInt(int(tty.Fd()), unix.TIOCGPGRP)
	return err == nil && group == unix.Getpgrp()
}
