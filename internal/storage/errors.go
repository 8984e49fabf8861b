package storage

import (
	"fmt"
	"net/http"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// NewError returns a failed Status as an error. details may be nil.
func NewError(
	code int, reason metav1.StatusReason, message string, details *metav1.StatusDetails,
) *apierrors.StatusError {
	return &apierrors.StatusError{ErrStatus: metav1.Status{
		Status: metav1.StatusFailure, Code: int32(code), Reason: reason, Message: message, Details: details,
	}}
}

func badRequest(message string) error {
	return NewError(http.StatusBadRequest, metav1.StatusReasonBadRequest, message, nil)
}

func gone(message string) error {
	return NewError(http.StatusGone, metav1.StatusReasonExpired, message, nil)
}

// tokenExpired is the error of a continue token whose version is forgotten. It has a token that goes on
// with what is there now.
func tokenExpired(after string) error {
	err := NewError(http.StatusGone, metav1.StatusReasonExpired,
		"The provided continue parameter is too old to display a consistent list result. You can start a new "+
			"list without the continue parameter, or use the continue token in this response to retrieve the "+
			"remainder of the results. Continuing with the provided token results in an inconsistent list - "+
			"objects that were created, modified, or deleted between the time the first chunk was returned and "+
			"now may show up in the list.", nil)
	err.ErrStatus.Continue = token(0, after)
	return err
}

// tooLarge is the error of a version that the store has not come to. s.mu is held.
func (s *Store) tooLarge(version uint64) error {
	return NewError(http.StatusGatewayTimeout, metav1.StatusReasonTimeout,
		fmt.Sprintf("Timeout: Too large resource version: %d, current: %d", version, s.version),
		&metav1.StatusDetails{RetryAfterSeconds: 1, Causes: []metav1.StatusCause{
			{Type: metav1.CauseTypeResourceVersionTooLarge, Message: "Too large resource version"},
		}})
}
