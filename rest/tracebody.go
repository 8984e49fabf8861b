package rest

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"log/slog"
	"net/http/httptrace"
	"strings"
	"unicode/utf8"
)

// What Trace shows of bodies, and what it measures of connections.

// hidden returns why a body is not shown whatever it holds, or "".
func (r *record) hidden(contentType string) string {
	switch {
	case aboutSecrets(r.req.URL.Path):
		return "not shown: the request is about secrets or tokens"
	case r.secrets == nil:
		return "not shown: a wrapper has replaced the request's context, so its secrets are unknown"
	case strings.Contains(contentType, "protobuf"):
		return "not shown: it is protobuf; Config.JSONOnly asks for JSON"
	}
	return ""
}

// aboutSecrets reports whether the bodies of a path of the API hold secrets: Secrets, TokenReviews
// and the token subresource of a service account, wherever Host's own path puts them.
func aboutSecrets(path string) bool {
	segments := strings.Split(path, "/")
	for i, segment := range segments {
		switch segment {
		case "secrets", "tokenreviews", "tokenrequests":
			return true
		case "token":
			if i >= 2 && segments[i-2] == "serviceaccounts" {
				return true
			}
		}
	}
	return false
}

// secretKinds are the kinds whose bodies are not shown, wherever they are from.
var secretKinds = []string{"Secret", "SecretList", "TokenRequest", "TokenReview"}

// body returns what is shown of a body that was read, of which one byte more than may be held means
// that it is larger.
func (r *record) body(data []byte) string {
	if len(data) > r.mayHold() {
		return notShown("it is larger than %d bytes", r.mayHold())
	}
	if !utf8.Valid(data) {
		return notShown("its %d bytes are not text", len(data))
	}
	for _, k := range secretKinds {
		if hasKind(data, k) {
			return notShown("it is a %s", k)
		}
	}
	text := r.secrets.text(string(data))
	if r.level >= 9 || len(text) <= maxTraced {
		return text
	}
	cut := maxTraced
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + "... (cut: level 9 shows all)"
}

// hasKind reports whether a body is an object of a kind, or a List with one in it. What is not one JSON
// value is searched for the field.
func hasKind(data []byte, kind string) bool {
	var object struct {
		Kind  string
		Items []struct{ Kind string }
	}
	if json.Unmarshal(data, &object) == nil {
		for _, item := range object.Items {
			if item.Kind == kind {
				return true
			}
		}
		return object.Kind == kind
	}
	plain := strings.NewReplacer(" ", "", "\t", "", `"`, "", "'", "").Replace(string(data))
	for {
		_, after, found := strings.Cut(plain, "kind:"+kind)
		if !found {
			return false
		}
		if after == "" || !isAlnum(after[0]) {
			return true
		}
		plain = after
	}
}

// tracedBody emits its record when the body has been read or closed.
type tracedBody struct {
	io.ReadCloser
	record *record
	kept   []byte
	done   bool
}

func (b *tracedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if room := b.record.mayHold() + 1 - len(b.kept); room > 0 {
		b.kept = append(b.kept, p[:min(n, room)]...)
	}
	if err != nil && err != io.EOF {
		b.finish(slog.String("err", b.record.secrets.text(err.Error())))
	} else if err == io.EOF {
		b.finish()
	}
	return n, err
}

func (b *tracedBody) Close() error {
	b.finish()
	return b.ReadCloser.Close()
}

func (b *tracedBody) finish(attrs ...slog.Attr) {
	if b.done {
		return
	}
	b.done = true
	b.record.add(slog.String("responseBody", b.record.body(b.kept)))
	b.record.add(attrs...)
	b.kept = nil
	b.record.emit()
}

// traceTimings returns a context in which net/http reports to t.
func traceTimings(ctx context.Context, t *timings) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn:           func(string) { t.start("connection") },
		DNSStart:          func(httptrace.DNSStartInfo) { t.start("dns") },
		DNSDone:           func(httptrace.DNSDoneInfo) { t.done("dns") },
		ConnectStart:      func(string, string) { t.start("dial") },
		ConnectDone:       func(string, string, error) { t.done("dial") },
		TLSHandshakeStart: func() { t.start("tls") },
		TLSHandshakeDone:  func(tls.ConnectionState, error) { t.done("tls") },
		GotConn: func(i httptrace.GotConnInfo) {
			t.done("connection")
			t.note(slog.Bool("reused", i.Reused))
			t.start("server") // with HTTP/2 the answer may come before the hooks of writing
		},
		GotFirstResponseByte: func() { t.done("server") },
	})
}
