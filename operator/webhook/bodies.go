package webhook

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"time"
)

const (
	// firstPart is how much of a body is read before bytes of a budget are taken for it: a request
	// that sends nothing takes none. A review up to that size never waits for a larger one.
	firstPart = 64 << 10
	// maxSmall limits the bodies of up to firstPart that are held at the same time, in bytes;
	// maxBodies those of larger AdmissionReviews, and again those of larger ConversionReviews. Further
	// ones wait until their time is over.
	maxSmall  = 8 << 20
	maxBodies = 32 << 20
	// readTimeout limits how long each of the two parts of a body may take to arrive. An API server
	// sends a review at once.
	readTimeout = 5 * time.Second
)

// bodies are the budgets of a server. A nil *bodies has no limits.
type bodies struct{ small, admission, conversion *budget }

func newBodies() *bodies {
	return &bodies{small: newBudget(maxSmall), admission: newBudget(maxBodies),
		conversion: newBudget(maxBodies)}
}

// of returns the budget of a body.
func (b *bodies) of(h *Hook, size int64) *budget {
	switch {
	case b == nil:
		return nil
	case size <= firstPart:
		return b.small
	case h.role == converting:
		return b.conversion
	}
	return b.admission
}

// bodyError is why a body was not read.
type bodyError struct {
	code int
	err  error
}

func (e *bodyError) Error() string { return "read review: " + e.err.Error() }

// read returns the body of a review, and a function that gives back what it took of a budget.
func (b *bodies) read(ctx context.Context, h *Hook, w http.ResponseWriter, r *http.Request) (body []byte,
	done func(), failed *bodyError) {
	size := r.ContentLength
	switch {
	case size < 0:
		// API servers send the length. Without it a byte could take all of the budget.
		return nil, nil, &bodyError{http.StatusLengthRequired, errors.New("it has no Content-Length")}
	case size > h.maxBody:
		return nil, nil, &bodyError{http.StatusRequestEntityTooLarge,
			fmt.Errorf("it has %d bytes: at most %d are read", size, h.maxBody)}
	}
	conn := http.NewResponseController(w)
	// The error is that a test's ResponseWriter has no deadlines. In the end there is none, since
	// the end of a deadline would end the request's context.
	defer func() { _ = conn.SetReadDeadline(time.Time{}) }()
	_ = conn.SetReadDeadline(time.Now().Add(readTimeout))
	body, err := io.ReadAll(io.LimitReader(r.Body, min(size, firstPart)))
	if err != nil {
		return nil, nil, unread(err)
	}
	_ = conn.SetReadDeadline(time.Time{})
	budget := b.of(h, size)
	if err := budget.take(ctx, size); err != nil {
		return nil, nil, &bodyError{http.StatusServiceUnavailable,
			fmt.Errorf("too many reviews at the same time: %w", err)}
	}
	if left := size - int64(len(body)); left > 0 {
		body = append(make([]byte, 0, size), body...)
		_ = conn.SetReadDeadline(time.Now().Add(readTimeout))
		n, err := io.ReadFull(r.Body, body[len(body):size])
		if err != nil {
			budget.give(size)
			return nil, nil, unread(err)
		}
		body = body[:len(body)+n]
	}
	return body, func() { budget.give(size) }, nil
}

func unread(err error) *bodyError {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return &bodyError{http.StatusRequestTimeout, fmt.Errorf("it did not arrive in %v", readTimeout)}
	}
	return &bodyError{http.StatusBadRequest, err}
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
