package cli

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
)

// A SignalError is the cause of a context that a signal has ended.
type SignalError struct{ Signal syscall.Signal }

// Error names the signal.
func (e *SignalError) Error() string { return "ended by " + e.Signal.String() }

// Signals returns a context that SIGINT or SIGTERM ends. The second signal ends the process at once.
// The caller calls stop at the end.
func Signals(ctx context.Context) (signaled context.Context, stop func()) {
	signaled, cancel := context.WithCancelCause(ctx)
	received := make(chan os.Signal, 1)
	signal.Notify(received, syscall.SIGINT, syscall.SIGTERM)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		select {
		case s := <-received:
			signal.Stop(received)
			number, _ := s.(syscall.Signal)
			cancel(&SignalError{number})
		case <-signaled.Done():
		}
	}()
	return signaled, func() {
		signal.Stop(received)
		cancel(nil)
		<-ended
	}
}

// signalOf returns the signal that has ended ctx, or 0.
func signalOf(ctx context.Context) syscall.Signal {
	var e *SignalError
	if errors.As(context.Cause(ctx), &e) {
		return e.Signal
	}
	return 0
}
