package webhook

import (
	"context"
	"encoding/json"
	"log/slog"
	"mime"
	"net/http"
	"time"
)

const (
	// maxReview limits the body of an AdmissionReview, in bytes. The API server takes requests of
	// up to 3 MiB, and a review has the old object and the new one.
	maxReview = 8 << 20
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
	bodies  *bodies  // may be nil
	unread  *seldom  // lines about reviews that cannot be read, which strangers can cause; may be nil
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
	ctx, cancel := context.WithTimeout(r.Context(), timeoutOf(r))
	defer cancel()
	body, done, failed := env.bodies.read(ctx, h, w, r)
	if failed != nil {
		env.unread.log(env.log, "webhook did not read a review", "webhook", h.path, "error", failed)
		http.Error(w, failed.Error(), failed.code)
		return
	}
	defer done()
	answer, err := h.answer(ctx, env.log, body)
	if err != nil {
		env.unread.log(env.log, "webhook cannot read a review", "webhook", h.path, "error", err)
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	env.metrics.answered(h, answer)
	if answer.fault != "" {
		http.Error(w, answer.fault, answer.code)
		return
	}
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
