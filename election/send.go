package election

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/skiff-k8s/skiff/rest"
)

// Fence returns a copy of cfg whose clients send a write only while this process leads. The
// package's comment tells how. The fence stands below the wrappers that cfg has, next to the
// connections.
//
// Programs on which each process writes, leader or not, use another client for that.
func (e *Elector) Fence(cfg *rest.Config) *rest.Config {
	out := cfg.Copy()
	host, wrap := out.Host, out.WrapTransport
	out.WrapTransport = func(next http.RoundTripper) http.RoundTripper {
		fenced := &transport{fence: &e.fence, next: next, base: basePath(host)}
		if wrap == nil {
			return fenced
		}
		return wrap(fenced)
	}
	out.Dial = e.fence.conns.by(out.Dial)
	return out
}

// basePath returns the path of a Config's Host, which stands before those of the API.
func basePath(host string) string {
	if !strings.Contains(host, "://") {
		host = "https://" + host
	}
	u, err := url.Parse(host)
	if err != nil {
		return "" // NewClient returns the error
	}
	return strings.TrimRight(u.Path, "/")
}

// transport is the http.RoundTripper of a fenced client.
type transport struct {
	fence *fence
	next  http.RoundTripper
	base  string
}

// RoundTrip sends a read as it is, and a write if this process leads.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	at := placeOf(strings.TrimPrefix(req.URL.Path, t.base))
	if reads(req) || at.reviews() {
		return t.next.RoundTrip(req)
	}
	if err := t.fence.enter(); err != nil {
		if req.Body != nil {
			_ = req.Body.Close()
		}
		return nil, err
	}
	if at.stays() || req.Header.Get("Upgrade") != "" {
		return t.stay(req)
	}
	return t.write(req, at)
}

// stay sends a write that has no limit. It waits for the answer's header until the release of the
// Lease has waited for it for as long as other writes may take.
func (t *transport) stay(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(req.Context())
	patience := t.fence.waits()
	release := context.AfterFunc(patience, cancel)
	resp, err := t.next.RoundTrip(req.Clone(ctx))
	release()
	t.fence.leave(err == nil)
	if err != nil {
		cancel()
		if refused := t.fence.look(); refused != nil && patience.Err() != nil && req.Context().Err() == nil {
			err = refused
		}
		return nil, err
	}
	if stream, ok := resp.Body.(io.ReadWriteCloser); ok { // 101
		resp.Body = &upgraded{stream, cancel}
	} else {
		resp.Body = &answer{ReadCloser: resp.Body, done: cancel}
	}
	return resp, nil
}

// write sends a write, and gives up when its time is over.
func (t *transport) write(req *http.Request, at place) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(req.Context())
	w := &write{fence: t.fence}
	w.timer = time.AfterFunc(t.fence.limit, func() { cancel(&writeTimeout{t.fence.limit}) })
	out := req.Clone(ctx)
	if at.api {
		out.URL.RawQuery = limitQuery(req.URL.RawQuery, t.fence.limit)
	}
	w.guard(out)
	resp, err := t.next.RoundTrip(out)
	w.timer.Stop()
	t.fence.leave(err == nil)
	if err == nil {
		resp.Body = &answer{ReadCloser: resp.Body, done: func() { cancel(nil) }}
		return resp, nil
	}
	if over, ok := context.Cause(ctx).(*writeTimeout); ok {
		err = over
	}
	cancel(nil)
	if refused := w.error(); refused != nil {
		err = refused
	}
	return nil, err
}

// write is a write that is under way.
type write struct {
	fence *fence
	timer *time.Timer

	mu      sync.Mutex // guards refused
	refused error
}

func (w *write) error() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.refused
}

// look looks at the last renewal once more: between the first look and this one a connection may
// have been made.
func (w *write) look() error {
	err := w.fence.look()
	if err != nil {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.refused = err
		return err
	}
	return nil
}

// guard makes each read of the request's body look at the last renewal. net/http reads the body
// when it has a connection and writes the request, also if it sends the request again; and without
// the body's end the request is not complete. A DELETE without a body gets an empty one. (net/http
// finds that it is empty and sends none.)
func (w *write) guard(req *http.Request) {
	if req.Body == nil || req.Body == http.NoBody {
		if req.Method != http.MethodDelete {
			return
		}
		req.ContentLength = 0
		req.GetBody = func() (io.ReadCloser, error) { return http.NoBody, nil }
		req.Body = http.NoBody
	}
	req.Body = &guarded{req.Body, w}
	if again := req.GetBody; again != nil {
		req.GetBody = func() (io.ReadCloser, error) {
			body, err := again()
			if err != nil {
				return nil, err
			}
			return &guarded{body, w}, nil
		}
	}
}

// guarded is the body of a write.
type guarded struct {
	io.ReadCloser
	write *write
}

func (b *guarded) Read(p []byte) (int, error) {
	if err := b.write.look(); err != nil {
		return 0, err
	}
	return b.ReadCloser.Read(p)
}

// answer is the body of the answer to a write.
type answer struct {
	io.ReadCloser
	done func()
}

func (a *answer) Close() error {
	defer a.done()
	return a.ReadCloser.Close()
}

// upgraded is the connection that answers a write with Upgrade.
type upgraded struct {
	io.ReadWriteCloser
	done func()
}

func (u *upgraded) Close() error {
	defer u.done()
	return u.ReadWriteCloser.Close()
}

// limitQuery sets the parameter timeout of a query, unless it is shorter already. kube-apiserver
// parses it by time.ParseDuration, measures it from the request's arrival and takes 0 for its own
// limit (k8s.io/apiserver, filters.WithRequestDeadline).
func limitQuery(query string, limit time.Duration) string {
	q, err := url.ParseQuery(query)
	if err != nil {
		return query // the server answers 400
	}
	if d, err := time.ParseDuration(q.Get("timeout")); err == nil && d > 0 && d <= limit {
		return query
	}
	q.Set("timeout", limit.String())
	return q.Encode()
}

// reads reports whether a request changes nothing. Exec, attach and port-forward begin by a GET,
// too, with a header Upgrade.
func reads(req *http.Request) bool {
	switch req.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return req.Header.Get("Upgrade") == ""
	}
	return false
}

// place is what the path of a request names.
type place struct {
	api         bool // a resource of the API
	group       string
	subresource string
}

// placeOf returns what a path names: /api/VERSION/… or /apis/GROUP/VERSION/…, then
// [namespaces/NAMESPACE/]RESOURCE[/NAME[/SUBRESOURCE/…]].
func placeOf(path string) place {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	p := place{api: true}
	switch {
	case len(parts) >= 3 && parts[0] == "api":
		parts = parts[2:]
	case len(parts) >= 4 && parts[0] == "apis":
		p.group, parts = parts[1], parts[3:]
	default:
		return place{}
	}
	if len(parts) >= 4 && parts[0] == "namespaces" {
		parts = parts[2:]
	}
	if len(parts) >= 3 {
		p.subresource = parts[2]
	}
	return p
}

// reviews reports whether the requests are questions in the form of an object: TokenReview,
// SubjectAccessReview and the like.
func (p place) reviews() bool {
	return p.group == "authentication.k8s.io" || p.group == "authorization.k8s.io"
}

// stays reports whether what is begun has no end of its own: the time of a write does not limit it.
func (p place) stays() bool {
	return slices.Contains([]string{"proxy", "exec", "attach", "portforward"}, p.subresource)
}
