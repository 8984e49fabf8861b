package rest

import (
	"errors"
	"fmt"
	"net/url"
	"reflect"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/skiff-k8s/skiff/wire"
)

// errorf returns an error that leaves the package: fmt.Errorf without the client's credentials.
func (s *secrets) errorf(format string, args ...any) error {
	return s.error(fmt.Errorf(format, args...))
}

// error returns err without the credentials. An error that holds none stays as it is.
func (s *secrets) error(err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	clean := s.text(text)
	if clean == text {
		return err
	}
	return &cleanError{text: clean, err: err, secrets: s}
}

// cleanError replaces an error that holds a credential. errors.Is finds in it what the error wraps.
// errors.As finds the errors of the chain that hold no credential, and copies without it of those
// that callers decide by.
type cleanError struct {
	text    string
	err     error // not to be returned
	secrets *secrets
}

func (e *cleanError) Error() string { return e.text }

func (e *cleanError) Is(target error) bool { return errors.Is(e.err, target) }

func (e *cleanError) As(target any) bool {
	if !errors.As(e.err, target) {
		return false
	}
	switch t := target.(type) {
	case **wire.SyntaxError:
		copied := **t
		copied.Reading = e.secrets.text(copied.Reading)
		copied.Err = e.secrets.error(copied.Err)
		*t = &copied
	case **wire.KindError:
		copied := **t
		copied.APIVersion = e.secrets.text(copied.APIVersion)
		copied.Kind = e.secrets.text(copied.Kind)
		*t = &copied
	case **url.Error:
		copied := **t
		copied.URL = e.secrets.text(copied.URL)
		copied.Err = e.secrets.error(copied.Err)
		*t = &copied
	}
	found := reflect.ValueOf(target).Elem()
	if err, ok := found.Interface().(error); ok && e.secrets.text(err.Error()) == err.Error() {
		return true
	}
	found.SetZero()
	return false
}

// Redact returns err without the credentials that c sends, and err itself if it holds none. Errors
// of this package never hold them. Redact is for errors that a caller makes from the contents of an
// answer. errors.Is and errors.As work as before, except that errors.As does not return an error
// that holds a credential. A *StatusError that is not wrapped stays one.
func (c *Client) Redact(err error) error {
	if status, ok := err.(*apierrors.StatusError); ok {
		clean := c.core.secrets.statusError(status.ErrStatus.DeepCopy())
		if reflect.DeepEqual(clean, status) {
			return err
		}
		return clean
	}
	return c.core.secrets.error(err)
}
