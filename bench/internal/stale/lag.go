package stale

import (
	"context"
	"net/http"
	"time"

	"github.com/skiff-k8s/skiff/faults"
)

// lag delivers all of an answer's body a fixed time after it was sent, as a slow watch does.
func lag(d time.Duration) faults.Fault {
	return faults.NewFault("lag "+d.String(), func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ctx, cancel := context.WithCancel(r.Context())
			late := &lateWriter{w, make(chan piece, 1<<16)}
			done := make(chan struct{})
			go func() {
				defer close(done)
				late.deliver(ctx, d)
				cancel() // the server need not go on if the client has gone
			}()
			defer func() { <-done }()
			defer close(late.pieces)
			next.ServeHTTP(late, r.WithContext(ctx))
		})
	})
}

type piece struct {
	sent time.Time
	data []byte
}

// lateWriter is a ResponseWriter whose body is delivered by deliver.
type lateWriter struct {
	w      http.ResponseWriter
	pieces chan piece
}

func (l *lateWriter) Header() http.Header { return l.w.Header() }

func (l *lateWriter) WriteHeader(code int) {
	l.w.WriteHeader(code)
	_ = http.NewResponseController(l.w).Flush()
}

func (l *lateWriter) Write(p []byte) (int, error) {
	l.pieces <- piece{time.Now(), append([]byte(nil), p...)}
	return len(p), nil
}

// FlushError does nothing: deliver flushes each piece.
func (l *lateWriter) FlushError() error { return nil }

// deliver writes each piece d after it was sent. After an error it drops them.
func (l *lateWriter) deliver(ctx context.Context, d time.Duration) {
	gone := false
	for p := range l.pieces {
		if gone {
			continue
		}
		timer := time.NewTimer(time.Until(p.sent.Add(d)))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		}
		_, err := l.w.Write(p.data)
		if err == nil {
			err = http.NewResponseController(l.w).Flush()
		}
		gone = err != nil || ctx.Err() != nil
	}
}
