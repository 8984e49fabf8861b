package faults

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Echoes returns a fault for each place that an answer has for text. The fault puts the credentials of
// the request there, as a hostile or a badly written server does.
//
// The credentials are the Authorization header's: a bearer token, or a user and a password. They are
// echoed as they are; see EchoesEncoded.
func Echoes() []Fault { return echoes("", func(s string) string { return s }) }

// EchoesEncoded returns the faults of Echoes with the credentials in other forms: percent-encoded, as
// in a query and each byte of them, and in base64.
func EchoesEncoded() []Fault {
	all := echoes(", as in a query", url.QueryEscape)
	all = append(all, echoes(", percent-encoded", percent)...)
	return append(all, echoes(", in base64", func(s string) string {
		return base64.StdEncoding.EncodeToString([]byte(s))
	})...)
}

func echoes(how string, encode func(string) string) []Fault {
	echo := func(place string, answer func(w http.ResponseWriter, r *http.Request, secret string)) Fault {
		return answering("credentials in "+place+how, func(w http.ResponseWriter, r *http.Request) {
			answer(w, r, encode(credentials(r)))
		})
	}
	status := func(place string, change func(s *metav1.Status, secret string)) []Fault {
		failed := func(secret string) *metav1.Status {
			s, _ := newStatus(http.StatusConflict)
			change(s, secret)
			return s
		}
		return []Fault{
			echo("the "+place+" of a Status", func(w http.ResponseWriter, _ *http.Request, secret string) {
				s := failed(secret)
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(int(s.Code))
				_, _ = w.Write(mustJSON(s))
			}),
			echo("the "+place+" of an ERROR event", func(w http.ResponseWriter, _ *http.Request, secret string) {
				w.Header().Set("Content-Type", "application/json")
				_, _ = w.Write(eventLine("ERROR", mustJSON(failed(secret))))
			}),
		}
	}
	header := func(key string, code int, format string) Fault {
		return echo("the header "+key, func(w http.ResponseWriter, _ *http.Request, secret string) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set(key, fill(format, secret))
			s, _ := newStatus(code)
			w.WriteHeader(code)
			_, _ = w.Write(mustJSON(s))
		})
	}
	body := func(place, contentType string, code int, format string) Fault {
		return echo(place, func(w http.ResponseWriter, _ *http.Request, secret string) {
			w.Header().Set("Content-Type", fill(contentType, secret))
			w.WriteHeader(code)
			_, _ = io.WriteString(w, fill(format, secret))
		})
	}
	var all []Fault
	for _, f := range [][]Fault{
		status("message", func(s *metav1.Status, secret string) { s.Message = "not with " + secret }),
		status("reason", func(s *metav1.Status, secret string) { s.Reason = metav1.StatusReason(secret) }),
		status("status", func(s *metav1.Status, secret string) { s.Status = secret }),
		status("kind", func(s *metav1.Status, secret string) { s.Kind = secret }),
		status("apiVersion", func(s *metav1.Status, secret string) { s.APIVersion = secret }),
		status("details' name", func(s *metav1.Status, secret string) { details(s).Name = secret }),
		status("details' group", func(s *metav1.Status, secret string) { details(s).Group = secret }),
		status("details' kind", func(s *metav1.Status, secret string) { details(s).Kind = secret }),
		status("details' uid", func(s *metav1.Status, secret string) { details(s).UID = types.UID(secret) }),
		status("causes' message", func(s *metav1.Status, secret string) {
			details(s).Causes = []metav1.StatusCause{{Type: "x", Message: secret}}
		}),
		status("causes' reason", func(s *metav1.Status, secret string) {
			details(s).Causes = []metav1.StatusCause{{Type: metav1.CauseType(secret)}}
		}),
		status("causes' field", func(s *metav1.Status, secret string) {
			details(s).Causes = []metav1.StatusCause{{Type: "x", Field: secret}}
		}),
	} {
		all = append(all, f...)
	}
	return append(all,
		header("Warning", http.StatusConflict, `299 - "not with %s"`),
		header("Location", http.StatusTemporaryRedirect, "https://elsewhere.example/%s"),
		header("Location", http.StatusTemporaryRedirect, "https://elsewhere.example/?token=%s"),
		header("Www-Authenticate", http.StatusUnauthorized, `Bearer realm="%s"`),
		header("Retry-After", http.StatusTooManyRequests, "%s"),
		header("Content-Encoding", http.StatusOK, "%s"),
		header("Audit-Id", http.StatusInternalServerError, "%s"),
		body("a text with 500", "text/plain", http.StatusInternalServerError, "not with %s\n"),
		body("a page with 403", "text/html", http.StatusForbidden, "<html>not with %s</html>"),
		body("a text with 200", "text/plain", http.StatusOK, "hello %s\n"),
		body("the content type", "application/%s", http.StatusOK, ""),
		body("a parameter of the content type", "application/json; as=%s", http.StatusOK, "{}"),
		body("the kind of an object", "application/json", http.StatusOK,
			`{"kind":%q,"apiVersion":"v1","metadata":{"resourceVersion":"1"},"items":[]}`),
		body("the apiVersion of an object", "application/json", http.StatusOK,
			`{"kind":"List","apiVersion":%q,"metadata":{"resourceVersion":"1"},"items":[]}`),
		body("the name of an object of no kind", "application/json", http.StatusOK,
			`{"metadata":{"name":%q}}`),
		body("the resourceVersion of a list", "application/json", http.StatusOK,
			`{"kind":"ConfigMapList","apiVersion":"v1","metadata":{"resourceVersion":%q},"items":[]}`),
		body("a list that is no JSON", "application/json", http.StatusOK, `{"kind":"List","items":[%s`),
		body("a continue token", "application/json", http.StatusOK,
			`{"kind":"ConfigMapList","apiVersion":"v1","metadata":{"resourceVersion":"9","continue":%q},"items":[]}`),
		body("the type of an event", "application/json", http.StatusOK,
			`{"type":%q,"object":{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a"}}}`+"\n"),
		body("the kind of an event's object", "application/json", http.StatusOK,
			`{"type":"ADDED","object":{"kind":%q,"apiVersion":"v1","metadata":{"name":"a"}}}`+"\n"),
		body("an event that is no JSON", "application/json", http.StatusOK, `{"type":"ADDED","object":%s}`+"\n"),
		body("a field of an event", "application/json", http.StatusOK, `{%q:1}`+"\n"),
	)
}

// credentials returns those of a request without the scheme: the token, or the user and the password.
func credentials(r *http.Request) string {
	_, secret, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if user, password, ok := r.BasicAuth(); ok {
		return user + ":" + password
	}
	return secret
}

// Forms returns a secret as it is and as a server may have encoded it: what a search of logs and errors
// has to look for.
func Forms(secret string) []string {
	return []string{
		secret, url.QueryEscape(secret), url.PathEscape(secret), percent(secret),
		strings.ToLower(percent(secret)), base64.StdEncoding.EncodeToString([]byte(secret)),
		strings.Trim(strconv.Quote(secret), `"`),
	}
}

// percent encodes every byte of a text.
func percent(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		fmt.Fprintf(&b, "%%%02X", c)
	}
	return b.String()
}

// fill returns format with a text in place of %s, and the text as a JSON string in place of %q.
func fill(format, text string) string {
	return strings.NewReplacer("%s", text, "%q", string(mustJSON(text))).Replace(format)
}
