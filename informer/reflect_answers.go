package informer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/wire"
)

// answer is how a request ended, as far as the next state depends on it.
type answer uint8

const (
	complete    answer = iota + 1 // a list was read to its end; a pause is over
	ended                         // the server ended a watch
	endedAtOnce                   // the server ended a watch within a second, without an event
	outlived                      // a watch was ended from here because the server did not end it
	due                           // somebody waits for a version that a watch does not bring
	silent                        // nothing came for too long
	refused                       // 400 and 422: what is asked for is not understood
	expired                       // 410: the server has forgotten the version
	tooLarge                      // 504: the server has not come to the version yet
	unreadable                    // the bytes are no Kubernetes objects
	failed                        // any other error
)

func (a answer) String() string {
	return [...]string{
		"", "complete", "ended", "ended at once", "outlived", "due", "silent", "refused",
		"expired", "too large", "unreadable", "failed",
	}[a]
}

// Why a request is ended from here.
var (
	errSilent   = errors.New("nothing came for too long")
	errOutlived = errors.New("the watch outlived its time")
	errDue      = errors.New("somebody waits for a version that the watch does not bring")
)

var (
	// errEnded is the end of a watch by the server: no error, except before the end of its list.
	errEnded = fmt.Errorf("%w", io.ErrUnexpectedEOF)
	// errEndedAtOnce is an end that came too soon.
	errEndedAtOnce = fmt.Errorf("the server ended it at once, without an event: %w",
		io.ErrUnexpectedEOF)
)

// answerOf returns the answer that an error is.
func answerOf(err error) answer {
	var syntax *wire.SyntaxError
	switch {
	case err == nil:
		return complete
	case err == errEnded:
		return ended
	case err == errEndedAtOnce:
		return endedAtOnce
	case errors.Is(err, errOutlived):
		return outlived
	case errors.Is(err, errDue):
		return due
	case errors.Is(err, errSilent):
		return silent
	case apierrors.IsResourceExpired(err), apierrors.IsGone(err):
		return expired // "410 Gone responses" among the API concepts
	case apierrors.HasStatusCause(err, metav1.CauseTypeResourceVersionTooLarge):
		return tooLarge
	case apierrors.IsInvalid(err), apierrors.IsBadRequest(err):
		// Servers that know the parameters of a watch-list but have the feature off, and older
		// ones, call them invalid.
		return refused
	case errors.As(err, &syntax):
		return unreadable
	}
	return failed
}

// isAnswer reports whether an error is made of something that the server sent.
func isAnswer(err error) bool {
	var status apierrors.APIStatus
	var syntax *wire.SyntaxError
	return errors.As(err, &status) || errors.As(err, &syntax)
}

// statusOf returns the error that an ERROR event carries.
func statusOf(event wire.Event) error {
	status, err := event.Status()
	if err != nil {
		return fmt.Errorf("the server ended the watch with an error that cannot be read: %w", err)
	}
	if status.Code == 0 {
		status.Code = http.StatusInternalServerError
	}
	return &apierrors.StatusError{ErrStatus: *status}
}

// cause returns the cause of ctx's end if ctx has ended, else err.
func cause(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}
