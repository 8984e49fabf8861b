package webhook

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/skiff-k8s/skiff/kind"
)

// Hook is one webhook: a path, and what answers there. Validate, Default, ValidateRaw and Convert
// make one. It is an http.Handler, so that a test can call it; NewServer serves it. It is safe for
// concurrent use if its functions are.
type Hook struct {
	role         role
	path         string
	kind         kind.Info // zero of ValidateRaw
	operations   []Operation
	subresources []string      // of the configuration
	ignore       bool          // failurePolicy Ignore
	timeout      time.Duration // of the configuration
	err          error         // why it cannot be used
	maxBody      int64
	answer       func(ctx context.Context, log *slog.Logger, body []byte) (reply, error)
	versions     map[groupKind]versions // of a converting hook
}

// role is what a hook is for.
type role int

const (
	validating role = iota
	mutating
	converting
)

var roleNames = [...]string{validating: "validate", mutating: "mutate", converting: "convert"}

// reply is the answer to a review.
type reply struct {
	review   any
	code     int // of the review: 200 if it was allowed
	panicked bool
	// fault is set if the webhook failed. It is answered instead of the review, with the code: then
	// failurePolicy decides about the request, and not the webhook.
	fault string
}

// Option changes a Hook.
type Option func(*Hook)

// At sets the path of the webhook. The default is the one that kubebuilder's projects have:
// /validate-GROUP-VERSION-KIND or /mutate-GROUP-VERSION-KIND, with the kind in lower case and dots
// as dashes, and /convert.
func At(path string) Option { return func(h *Hook) { h.path = path } }

// On sets the operations for which Configurations registers the webhook. The default is Create and
// Update.
func On(operations ...Operation) Option { return func(h *Hook) { h.operations = operations } }

// Subresources makes Configurations register the webhook for subresources too, whose objects are of
// the same Go type: "status", or "ephemeralcontainers" of pods.
func Subresources(names ...string) Option { return func(h *Hook) { h.subresources = names } }

// IgnoreFailure makes Configurations write failurePolicy Ignore: the API server admits requests
// while the webhook does not answer. The default is Fail.
func IgnoreFailure() Option { return func(h *Hook) { h.ignore = true } }

// Timeout sets how long the API server waits for an answer, in Configurations: whole seconds, 1 to
// 30. 0 means the default, 10 seconds.
func Timeout(d time.Duration) Option { return func(h *Hook) { h.timeout = d } }

// newHook returns a hook whose kind may be unknown: err says so.
func newHook(r role, k kind.Info, err error, opts []Option) *Hook {
	h := &Hook{role: r, kind: k, operations: []Operation{Create, Update}, maxBody: maxReview, err: err}
	if err == nil && r != converting {
		h.path = "/" + roleNames[r] + "-" + strings.ReplaceAll(k.Group, ".", "-") + "-" + k.Version +
			"-" + strings.ToLower(k.Kind)
	}
	for _, o := range opts {
		o(h)
	}
	switch {
	case h.err != nil:
		h.err = fmt.Errorf("make webhook: %w", h.err)
	case !strings.HasPrefix(h.path, "/") || strings.ContainsAny(h.path, "?#{} "):
		h.err = fmt.Errorf("make webhook for %s: %q is no path", h.kind, h.path)
	case h.timeout < 0 || h.timeout > maxTimeout || h.timeout%time.Second != 0:
		h.err = fmt.Errorf("make webhook %s: the timeout is %v: it is whole seconds, at most 30",
			h.path, h.timeout)
	case len(h.operations) == 0:
		h.err = fmt.Errorf("make webhook %s: it is for no operation", h.path)
	case slices.ContainsFunc(h.operations, func(o Operation) bool { return !o.known() }):
		h.err = fmt.Errorf("make webhook %s: one of its operations %q is unknown", h.path, h.operations)
	}
	return h
}

// Path returns the path of its URL.
func (h *Hook) Path() string { return h.path }

// Kind returns the kind of its objects: of Convert that of the hub, of ValidateRaw none.
func (h *Hook) Kind() kind.Info { return h.kind }

// Err returns why the hook cannot be used: the kind of its Go type is not known, or an option is
// wrong. NewServer's Listen returns it too.
func (h *Hook) Err() error { return h.err }

// ServeHTTP answers a review, as a Server with this hook does, without metrics and without the
// limit for all reviews together.
func (h *Hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.serve(w, r, environment{log: slog.Default()})
}

func (o Operation) known() bool {
	return o == Create || o == Update || o == Delete || o == Connect
}
