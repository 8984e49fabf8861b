package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"mime"
	"net/http"
	"sync"
	"time"
)

const (
	// maxReview limits the body of an AdmissionReview, in bytes. The API server takes requests of
	// up to 3 MiB, and a review has the old object and the new one.
	maxReview = 8 << 20
	// maxBodies limits the bodies of all reviews of a server that are answered at the same time, in
	// bytes. Further reviews wait, unread, until their time is over.
	maxBodies = 32 << 20
	// maxTimeout is the longest that an API server waits for an admission webhook, and what a
	// review has whose URL names no timeout.
	maxTimeout = 30 * time.Second
	// maxMargin is the most that a function has less than the API server waits, so that the answer
	// still arrives. It is a tenth of a shorter timeout.
	maxMargin = 500 * time.Millisecond
)

// environment is what a server gives to its hooks.
type environment struct {
	log     *slog.Logger
	metrics *metrics // may be nil
	bodies  *budget  // may be nil
}

// serve answers one review.
func (h *Hook) serve(w http.ResponseWriter, r *http.Request, env environment) {
	if h.err != nil {
		http.Error(w, h.err.Error(), http.StatusInternalServerError)
		return
	}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", "POST")
		http.Error(w, "a review is sent with POST", http.StatusMethodNotAllowed)
		return
	}
	if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil ||
		t != "application/json" {
		http.Error(w, "a review is application/json", http.StatusUnsupportedMediaType)
		return
	}
	if r.ContentLength > h.maxBody {
		http.Error(w, "the review is too large", http.StatusRequestEntityTooLarge)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), timeoutOf(r))
	defer cancel()
	size := r.ContentLength
	if size < 0 {
		size = h.maxBody
	}
	if err := env.bodies.take(ctx, size); err != nil {
		env.log.Error("webhook is busy, a review was not answered", "webhook", h.path, "error", err)
		http.Error(w, "too many reviews at the same time", http.StatusServiceUnavailable)
		return
	}
	defer env.bodies.give(size)
	var body bytes.Buffer
	body.Grow(int(max(r.ContentLength, 0)) + bytes.MinRead) // so that it does not grow
	if _, err := body.ReadFrom(http.MaxBytesReader(w, r.Body, h.maxBody)); err != nil {
		code := http.StatusBadRequest
		if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
			code = http.StatusRequestEntityTooLarge
		}
		http.Error(w, "read review: "+err.Error(), code)
		return
	}
	answer, err := h.answer(ctx, env.log, body.Bytes())
	if err != nil {
		env.log.Error("webhook cannot read a review", "webhook", h.path, "error", err)
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	env.metrics.answered(h, answer)
	w.Header().Set("Content-Type", "application/json")
	data, err := json.Marshal(answer.review)
	if err != nil {
		env.log.Error("webhook cannot write its answer", "webhook", h.path, "error", err)
		http.Error(w, "write answer: "+err.Error(), http.StatusInternalServerError)
		return
	}
	_, _ = w.Write(data)
}

// timeoutOf returns how long a function may take: a little less than the API server waits, which it
// says in the URL.
func timeoutOf(r *http.Request) time.Duration {
	d, err := time.ParseDuration(r.URL.Query().Get("timeout"))
	if err != nil || d <= 0 || d > maxTimeout {
		d = maxTimeout
	}
	return d - min(d/10, maxMargin)
}

// budget limits how many bytes are in use at the same time. A nil budget has no limit.
type budget struct {
	mu    sync.Mutex
	left  int64         // guarded by mu
	freed chan struct{} // guarded by mu: closed when some are given back
}

func newBudget(bytes int64) *budget { return &budget{left: bytes, freed: make(chan struct{})} }

// take waits until n bytes are free, and takes them. Its error is that of ctx.
func (b *budget) take(ctx context.Context, n int64) error {
	if b == nil {
		return nil
	}
	for {
		b.mu.Lock()
		if b.left >= n {
			b.left -= n
			b.mu.Unlock()
			return nil
		}
		freed := b.freed
		b.mu.Unlock()
		select {
		case <-freed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (b *budget) give(n int64) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.left += n
	close(b.freed)
	b.freed = make(chan struct{})
}
