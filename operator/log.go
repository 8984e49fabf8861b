package operator

import (
	"io"
	"log/slog"

	"k8s.io/klog/v2"
)

// SetLogger makes log the default of log/slog, and of klog, which k8s.io/apimachinery logs with;
// klog gives its warnings to a logger at info level. Call it before anything is made that keeps the
// default: clients, factories, controllers.
func SetLogger(log *slog.Logger) {
	slog.SetDefault(log)
	klog.SetSlogLogger(log)
}

// NewLogger returns a logger that writes to w: lines of text, or of JSON if format is "json".
func NewLogger(w io.Writer, level slog.Leveler, format string) *slog.Logger {
	opts := &slog.HandlerOptions{Level: level}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(w, opts))
	}
	return slog.New(slog.NewTextHandler(w, opts))
}
