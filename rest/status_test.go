package rest

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/wire"
)

func statusJSON(code int, reason metav1.StatusReason, message string) string {
	return fmt.Sprintf(`{"apiVersion":"v1","kind":"Status","status":"Failure","reason":%q,"code":%d,"message":%q}`, reason, code, message)
}

func statusProtobuf(t *testing.T, code int, reason metav1.StatusReason, message string) string {
	t.Helper()
	data, err := wire.Encode(&metav1.Status{Status: metav1.StatusFailure, Reason: reason, Code: int32(code), Message: message}, wire.Protobuf, "v1", "Status")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// Whatever a server's error looks like, the functions everyone knows recognise it.
func TestErrorsOfTheServerAreRecognised(t *testing.T) {
	for _, test := range []struct {
		name   string
		code   int
		reason metav1.StatusReason
		is     func(error) bool
		post   bool
	}{
		{"not found", 404, metav1.StatusReasonNotFound, apierrors.IsNotFound, false},
		{"conflict", 409, metav1.StatusReasonConflict, apierrors.IsConflict, false},
		{"already exists", 409, metav1.StatusReasonAlreadyExists, apierrors.IsAlreadyExists, true},
		{"unauthorized", 401, metav1.StatusReasonUnauthorized, apierrors.IsUnauthorized, false},
		{"forbidden", 403, metav1.StatusReasonForbidden, apierrors.IsForbidden, false},
		{"bad request", 400, metav1.StatusReasonBadRequest, apierrors.IsBadRequest, false},
		{"method", 405, metav1.StatusReasonMethodNotAllowed, apierrors.IsMethodNotSupported, false},
		{"not acceptable", 406, metav1.StatusReasonNotAcceptable, apierrors.IsNotAcceptable, false},
		{"gone", 410, metav1.StatusReasonGone, apierrors.IsGone, false},
		{"media type", 415, metav1.StatusReasonUnsupportedMediaType, apierrors.IsUnsupportedMediaType, false},
		{"invalid", 422, metav1.StatusReasonInvalid, apierrors.IsInvalid, false},
		{"too many", 429, metav1.StatusReasonTooManyRequests, apierrors.IsTooManyRequests, false},
		{"internal", 500, metav1.StatusReasonInternalError, apierrors.IsInternalError, false},
		{"unavailable", 503, metav1.StatusReasonServiceUnavailable, apierrors.IsServiceUnavailable, false},
		{"timeout", 504, metav1.StatusReasonTimeout, apierrors.IsTimeout, false},
	} {
		bodies := map[string][2]string{
			"JSON":     {jsonOnly, statusJSON(test.code, test.reason, "what happened")},
			"protobuf": {"application/vnd.kubernetes.protobuf", statusProtobuf(t, test.code, test.reason, "what happened")},
			"text":     {"text/plain", "what happened"},
			"HTML":     {"text/html; charset=utf-8", "<h1>what happened</h1>"},
			"other":    {jsonOnly, `{"error":"what happened"}`},
			"empty":    {"", ""},
			"binary":   {"application/octet-stream", "\xff\xfe"},
		}
		for kind, body := range bodies {
			t.Run(test.name+" in "+kind, func(t *testing.T) {
				c := fakeClient(t, func(req *http.Request) (*http.Response, error) {
					return answer(req, test.code, body[1], "Content-Type", body[0]), nil
				})
				r := c.Get().Namespace("default").Resource("configmaps").Name("web")
				if test.post {
					r = c.Post().Namespace("default").Resource("configmaps")
				}
				res := r.Do(t.Context())
				err := res.Error()
				status, ok := err.(*apierrors.StatusError)
				if !ok {
					t.Fatalf("error: %T %v", err, err)
				}
				if !test.is(err) {
					t.Errorf("not recognised: %+v", status.ErrStatus)
				}
				if status.ErrStatus.Code != int32(test.code) || res.StatusCode() != test.code {
					t.Errorf("code %d, result %d", status.ErrStatus.Code, res.StatusCode())
				}
				mustContain(t, err.Error(), "configmaps")
				if !test.post {
					mustContain(t, err.Error(), "get", "web")
				}
				if _, err := r.Watch(t.Context(), wire.Options{}); !test.post && !test.is(err) {
					t.Errorf("a watch does not have it: %v", err)
				}
				if _, err := r.List(t.Context(), wire.Options{}); !test.post && !test.is(err) {
					t.Errorf("a list does not have it: %v", err)
				}
				if _, err := r.Stream(t.Context()); !test.is(err) {
					t.Errorf("a stream does not have it: %v", err)
				}
			})
		}
	}
}

func TestAMessageThatNamesItsObjectIsLeftAsItIs(t *testing.T) {
	const message = `configmaps "web" not found`
	c := fakeClient(t, says(404, statusJSON(404, metav1.StatusReasonNotFound, message)))
	err := c.Get().Resource("configmaps").Name("web").Do(t.Context()).Error()
	if err.Error() != message {
		t.Errorf("it became %q", err)
	}
}

func TestWhatAStatusLeavesOutIsFilledIn(t *testing.T) {
	c := fakeClient(t, says(429, `{"apiVersion":"v1","kind":"Status","status":"Failure","reason":"TooManyRequests"}`, "Retry-After", "90"))
	err := c.Get().Resource("configmaps").Do(t.Context()).Error()
	status := err.(*apierrors.StatusError).ErrStatus
	if status.Code != 429 {
		t.Errorf("code %d", status.Code)
	}
	if wait, ok := apierrors.SuggestsClientDelay(err); !ok || wait != 90 {
		t.Errorf("delay %d, %v", wait, ok)
	}
	mustContain(t, err.Error(), "list configmaps")
}

func TestAnErrorAtAPathNamesThePath(t *testing.T) {
	c := fakeClient(t, says(404, "404 page not found", "Content-Type", "text/plain"))
	err := c.Get().AbsPath("/nowhere").Do(t.Context()).Error()
	if !apierrors.IsNotFound(err) {
		t.Errorf("error: %v", err)
	}
	mustContain(t, err.Error(), "get /nowhere")
}

func TestAHugeErrorIsCutShort(t *testing.T) {
	c := fakeClient(t, says(500, "x"+strings.Repeat("é", maxErrorBody), "Content-Type", "text/plain"))
	err := c.Get().Resource("configmaps").Do(t.Context()).Error()
	if n := len(err.Error()); n > 3*maxErrorText {
		t.Errorf("the message has %d bytes", n)
	}
	if !strings.Contains(err.Error(), "é") || strings.Contains(err.Error(), `\x`) {
		t.Errorf("cut within a letter: %q", err.Error())
	}
}

// Some proxies show the request in their error pages.
func TestAnErrorThatEchoesTheTokenDoesNotShowIt(t *testing.T) {
	for kind, body := range map[string][2]string{
		"text":     {"text/plain", "you sent: Bearer hunter2-token"},
		"JSON":     {jsonOnly, statusJSON(500, "", "you sent: Bearer hunter2-token")},
		"protobuf": {"application/vnd.kubernetes.protobuf", statusProtobuf(t, 500, "", "you sent: Bearer hunter2-token")},
	} {
		c := fakeClient(t, says(500, body[1], "Content-Type", body[0]), func(cfg *Config) { cfg.BearerToken = "hunter2-token" })
		err := c.Get().Resource("configmaps").Do(t.Context()).Error()
		status := err.(*apierrors.StatusError)
		if text := fmt.Sprintf("%v %+v", err, status.ErrStatus); strings.Contains(text, "hunter2") {
			t.Errorf("%s: %s", kind, text)
		}
		mustContain(t, err.Error(), redacted)
	}
}
