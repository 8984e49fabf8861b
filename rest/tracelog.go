package rest

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Trace returns a wrapper for Config.Wrap that logs each attempt of a request to h, as one record at
// slog.LevelInfo. level is that of kubectl's -v:
//
//	below 6  nothing
//	6        method, URL, status and duration of the answer's header, or the error
//	7        also the headers of the request
//	8        also the headers of the answer, and the first KiB of both bodies
//	9        also the whole bodies, a curl command, and the timings of the connection
//
// Wrapped first, it shows what is sent; wrapped last, what is sent before other wrappers change it.
// At 8 and 9 the record of an answer that Do reads comes when its body has been read. Streams (List,
// Watch, Stream, Upgrade) are not held up: of them no body is shown.
//
// Credentials are replaced by "[redacted]": headers that hold them, and those that the client sends
// or has sent, wherever they are. Bodies about Secrets, TokenRequests and TokenReviews are not shown
// at all, nor those that are not text, or so large that they would be held in memory for the log
// alone: over 1 MiB, at level 9 over 16 MiB. The record says so. Other bodies may hold secrets that
// skiff does not know, such as a password in a ConfigMap.
func Trace(h slog.Handler, level int) func(http.RoundTripper) http.RoundTripper {
	return func(next http.RoundTripper) http.RoundTripper {
		if level < 6 {
			return next
		}
		return &tracer{next: next, log: slog.New(h), level: level}
	}
}

const (
	// maxTraced is how much of a body is shown at level 8.
	maxTraced = 1 << 10
	// maxHeld and maxHeldWhole are how large the bodies may be that are held for a record, at level
	// 8 and from level 9 on. A credential is searched for in a whole body only.
	maxHeld      = 1 << 20
	maxHeldWhole = 16 << 20
)

type tracer struct {
	next  http.RoundTripper
	log   *slog.Logger
	level int
}

// A record is what is logged of one attempt.
type record struct {
	*tracer
	req      *http.Request
	began    time.Time
	secrets  *secrets
	streamed bool // the answer's body is read as it arrives
	timings  *timings
	attrs    []slog.Attr
}

func (t *tracer) RoundTrip(req *http.Request) (*http.Response, error) {
	r := &record{tracer: t, req: req, began: time.Now(), streamed: true}
	if a := attemptOf(req.Context()); a != nil {
		r.secrets, r.streamed = a.call.secrets, a.call.purpose != ordinary
	} else if last, ok := t.next.(*transport); ok {
		r.secrets = last.cfg.secrets
	}
	r.secrets.learnHeader(req.Header)
	if t.level >= 9 {
		r.timings = new(timings)
		req = req.WithContext(traceTimings(req.Context(), r.timings))
	}
	r.request()
	resp, err := t.next.RoundTrip(req)
	r.add(slog.Duration("duration", time.Since(r.began)))
	if err != nil {
		r.add(slog.String("err", r.secrets.text(err.Error())))
		r.emit()
		return resp, err
	}
	r.add(slog.String("status", r.secrets.text(resp.Status)), slog.Int("code", resp.StatusCode))
	if t.level < 8 {
		r.emit()
		return resp, nil
	}
	r.add(r.headers("responseHeaders", resp.Header))
	if why := r.unseen(resp.Header.Get("Content-Type")); why != "" {
		r.add(slog.String("responseBody", why))
		r.emit()
		return resp, nil
	}
	resp.Body = &tracedBody{ReadCloser: resp.Body, record: r}
	return resp, nil
}

func (r *record) add(attrs ...slog.Attr) { r.attrs = append(r.attrs, attrs...) }

// emit writes the record.
func (r *record) emit() {
	if r.timings != nil {
		r.add(r.timings.attr())
	}
	// The context of a request that has been cancelled still has its values.
	r.log.LogAttrs(r.req.Context(), slog.LevelInfo, "request", r.attrs...)
}

// request adds what is known before the request is sent.
func (r *record) request() {
	to := r.secrets.text(r.req.URL.Redacted())
	r.add(slog.String("method", r.req.Method), slog.String("url", to))
	if r.level >= 7 {
		r.add(r.headers("requestHeaders", r.req.Header))
	}
	if r.level >= 8 && r.req.Body != nil && r.req.Body != http.NoBody {
		r.add(slog.String("requestBody", r.requestBody()))
	}
	if r.level >= 9 {
		r.add(slog.String("curl", r.curl(to)))
	}
}

// requestBody returns the body of the request, from a copy of its own.
func (r *record) requestBody() string {
	if why := r.hidden(r.req.Header.Get("Content-Type")); why != "" {
		return why
	}
	if r.req.GetBody == nil {
		return "not shown: it can be read once only"
	}
	body, err := r.req.GetBody()
	if err != nil {
		return "not shown: it cannot be read again"
	}
	defer body.Close()
	data, err := io.ReadAll(io.LimitReader(body, int64(r.mayHold())+1))
	if err != nil {
		return "not shown: it cannot be read again"
	}
	return r.body(data)
}

// headers returns a group of headers, in their order by name.
func (r *record) headers(group string, h http.Header) slog.Attr {
	var attrs []any
	for _, key := range sortedKeys(h) {
		attrs = append(attrs, slog.String(key, r.header(key, h[key])))
	}
	return slog.Group(group, attrs...)
}

// header returns the values of a header, without credentials. Of an authentication the scheme stays.
func (r *record) header(key string, values []string) string {
	if !holdsCredential(key) {
		return r.secrets.text(strings.Join(values, ", "))
	}
	if scheme, _, ok := strings.Cut(strings.Join(values, ", "), " "); ok &&
		strings.HasSuffix(key, "Authorization") {
		return r.secrets.text(scheme) + " " + redacted
	}
	return redacted
}

func sortedKeys(h http.Header) []string {
	var keys []string
	for key := range h {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// curl returns a command that sends the request, without its body and credentials. to is its URL.
func (r *record) curl(to string) string {
	quote := func(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
	var b strings.Builder
	b.WriteString("curl -v -X " + quote(r.req.Method))
	for _, key := range sortedKeys(r.req.Header) {
		b.WriteString(" -H " + quote(key+": "+r.header(key, r.req.Header[key])))
	}
	return b.String() + " " + quote(to)
}

// unseen returns why the body of the answer is not shown, or "".
func (r *record) unseen(contentType string) string {
	if r.streamed {
		return "not shown: it is read as it arrives"
	}
	return r.hidden(contentType)
}

// timings are the times of a connection, as net/http reports them from several goroutines.
type timings struct {
	mu    sync.Mutex // guards the fields below
	began map[string]time.Time
	attrs []any
}

// start begins to measure a part, and done ends it.
func (t *timings) start(part string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.began == nil {
		t.began = map[string]time.Time{}
	}
	if _, twice := t.began[part]; !twice { // two addresses of a host are dialled at once
		t.began[part] = time.Now()
	}
}

func (t *timings) done(part string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if began, ok := t.began[part]; ok {
		t.attrs = append(t.attrs, slog.Duration(part, time.Since(began)))
		delete(t.began, part)
	}
}

func (t *timings) note(attrs ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.attrs = append(t.attrs, attrs...)
}

func (t *timings) attr() slog.Attr {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slog.Group("timings", slices.Clone(t.attrs)...)
}

// mayHold returns how large a body may be that is held.
func (r *record) mayHold() int {
	if r.level >= 9 {
		return maxHeldWhole
	}
	return maxHeld
}

// notShown is shown in place of a body.
func notShown(format string, args ...any) string {
	return "not shown: " + fmt.Sprintf(format, args...)
}
