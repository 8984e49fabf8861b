package compare

import (
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

var codes = []int{300, 301, 302, 303, 304, 307, 308, 400, 401, 402, 403, 404, 405, 406, 407, 408, 409, 410, 411, 412, 413, 414,
	415, 416, 417, 418, 421, 422, 423, 424, 425, 426, 428, 429, 431, 451, 500, 501, 502, 503, 504, 505, 507, 508, 511, 520, 599}

// refusals are the codes, with bodies as servers and proxies send them.
func refusals() []served {
	var all []served
	for _, code := range codes {
		add := func(name string, body []byte, header ...[2]string) {
			all = append(all, served{name: fmt.Sprintf("%d %s", code, name), code: code, body: body, header: header})
		}
		status := metav1.Status{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}, Status: "Failure",
			Message: "refused for a reason", Reason: reasonOf(code), Code: int32(code)}
		add("with a Status", jsonOf(status), isJSON)
		add("with no body", nil)
		add("with a page of HTML", []byte("<html><body><h1>It did not work</h1></body></html>"), [2]string{"Content-Type", "text/html"})
		add("with text", []byte("upstream connect error\n"), [2]string{"Content-Type", "text/plain"})
		if code < 400 && code != 300 && code != 304 {
			for _, to := range []string{"/elsewhere", "http://other.example/elsewhere"} {
				all = append(all, served{name: fmt.Sprintf("%d to %s", code, to), code: code, first: true, header: [][2]string{{"Location", to}}})
			}
		}
		if code >= 400 {
			status.Details = &metav1.StatusDetails{Name: "p", Kind: "pods", UID: "u", RetryAfterSeconds: 3, Causes: []metav1.StatusCause{
				{Type: metav1.CauseTypeFieldValueInvalid, Message: "m", Field: "spec.x"}}}
			add("with a Status with details", jsonOf(status), isJSON)
		}
	}
	return all
}

func reasonOf(code int) metav1.StatusReason {
	switch code {
	case 400:
		return metav1.StatusReasonBadRequest
	case 401:
		return metav1.StatusReasonUnauthorized
	case 403:
		return metav1.StatusReasonForbidden
	case 404:
		return metav1.StatusReasonNotFound
	case 405:
		return metav1.StatusReasonMethodNotAllowed
	case 406:
		return metav1.StatusReasonNotAcceptable
	case 409:
		return metav1.StatusReasonConflict
	case 410:
		return metav1.StatusReasonExpired
	case 413:
		return metav1.StatusReasonRequestEntityTooLarge
	case 415:
		return metav1.StatusReasonUnsupportedMediaType
	case 422:
		return metav1.StatusReasonInvalid
	case 429:
		return metav1.StatusReasonTooManyRequests
	case 500:
		return metav1.StatusReasonInternalError
	case 503:
		return metav1.StatusReasonServiceUnavailable
	case 504:
		return metav1.StatusReasonTimeout
	}
	return ""
}

// reasons are all reasons that a Status can have.
var statusReasons = []metav1.StatusReason{
	metav1.StatusReasonUnknown, metav1.StatusReasonUnauthorized, metav1.StatusReasonForbidden, metav1.StatusReasonNotFound,
	metav1.StatusReasonAlreadyExists, metav1.StatusReasonConflict, metav1.StatusReasonGone, metav1.StatusReasonInvalid,
	metav1.StatusReasonServerTimeout, metav1.StatusReasonStoreReadError, metav1.StatusReasonTimeout, metav1.StatusReasonTooManyRequests,
	metav1.StatusReasonBadRequest, metav1.StatusReasonMethodNotAllowed, metav1.StatusReasonNotAcceptable,
	metav1.StatusReasonRequestEntityTooLarge, metav1.StatusReasonUnsupportedMediaType, metav1.StatusReasonInternalError,
	metav1.StatusReasonExpired, metav1.StatusReasonServiceUnavailable, "Odd",
}

