package controller

import (
	"context"
	"log/slog"
)

type loggerKey struct{}

// LoggerFrom returns the controller's logger from the context of a reconcile. Its
// records say which controller and which key they are about. In another context
// it is slog.Default.
func LoggerFrom(ctx context.Context) *slog.Logger {
	if log, ok := ctx.Value(loggerKey{}).(*slog.Logger); ok {
		return log
	}
	return slog.Default()
}

func withLogger(ctx context.Context, log *slog.Logger) context.Context {
	return context.WithValue(ctx, loggerKey{}, log)
}
