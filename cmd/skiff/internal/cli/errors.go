package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/skiff-k8s/skiff/kind"
)

// Exit codes. A command that runs another one (exec) returns that one's.
const (
	CodeOK    = 0
	CodeError = 1 // something failed; standard error says what
	CodeUsage = 2 // the command line is wrong
	// 128 and the number of a signal that ended the command: 130 for SIGINT, 143 for SIGTERM.
	codeSignal = 128
	// CodePipe is the code if nobody reads the output any more: what SIGPIPE gives in a shell.
	CodePipe = codeSignal + 13
)

// A UsageError is a mistake on the command line.
type UsageError struct{ Err error }

// Usagef returns a UsageError.
func Usagef(format string, args ...any) error { return &UsageError{fmt.Errorf(format, args...)} }

func (e *UsageError) Error() string { return e.Err.Error() }
func (e *UsageError) Unwrap() error { return e.Err }

// An ExitError ends the command with a code. Err is printed, unless it is nil.
type ExitError struct {
	Code int
	Err  error
}

func (e *ExitError) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("exit code %d", e.Code)
	}
	return e.Err.Error()
}

func (e *ExitError) Unwrap() error { return e.Err }

// Describe puts the verb and the object before the error of an API server, which names neither by
// itself. Other errors name the request already.
func Describe(verb string, r kind.Info, name string, err error) error {
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return err
	}
	object := r.GVR().GroupResource().String()
	if name != "" {
		object += "/" + name
	}
	return fmt.Errorf("%s %s: %w", verb, object, err)
}

// Report prints the error of a command to w, a line for each of the errors that are joined in it, and
// returns the exit code. The end of ctx by a signal and a reader that has gone away print nothing.
func Report(ctx context.Context, w io.Writer, err error) int {
	if err == nil {
		return CodeOK
	}
	if s := signalOf(ctx); s != 0 && errors.Is(err, context.Canceled) {
		return codeSignal + int(s)
	}
	if brokenPipe(err) {
		return CodePipe
	}
	code := CodeError
	var exit *ExitError
	var usage *UsageError
	switch {
	case errors.As(err, &exit):
		code = exit.Code
		if exit.Err == nil {
			return code
		}
	case errors.As(err, &usage):
		code = CodeUsage
	}
	for _, e := range parts(err) {
		fmt.Fprintln(w, "skiff:", strings.TrimRight(e.Error(), "\n"))
	}
	return code
}

// parts returns the errors that errors.Join has joined in err.
func parts(err error) []error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok || err.Error() != errors.Join(joined.Unwrap()...).Error() {
		return []error{err}
	}
	var all []error
	for _, e := range joined.Unwrap() {
		all = append(all, parts(e)...)
	}
	return all
}
