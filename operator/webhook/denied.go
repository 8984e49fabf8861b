package webhook

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Denied is the error of a request that a webhook refuses. Deny and Invalid make one.
type Denied struct {
	// Code is the HTTP status that the user gets: 403 for what is forbidden, 422 for an object that
	// is invalid. 0 and whatever is below 400 mean 403.
	Code int
	// Message is what the user reads. The API server puts the webhook's name before it.
	Message string
	// Fields are the fields that are wrong. With them Code is 422.
	Fields field.ErrorList
}

// Error returns the message, or the errors of the fields.
func (d *Denied) Error() string {
	if d.Message == "" && len(d.Fields) > 0 {
		return d.Fields.ToAggregate().Error()
	}
	return d.Message
}

// Deny returns a *Denied with the code 403 (forbidden).
func Deny(format string, args ...any) error {
	return &Denied{Code: http.StatusForbidden, Message: fmt.Sprintf(format, args...)}
}

// Invalid returns a *Denied with the code 422 (unprocessable) that names fields, and nil if errs is
// empty.
func Invalid(errs field.ErrorList) error {
	if len(errs) == 0 {
		return nil
	}
	return &Denied{Code: http.StatusUnprocessableEntity, Fields: errs}
}

// statusOf returns what the user is told of an error, and whether it is a fault of the webhook.
//
//   - A *Denied has its code.
//   - Errors of fields (*field.Error, and field.ErrorList.ToAggregate) are a 422.
//   - Errors of package apierrors have the status that they hold.
//   - The end of the request's time is a 504.
//   - Every other error is a 500.
func statusOf(ctx context.Context, err error, in *admissionRequest) (s *metav1.Status, fault bool) {
	var denied *Denied
	var status apierrors.APIStatus
	fields := fieldsOf(err)
	switch {
	case errors.As(err, &denied):
		if len(denied.Fields) == 0 {
			return statusWith(denied.Code, http.StatusForbidden, denied.Error()), false
		}
		fields = denied.Fields
	case fields != nil:
	case errors.As(err, &status):
		copied := status.Status()
		if copied.Code < http.StatusBadRequest {
			copied.Code = http.StatusInternalServerError
		}
		copied.Status = metav1.StatusFailure
		return &copied, copied.Code >= http.StatusInternalServerError
	case ctx.Err() != nil && errors.Is(err, context.DeadlineExceeded):
		return statusWith(http.StatusGatewayTimeout, 0, err.Error()), true
	default:
		return statusWith(http.StatusInternalServerError, 0, err.Error()), true
	}
	invalid := apierrors.NewInvalid(schema.GroupKind{Group: in.Kind.Group, Kind: in.Kind.Kind},
		in.Name, fields).Status()
	return &invalid, false
}

// fieldsOf returns the errors of fields that err consists of, and nil if it is anything else.
func fieldsOf(err error) (fields field.ErrorList) {
	var one *field.Error
	if errors.As(err, &one) {
		return field.ErrorList{one}
	}
	var several utilerrors.Aggregate
	if !errors.As(err, &several) {
		return nil
	}
	for _, err := range several.Errors() {
		if !errors.As(err, &one) {
			return nil
		}
		fields = append(fields, one)
	}
	return fields
}

var reasons = map[int]metav1.StatusReason{
	http.StatusBadRequest:          metav1.StatusReasonBadRequest,
	http.StatusForbidden:           metav1.StatusReasonForbidden,
	http.StatusConflict:            metav1.StatusReasonConflict,
	http.StatusUnprocessableEntity: metav1.StatusReasonInvalid,
	http.StatusTooManyRequests:     metav1.StatusReasonTooManyRequests,
	http.StatusInternalServerError: metav1.StatusReasonInternalError,
	http.StatusGatewayTimeout:      metav1.StatusReasonTimeout,
}

// statusWith returns a failure. A code below 400 is replaced by def.
func statusWith(code, def int, message string) *metav1.Status {
	if code < http.StatusBadRequest || code > 599 {
		code = def
	}
	return &metav1.Status{Status: metav1.StatusFailure, Code: int32(code), Reason: reasons[code],
		Message: message}
}

const (
	// maxWarning and maxWarnings limit one warning and all of a review together, in characters. The
	// API server cuts longer ones, and ignores those above its total
	// (https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#response).
	maxWarning  = 256
	maxWarnings = 4096
)

// bounded returns the warnings as the API server accepts them: on one line, in UTF-8, each once,
// not too long, and not too many.
func bounded(warnings []string) (kept []string) {
	left := maxWarnings
	seen := map[string]bool{}
	for _, w := range warnings {
		w = strings.Map(func(r rune) rune {
			if unicode.IsControl(r) {
				return ' '
			}
			return r
		}, strings.ToValidUTF8(w, "?"))
		w = cut(strings.TrimSpace(w), min(maxWarning, left))
		if w == "" || seen[w] {
			continue
		}
		seen[w] = true
		kept = append(kept, w)
		left -= utf8.RuneCountInString(w)
	}
	return kept
}

// cut returns the first n characters of s.
func cut(s string, n int) string {
	for i := range s {
		if n--; n < 0 {
			return s[:i]
		}
	}
	return s
}
