package webhook

import (
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

// Error returns the message and the errors of the fields.
func (d *Denied) Error() string {
	if len(d.Fields) == 0 {
		return d.Message
	}
	fields := d.Fields.ToAggregate().Error()
	if d.Message == "" {
		return fields
	}
	return d.Message + ": " + fields
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

// statusOf returns the status of an error for the user, and whether the error is a fault of the webhook.
// Wrapped and joined errors are looked into; the text is that of the whole error.
//
//   - If all are errors of fields (*field.Error, field.ErrorList.ToAggregate, Invalid), it is a 422
//     with all fields.
//   - If one is none of the following, it is a fault.
//   - A *Denied has its code, the first one of several.
//   - An error of package apierrors has the status that it holds, and is a fault from 500 on.
func statusOf(err error, in *admissionRequest) (s *metav1.Status, fault bool) {
	var fields field.ErrorList
	onlyFields := true
	for _, e := range leaves(err, nil) {
		switch e := e.(type) {
		case *field.Error:
			fields = append(fields, e)
			continue
		case *Denied:
			if fields = append(fields, e.Fields...); len(e.Fields) > 0 {
				continue
			}
			s = first(s, statusWith(e.Code, http.StatusForbidden, err.Error()))
		case apierrors.APIStatus:
			held := e.Status()
			if held.Code < http.StatusInternalServerError && held.Code >= http.StatusBadRequest {
				held.Status, held.Message = metav1.StatusFailure, err.Error()
				s = first(s, &held)
				break
			}
			return statusWith(http.StatusInternalServerError, 0, err.Error()), true
		default:
			return statusWith(http.StatusInternalServerError, 0, err.Error()), true
		}
		onlyFields = false
	}
	if !onlyFields {
		return s, false
	}
	gk := schema.GroupKind{Group: in.Kind.Group, Kind: in.Kind.Kind}
	invalid := apierrors.NewInvalid(gk, in.Name, fields).Status()
	if text := err.Error(); text != fields.ToAggregate().Error() {
		invalid.Message = fmt.Sprintf("%s %q is invalid: %s", gk, in.Name, text)
	}
	return &invalid, false
}

func first(a, b *metav1.Status) *metav1.Status {
	if a != nil {
		return a
	}
	return b
}

// leaves adds the errors that err consists of, without what wraps or joins them.
func leaves(err error, all []error) []error {
	switch e := err.(type) {
	case *Denied, *field.Error, apierrors.APIStatus:
		return append(all, err)
	case interface{ Unwrap() []error }:
		for _, err := range e.Unwrap() {
			all = leaves(err, all)
		}
		return all
	case utilerrors.Aggregate:
		for _, err := range e.Errors() {
			all = leaves(err, all)
		}
		return all
	case interface{ Unwrap() error }:
		if inner := e.Unwrap(); inner != nil {
			return leaves(inner, all)
		}
	}
	return append(all, err)
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
