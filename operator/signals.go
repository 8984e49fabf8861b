package operator

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
)

// Signals returns a context that ends at the first SIGTERM or SIGINT. From then on a second one
// has its usual effect and ends the process at once; the log says so. stop gives the signals back
// and ends the context.
func Signals(ctx context.Context, log *slog.Logger) (_ context.Context, stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		defer close(done)
		select {
		case s := <-signals:
			signal.Stop(signals)
			log.Info("told to stop; once more ends at once", "signal", s.String())
			cancel()
		case <-ctx.Done():
			signal.Stop(signals) // a second one ends the process, whoever took the first
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		cancel()
		<-done
	}
}
