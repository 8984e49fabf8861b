package rest

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/skiff-k8s/skiff/wire"
)

// maxErrorText limits how much of a body that is no Status is part of an error's message.
const maxErrorText = 1024

// statusError returns the error of an answer whose status is not 2xx, and closes its body.
func (c *call) statusError(resp *http.Response) *apierrors.StatusError {
	body, readErr := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
	_ = resp.Body.Close()

	retryAfter := 0
	if d := parseRetryAfter(resp.Header, time.Now()); d > 0 {
		retryAfter = int((d + time.Second - 1) / time.Second)
	}
	status, ok := decodeStatus(body, resp.Header.Get("Content-Type"))
	if ok {
		c.complete(status, resp.StatusCode, retryAfter)
	} else {
		text := bodyText(c.secrets.text(string(body)))
		switch {
		case readErr != nil:
			text = strings.TrimSpace(text + " (the answer is incomplete: " + readErr.Error() + ")")
		case resp.StatusCode >= 300 && resp.StatusCode < 400:
			text = redirectText(resp)
		}
		resource := schema.GroupResource{Group: c.target.gv.Group, Resource: c.target.resource}
		status = &apierrors.NewGenericServerResponse(
			resp.StatusCode, c.method, resource, c.target.name, text, retryAfter, true).ErrStatus
		if resp.StatusCode >= 300 && resp.StatusCode < 400 {
			status.Message = fmt.Sprintf("%s at %s: %s", c.what, c.base, text)
		} else {
			status.Message = fmt.Sprintf("%s (%s at %s)%s", status.Message, c.what, c.base,
				c.remedy(resp.StatusCode, resp.Header.Get("Content-Type"), text))
		}
	}
	return c.secrets.statusError(status)
}

// reported returns a Status of a failure that came with a 2xx status, or within a stream.
func (c *call) reported(s *metav1.Status) error {
	c.complete(s, http.StatusInternalServerError, 0)
	return c.secrets.statusError(s)
}

// decodeStatus decodes a metav1.Status of a failure, in either format, and reports whether it is
// one.
func decodeStatus(body []byte, contentType string) (*metav1.Status, bool) {
	f, err := wire.FormatOf(contentType)
	if err != nil {
		return nil, false
	}
	object, err := wire.ReadObject(body, f, wire.Options{KeepManagedFields: true})
	if err != nil || !isStatus(object) {
		return nil, false
	}
	status := new(metav1.Status)
	if err := wire.Decode(object, status); err != nil || status.Status == metav1.StatusSuccess {
		return nil, false
	}
	return status, true
}

func isStatus(o wire.Object) bool {
	return o.Kind == "Status" &&
		(o.APIVersion == "v1" || o.APIVersion == "meta.k8s.io/v1" || o.APIVersion == "")
}

// complete sets the fields that a Status may lack: the code, the wait, and in the message the
// request, which short messages such as "Unauthorized" do not name.
func (c *call) complete(s *metav1.Status, code, retryAfter int) {
	if s.Code == 0 {
		s.Code = int32(code)
	}
	if retryAfter > 0 {
		if s.Details == nil {
			s.Details = &metav1.StatusDetails{}
		}
		if s.Details.RetryAfterSeconds == 0 {
			s.Details.RetryAfterSeconds = int32(retryAfter)
		}
	}
	about := c.target.name
	if about == "" {
		about = c.target.resource
	}
	if code == http.StatusUnauthorized || about == "" || !strings.Contains(s.Message, about) {
		s.Message = strings.TrimSpace(fmt.Sprintf("%s (%s at %s)%s", s.Message, c.what, c.base,
			c.remedy(code, "", "")))
	}
}

// bodyText returns the beginning of a body that is no Status, for an error's message.
func bodyText(body string) string {
	text, more := strings.TrimSpace(body), ""
	if len(text) > maxErrorText {
		cut := maxErrorText
		for cut > 0 && !utf8.RuneStart(text[cut]) {
			cut--
		}
		text, more = text[:cut], "..."
	}
	if text == "" || !utf8.ValidString(text) {
		return "unknown"
	}
	return text + more
}

func redirectText(resp *http.Response) string {
	to, err := resp.Location()
	if err != nil {
		return fmt.Sprintf("the server answered %d and does not say where to go", resp.StatusCode)
	}
	to.User = nil
	to.RawQuery = ""
	return fmt.Sprintf("the server redirects to %s, which is not followed: "+
		"only reads are, and only on the same server; "+
		"set Host to that server if you trust it", to)
}
