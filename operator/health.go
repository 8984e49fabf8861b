package operator

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Probe is which of the two questions of a kubelet a check belongs to.
type Probe int

const (
	// Ready checks decide whether the operator can do its work now (/readyz).
	Ready Probe = iota
	// Live checks decide whether the process has to be started again (/healthz). A server or
	// network that is gone is no reason: a new process would find the same.
	Live
	// Shown checks decide nothing. /readyz?verbose shows them beside those of Ready, and /readyz/NAME
	// asks one.
	Shown
)

// DefaultCheckTimeout limits one call of a check. It is below the timeout of a kubelet's probe
// that is often set, 5 seconds.
const DefaultCheckTimeout = 4 * time.Second

// Health answers the probes /healthz and /readyz, as the API server answers its own: "ok" and
// status 200, or status 500 and a line for each check. The query ?verbose writes the lines always,
// ?exclude=NAME leaves a check out, and /readyz/NAME asks one check.
//
// The checks run at the same time, each at most once at a time: while a check hangs, further probes
// wait for the same call. Health is safe for concurrent use. The zero value has no checks and
// answers "ok".
type Health struct {
	mu     sync.Mutex
	checks []*check
}

// check is one named function.
type check struct {
	name  string
	probe Probe
	f     func(context.Context) error

	mu   sync.Mutex
	call *call // the one that is running; nil if none is
}

// call is one call of a check's function.
type call struct {
	began time.Time
	done  chan struct{}
	err   error // set before done is closed
}

// Add adds a check. f returns nil if all is well; its error is shown to whoever asks, so it holds
// no secret. f is given a context that ends after DefaultCheckTimeout. Add replaces a check of the
// same name and path: a Shown one by a Ready one, for example.
func (h *Health) Add(name string, p Probe, f func(context.Context) error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := &check{name: name, probe: p, f: f}
	for i, old := range h.checks {
		if old.name == name && (old.probe == Live) == (p == Live) {
			h.checks[i] = c
			return
		}
	}
	h.checks = append(h.checks, c)
}

// ServeHTTP answers /healthz, /livez (the same), /readyz, and these with /NAME behind them. Any
// other path is 404.
func (h *Health) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	kind, name, _ := strings.Cut(strings.Trim(r.URL.Path, "/"), "/")
	p := Live
	switch kind {
	case "healthz", "livez":
	case "readyz":
		p = Ready
	default:
		http.NotFound(w, r)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	excluded := r.URL.Query()["exclude"]
	checks := h.of(p)
	if p == Ready {
		checks = append(checks, h.of(Shown)...)
	}
	if name != "" {
		checks = slices.DeleteFunc(checks, func(c *check) bool { return c.name != name })
		if len(checks) == 0 {
			http.NotFound(w, r)
			return
		}
	}
	report, ok := ask(r.Context(), kind, checks, excluded, name != "")
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	_, verbose := r.URL.Query()["verbose"]
	switch {
	case !ok:
		w.WriteHeader(http.StatusInternalServerError)
	case !verbose:
		report = "ok"
	}
	_, _ = w.Write([]byte(report))
}

// Err returns nil if all checks of p pass, and an error that names those that do not.
func (h *Health) Err(ctx context.Context, p Probe) error {
	var errs []error
	checks := h.of(p)
	for i, err := range results(ctx, checks) {
		if err != nil {
			errs = append(errs, fmt.Errorf("check %s: %w", checks[i].name, err))
		}
	}
	return errors.Join(errs...)
}

func (h *Health) of(p Probe) (checks []*check) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range h.checks {
		if c.probe == p {
			checks = append(checks, c)
		}
	}
	return checks
}

// ask runs the checks and returns the lines about them. shown reports whether those that are Shown
// count.
func ask(ctx context.Context, kind string, checks []*check, excluded []string, shown bool) (report string,
	ok bool) {
	var lines strings.Builder
	var asked []*check
	unknown := slices.Clone(excluded)
	for _, c := range checks {
		if slices.Contains(excluded, c.name) {
			unknown = slices.DeleteFunc(unknown, func(name string) bool { return name == c.name })
			fmt.Fprintf(&lines, "[+]%s excluded: ok\n", c.name)
			continue
		}
		asked = append(asked, c)
	}
	ok = true
	for i, err := range results(ctx, asked) {
		if err == nil {
			fmt.Fprintf(&lines, "[+]%s ok\n", asked[i].name)
			continue
		}
		if asked[i].probe == Shown && !shown {
			fmt.Fprintf(&lines, "[!]%s failed, which does not count: %s\n", asked[i].name, oneLine(err.Error()))
			continue
		}
		ok = false
		fmt.Fprintf(&lines, "[-]%s failed: %s\n", asked[i].name, oneLine(err.Error()))
	}
	for _, name := range unknown {
		fmt.Fprintf(&lines, "warn: no check to exclude is named %q\n", name)
	}
	if ok {
		fmt.Fprintf(&lines, "%s check passed\n", kind)
	} else {
		fmt.Fprintf(&lines, "%s check failed\n", kind)
	}
	return lines.String(), ok
}

func oneLine(s string) string { return strings.ReplaceAll(s, "\n", "; ") }

// results runs the checks at the same time and returns their errors, in their order.
func results(ctx context.Context, checks []*check) []error {
	errs := make([]error, len(checks))
	var running sync.WaitGroup
	for i, c := range checks {
		running.Go(func() { errs[i] = c.result(ctx) })
	}
	running.Wait()
	return errs
}

// result calls the check's function, or waits for a call that is running already.
func (c *check) result(ctx context.Context) error {
	running := c.begin()
	limit := time.NewTimer(DefaultCheckTimeout)
	defer limit.Stop()
	select {
	case <-running.done:
		return running.err
	case <-limit.C:
	case <-ctx.Done():
	}
	select {
	case <-running.done: // at the same instant
		return running.err
	default:
	}
	return fmt.Errorf("no answer for %v", time.Since(running.began).Round(time.Millisecond))
}

func (c *check) begin() *call {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.call != nil {
		return c.call
	}
	running := &call{began: time.Now(), done: make(chan struct{})}
	c.call = running
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), DefaultCheckTimeout)
		defer cancel()
		err := protected(ctx, c.f)
		c.mu.Lock()
		defer c.mu.Unlock()
		running.err, c.call = err, nil
		close(running.done)
	}()
	return running
}

// protected calls f and returns its panic as an error.
func protected(ctx context.Context, f func(context.Context) error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("check panicked: %v", v)
		}
	}()
	return f(ctx)
}
