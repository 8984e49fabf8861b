package faults

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Answer answers in place of the server.
func Answer(code int, contentType, body string, headers ...string) Fault {
	return answering(fmt.Sprintf("answer %d %s", code, contentType),
		func(w http.ResponseWriter, _ *http.Request) {
			if contentType != "" {
				w.Header().Set("Content-Type", contentType)
			}
			for i := 0; i+1 < len(headers); i += 2 {
				w.Header().Add(headers[i], headers[i+1])
			}
			w.WriteHeader(code)
			_, _ = w.Write([]byte(body))
		})
}

// JSON answers 200 with a body that says it is JSON.
func JSON(body string) Fault { return Answer(http.StatusOK, "application/json", body) }

// Page answers with a page of HTML, as a proxy or a maintenance page does.
func Page(code int, headers ...string) Fault {
	return named(fmt.Sprintf("HTML page with %d", code), Answer(code, "text/html; charset=utf-8",
		"<!DOCTYPE html>\n<html><head><title>Sorry</title></head><body><h1>We will be back soon</h1>"+
			"</body></html>\n", headers...))
}

func named(name string, f Fault) Fault { return Fault{name, f.wrap} }

// StatusOption changes a Status and the headers that it is sent with.
type StatusOption func(*metav1.Status, http.Header)

// RetryAfter asks the client to wait: in the header, and in the Status as API servers do.
func RetryAfter(seconds int) StatusOption {
	return func(s *metav1.Status, h http.Header) {
		h.Set("Retry-After", strconv.Itoa(seconds))
		details(s).RetryAfterSeconds = int32(seconds)
	}
}

// Reason replaces the reason that belongs to the code. It may be empty.
func Reason(reason metav1.StatusReason) StatusOption {
	return func(s *metav1.Status, _ http.Header) { s.Reason = reason }
}

// Message replaces the message.
func Message(text string) StatusOption {
	return func(s *metav1.Status, _ http.Header) { s.Message = text }
}

// Cause adds a cause.
func Cause(reason metav1.CauseType, message string) StatusOption {
	return func(s *metav1.Status, _ http.Header) {
		d := details(s)
		d.Causes = append(d.Causes, metav1.StatusCause{Type: reason, Message: message})
	}
}

// TooLarge is the cause of a 504 from a server that has not come to the version that a request names.
func TooLarge() StatusOption {
	return Cause(metav1.CauseTypeResourceVersionTooLarge, "Too large resource version")
}

func details(s *metav1.Status) *metav1.StatusDetails {
	if s.Details == nil {
		s.Details = &metav1.StatusDetails{}
	}
	return s.Details
}

// reasons are those that an API server sends with a code.
var reasons = map[int]metav1.StatusReason{
	400: metav1.StatusReasonBadRequest,
	401: metav1.StatusReasonUnauthorized,
	403: metav1.StatusReasonForbidden,
	404: metav1.StatusReasonNotFound,
	405: metav1.StatusReasonMethodNotAllowed,
	406: metav1.StatusReasonNotAcceptable,
	409: metav1.StatusReasonConflict,
	410: metav1.StatusReasonExpired,
	413: metav1.StatusReasonRequestEntityTooLarge,
	415: metav1.StatusReasonUnsupportedMediaType,
	422: metav1.StatusReasonInvalid,
	429: metav1.StatusReasonTooManyRequests,
	500: metav1.StatusReasonInternalError,
	503: metav1.StatusReasonServiceUnavailable,
	504: metav1.StatusReasonTimeout,
}

// newStatus returns a failed Status and the headers that it is sent with.
func newStatus(code int, options ...StatusOption) (*metav1.Status, http.Header) {
	s := &metav1.Status{
		TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: metav1.StatusFailure,
		Code: int32(code), Reason: reasons[code], Message: http.StatusText(code),
	}
	h := http.Header{"Content-Type": {"application/json"}}
	for _, o := range options {
		o(s, h)
	}
	return s, h
}

// writeStatus answers with a failed Status.
func writeStatus(w http.ResponseWriter, code int, options ...StatusOption) {
	s, h := newStatus(code, options...)
	for key, values := range h {
		w.Header()[key] = values
	}
	w.WriteHeader(code)
	_, _ = w.Write(mustJSON(s))
}

// Status answers with a failed Status: the reason is that which an API server sends with the code.
func Status(code int, options ...StatusOption) Fault {
	name := fmt.Sprintf("status %d", code)
	if _, h := newStatus(code, options...); h.Get("Retry-After") != "" {
		name += " Retry-After " + h.Get("Retry-After")
	}
	return answering(name, func(w http.ResponseWriter, _ *http.Request) {
		writeStatus(w, code, options...)
	})
}

// ErrorEvent answers a watch with 200 and an ERROR event, and ends it.
func ErrorEvent(code int, options ...StatusOption) Fault {
	return answering(fmt.Sprintf("ERROR event %d", code), func(w http.ResponseWriter, _ *http.Request) {
		s, _ := newStatus(code, options...)
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(eventLine("ERROR", mustJSON(s)))
	})
}

// Inject sends a piece of text of the caller's own in the answer, after the first lines lines of it
// (an event is a line).
func Inject(after int, text string) Fault {
	return filtering(fmt.Sprintf("%.40q after %d lines", text, after),
		func(w http.ResponseWriter, _ *http.Request, _ func()) (func([]byte) error, func()) {
			seen := 0
			inject := func() error {
				_, err := w.Write([]byte(text))
				flush(w)
				return err
			}
			write, rest := lines(func(line []byte) error {
				if seen == after {
					if err := inject(); err != nil {
						return err
					}
				}
				seen++
				_, err := w.Write(line)
				return err
			})
			return write, rest
		})
}

// eventLine returns an event of a watch.
func eventLine(kind string, object []byte) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, `{"type":%q,"object":%s}`+"\n", kind, object)
	return b.Bytes()
}

// mustJSON encodes a value that can be encoded.
func mustJSON(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("faults: encode a %T: %v", v, err))
	}
	return data
}
