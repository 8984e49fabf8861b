package informer

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/wire"
)

// answer is how a request ended, as far as the next state depends on it.
type answer uint8

const (
	complete     answer = iota + 1 // a list was read to its end; a question was answered
	versionless                    // a list was read to its end, and has no resourceVersion
	ended                          // the server ended a watch when it was asked to
	endedEarly                     // the server ended a watch before that
	endedAtOnce                    // the server ended a watch within seconds
	outlived                       // a watch was ended from here because the server did not end it
	due                            // somebody waits for a version that a watch does not bring
	stuck                          // a watch-list came, but not the end of its list in time
	unanswered                     // no answer, or a part: the connection, TLS, a time-out
	busy                           // 429 and 503: later
	tooLarge                       // 504: the server has not come to the version yet
	unauthorized                   // 401: the credentials are not accepted
	expired                        // 410: the server has forgotten the version
	refused                        // 400 and 422: the server does not understand the request
	failed                         // every other status, and a body that is not as it should be
)

func (a answer) String() string {
	return [...]string{
		"", "complete", "versionless", "ended", "ended early", "ended at once", "outlived", "due",
		"stuck", "unanswered", "busy", "too large", "unauthorized", "expired", "refused", "failed",
	}[a]
}

// isFault reports whether the answer is an error that somebody should know of.
func (a answer) isFault() bool { return a == endedAtOnce || a >= stuck }

// isSent reports whether the answer is an error that the server sent.
func (a answer) isSent() bool { return a > unanswered }

// Why a request is ended from here.
var (
	errOutlived = errors.New("the watch outlived its time")
	errDue      = errors.New("somebody waits for a version that the watch does not bring")
	errBehind   = errors.New("the server is behind the version that has been read")
	errNoAnswer = errors.New("the server did not answer within 30s")
	errSilent   = errors.New("the server sent nothing for 90s")
	errLong     = errors.New("the page took too long")
	errNoObject = errors.New("neither an object nor the end of the list came within 20s")
	errNoEnd    = errors.New("the end of the list did not come within a minute")
)

// How a server ended a watch. They are errors only before the end of its list.
var (
	errEnded      = errors.New("the server ended the watch")
	errEndedEarly = errors.New("the server ended the watch early")
	errAtOnce     = errors.New("the server ended the watch within 5s")
)

// errVersionless is the error of a list that cannot be watched from.
var errVersionless = errors.New("the list has no resourceVersion to watch from")

// malformedError is the error of an answer that can be read, but is not as it should be.
type malformedError struct{ problem string }

func (e *malformedError) Error() string { return e.problem }

// answerOf returns the answer that an error is.
func answerOf(err error) answer {
	switch err {
	case nil:
		return complete
	case errVersionless:
		return versionless
	case errEnded:
		return ended
	case errEndedEarly:
		return endedEarly
	case errAtOnce:
		return endedAtOnce
	case errOutlived:
		return outlived
	case errDue:
		return due
	case errNoObject, errNoEnd:
		return stuck
	case errBehind:
		return tooLarge
	}
	var status apierrors.APIStatus
	var malformed *malformedError
	var content *wire.ContentTypeError
	var syntax *wire.SyntaxError
	switch {
	case errors.As(err, &status):
		return answerOfStatus(err, status.Status().Code)
	case errors.As(err, &malformed), errors.As(err, &content):
		return failed
	case errors.As(err, &syntax) && !errors.Is(err, io.ErrUnexpectedEOF):
		return failed
	}
	return unanswered
}

// answerOfStatus returns the answer that a Status is. A server that sends a code may leave out the
// reason, and the other way round.
func answerOfStatus(err error, code int32) answer {
	switch {
	case apierrors.HasStatusCause(err, metav1.CauseTypeResourceVersionTooLarge):
		return tooLarge
	case code == http.StatusTooManyRequests, code == http.StatusServiceUnavailable,
		apierrors.IsTooManyRequests(err), apierrors.IsServiceUnavailable(err):
		return busy
	case code == http.StatusUnauthorized, apierrors.IsUnauthorized(err):
		return unauthorized
	case code == http.StatusGone, apierrors.IsResourceExpired(err), apierrors.IsGone(err):
		return expired // "410 Gone responses" among the API concepts
	case apierrors.IsInvalid(err), apierrors.IsBadRequest(err):
		// Servers that know the parameters of a watch-list but have the feature off, and older
		// ones, call them invalid.
		return refused
	}
	return failed
}

// statusOf returns the error that an ERROR event carries.
func statusOf(event wire.Event) error {
	status, err := event.Status()
	if err != nil {
		return &malformedError{"the server ended the watch with an error that cannot be read: " +
			err.Error()}
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

// checkName returns an error if an object has no name.
func checkName(o *wire.Object) error {
	if o.Meta.Name == "" {
		return &malformedError{"the server sent a " + o.Kind + " without a name"}
	}
	return nil
}

// Bounds of waiting for the server.
const (
	// answerWithin is how long a watch may take to begin. A server under load queues a request for
	// up to 15 seconds.
	answerWithin = 30 * time.Second
	// listSilence is how long a page may deliver nothing. The server gives up after a minute
	// itself; a connection that is silent for longer is open at one end only.
	listSilence = 90 * time.Second
	// listBound is how long a page may take in all, and objectBound more for each object.
	listBound = 10 * time.Minute
	// endSilence is how long a watch-list may deliver neither an object of its list nor the
	// bookmark that ends it. A server that does watch-list sends the bookmark as soon as its cache
	// is fresh, for which it waits a few seconds at most. A server that does not know the
	// parameters never sends it.
	endSilence = 20 * time.Second
	// streamBound is how long the list of a watch-list may take in all, and objectBound more for
	// each of its objects.
	streamBound = time.Minute
	objectBound = time.Millisecond
)
