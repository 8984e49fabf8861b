package controller

import (
	"context"
	"log/slog"
)

type loggerKey struct{}

// LoggerFrom returns the controller's logger from the context of a reconcile. Its records name the
// controller and the key. For any other context it returns slog.Default().
func LoggerFrom(ctx context.Context) *slog.Logger {
	if log, ok := ctx.Value(loggerKey{}).(*slog.Logger); ok {
		return log
	}
	return slog.Default()
}

func withLogger(ctx context.Context, log *slog.Logger) context.Context {
	return context.WithValue(ctx, loggerKey{}, log)
}
