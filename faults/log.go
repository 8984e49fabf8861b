package faults

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
)

// Log is a slog.Handler that keeps what is logged, at every level. Its methods are safe for concurrent
// use.
type Log struct {
	book   *book
	attrs  []slog.Attr
	groups []string
}

// book is what a Log and those derived from it have in common.
type book struct {
	began time.Time
	mu    sync.Mutex
	lines []Line
}

// Line is a logged line.
type Line struct {
	At      time.Duration // since NewLog
	Level   slog.Level
	Message string
	Text    string // the message and the attributes: `watch failed err="…"`
}

// NewLog returns an empty log.
func NewLog() *Log { return &Log{book: &book{began: time.Now()}} }

// Logger returns a logger that writes to the log.
func (l *Log) Logger() *slog.Logger { return slog.New(l) }

// Lines returns what was logged at one of these levels, or at any if there is none.
func (l *Log) Lines(levels ...slog.Level) []Line {
	l.book.mu.Lock()
	defer l.book.mu.Unlock()
	if len(levels) == 0 {
		return slices.Clone(l.book.lines)
	}
	var lines []Line
	for _, line := range l.book.lines {
		if slices.Contains(levels, line.Level) {
			lines = append(lines, line)
		}
	}
	return lines
}

// String returns the log's text, a line for each line.
func (l *Log) String() string {
	var b strings.Builder
	for _, line := range l.Lines() {
		b.WriteString(line.At.String() + " " + line.Level.String() + " " + line.Text + "\n")
	}
	return b.String()
}

// Enabled implements slog.Handler.
func (l *Log) Enabled(context.Context, slog.Level) bool { return true }

// Handle implements slog.Handler.
func (l *Log) Handle(ctx context.Context, r slog.Record) error {
	var text strings.Builder
	h := slog.Handler(slog.NewTextHandler(&text, &slog.HandlerOptions{
		Level: slog.LevelDebug,
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey || a.Key == slog.MessageKey) {
				return slog.Attr{}
			}
			return a
		},
	}))
	h = h.WithAttrs(l.attrs)
	for _, g := range l.groups {
		h = h.WithGroup(g)
	}
	if err := h.Handle(ctx, r); err != nil {
		return err
	}
	line := Line{
		At: time.Since(l.book.began), Level: r.Level, Message: r.Message,
		Text: strings.TrimSpace(r.Message + " " + text.String()),
	}
	l.book.mu.Lock()
	defer l.book.mu.Unlock()
	l.book.lines = append(l.book.lines, line)
	return nil
}

// WithAttrs implements slog.Handler.
func (l *Log) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &Log{l.book, append(slices.Clone(l.attrs), attrs...), l.groups}
}

// WithGroup implements slog.Handler.
func (l *Log) WithGroup(name string) slog.Handler {
	return &Log{l.book, l.attrs, append(slices.Clone(l.groups), name)}
}