// oddRefusals are Statuses that do not fit their code, or are not whole.
func oddRefusals() []served {
	var all []served
	add := func(name string, code int, body string, header ...[2]string) {
		if len(header) == 0 {
			header = append(header, isJSON)
		}
		all = append(all, served{name: name, code: code, body: []byte(body), header: header})
	}
	for _, reason := range statusReasons {
		for _, code := range []int{409, 500} {
			add(fmt.Sprintf("%d with the reason %q", code, reason), code, string(jsonOf(metav1.Status{
				TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}, Status: "Failure", Message: "m", Reason: reason, Code: int32(code)})))
		}
	}
	for _, code := range []int{400, 404, 409, 500} {
		text := func(format string, args ...any) string {
			return `{"apiVersion":"v1","kind":"Status","metadata":{},` + fmt.Sprintf(format, args...) + `}`
		}
		add(fmt.Sprintf("%d with a Status without a reason", code), code, text(`"status":"Failure","message":"m","code":%d`, code))
		add(fmt.Sprintf("%d with a Status without a code", code), code, text(`"status":"Failure","message":"m","reason":"NotFound"`))
		add(fmt.Sprintf("%d with a Status of another code", code), code, text(`"status":"Failure","message":"m","reason":"Forbidden","code":403`))
		add(fmt.Sprintf("%d with a Status of success", code), code, text(`"status":"Success"`))
		add(fmt.Sprintf("%d with a Status without a message", code), code, text(`"status":"Failure","reason":"Invalid","code":%d`, code))
		add(fmt.Sprintf("%d with half a Status", code), code, `{"apiVersion":"v1","kind":"Status","status":"Failure","mess`)
		add(fmt.Sprintf("%d with a Status as text/plain", code), code, text(`"status":"Failure","message":"m","reason":"NotFound","code":%d`, code), [2]string{"Content-Type", "text/plain"})
		add(fmt.Sprintf("%d with a Status of meta.k8s.io/v1", code), code, `{"apiVersion":"meta.k8s.io/v1","kind":"Status","status":"Failure","message":"m","reason":"NotFound","code":404}`)
		add(fmt.Sprintf("%d with the object", code), code, "GOOD")
		add(fmt.Sprintf("%d with JSON that is no object", code), code, `{"error":"it failed"}`)
		add(fmt.Sprintf("%d with a Status in protobuf", code), code, string(protobufOf(&metav1.Status{Status: "Failure", Message: "m",
			Reason: metav1.StatusReasonAlreadyExists, Code: int32(code)})), [2]string{"Content-Type", "application/vnd.kubernetes.protobuf"})
		add(fmt.Sprintf("%d with text of 5,000 bytes", code), code, strings.Repeat("long ", 1000), [2]string{"Content-Type", "text/plain"})
		add(fmt.Sprintf("%d with bytes that are no UTF-8", code), code, "\xff\xfe\xfd", [2]string{"Content-Type", "application/octet-stream"})
		add(fmt.Sprintf("%d with a content type that is none", code), code, text(`"status":"Failure","message":"m","reason":"NotFound","code":404`), [2]string{"Content-Type", ";;"})
	}
	return all
}

// retryAfters are the codes that may say when to come again, with each form of the header.
func retryAfters() []served {
	var all []served
	for _, code := range []int{429, 503, 500, 502, 504, 409, 403} {
		for _, after := range []string{"0", "1", "5", "60", "61", "86400", "-1", "1.5", "soon", "Wed, 21 Oct 2099 07:28:00 GMT"} {
			for _, first := range []bool{true, false} {
				s := served{name: fmt.Sprintf("%d with Retry-After %s", code, after), code: code, first: first,
					header: [][2]string{isJSON, {"Retry-After", after}},
					body: jsonOf(metav1.Status{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}, Status: "Failure",
						Message: "later", Reason: reasonOf(code), Code: int32(code)})}
				if first {
					s.name += ", once"
				}
				all = append(all, s)
			}
		}
	}
	return all
}
