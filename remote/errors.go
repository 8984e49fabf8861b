package remote

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/version"

	"github.com/skiff-k8s/skiff/rest"
)

// ExitError is the error of a command that has ended with an exit code other than 0.
type ExitError struct {
	Code int // the exit code; 128 and the signal's number, if a signal ended the command
	what string
}

// Error returns the call and the code.
func (e *ExitError) Error() string {
	return fmt.Sprintf("%s: the command ended with exit code %d", e.what, e.Code)
}

// ErrNoStatus is the cause of an error of Exec and Attach if the connection ends before the server
// has sent the result. Whether the process goes on is not known.
var ErrNoStatus = errors.New("the connection ended before the result")

// VersionError is the error of a server that does not speak the protocol of a stream: it is too
// old, or something between it and the client does not pass the protocol on.
type VersionError struct {
	Needed string // the version of Kubernetes that has the protocol: "1.31"
	Server string // the version of the server: "v1.29.3"; "" if it could not be found out
	Err    error  // the answer of the server

	what string
}

// Error returns the call, the versions and the server's answer.
func (e *VersionError) Error() string {
	hint := "the version of the server is not known"
	switch {
	case e.Server != "" && olderThan(e.Server, e.Needed):
		hint = "the server is " + e.Server
	case e.Server != "":
		hint = "the server is " + e.Server + ": does a proxy in between drop the upgrade?"
	}
	return fmt.Sprintf("%s: a server of Kubernetes %s is needed, %s: %v", e.what, e.Needed, hint, e.Err)
}

// Unwrap returns the answer of the server.
func (e *VersionError) Unwrap() error { return e.Err }

// refusedError is the error of a handshake that ended without a protocol.
type refusedError struct{ error }

// refused returns the error of a handshake. If the server may be too old for the protocol, it asks
// for the server's version, and returns a VersionError if that is so.
func refused(
	ctx context.Context, c *rest.Client, what, needed string, old func(error) bool, err error,
) error {
	var no *refusedError
	unknown := errors.As(err, &no) || errors.Is(err, rest.ErrNotUpgraded)
	if !unknown && !old(err) || ctx.Err() != nil {
		return err // of package rest, which names the request
	}
	server := versionOf(ctx, c)
	if !unknown && (server == "" || !olderThan(server, needed)) {
		return err
	}
	return c.Redact(&VersionError{Needed: needed, Server: server, Err: err, what: what})
}

// neverOld is for a protocol that old servers answer in the same way.
func neverOld(error) bool { return false }

// maybeOld reports whether an answer may be that of a server that does not know a protocol. Such
// servers pass the request on to the kubelet, which misses the parameters of its older protocols.
func maybeOld(err error) bool {
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return false
	}
	switch code := status.Status().Code; code {
	case http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound:
		return true
	default:
		return code >= http.StatusInternalServerError
	}
}

// versionOf returns the version of the server, or "".
func versionOf(ctx context.Context, c *rest.Client) string {
	var info version.Info
	data, err := c.Get().AbsPath("/version").MaxRetries(-1).DoRaw(ctx)
	if err != nil || json.Unmarshal(data, &info) != nil {
		return ""
	}
	return info.GitVersion
}

// olderThan reports whether a version such as "v1.29.3-eks" is older than one such as "1.31". It
// reports false if the server's cannot be read.
func olderThan(server, needed string) bool {
	a, ok := minor(server)
	b, _ := minor(needed)
	return ok && a < b
}

// minor returns the second number of a version 1.x.
func minor(v string) (int, bool) {
	rest, ok := strings.CutPrefix(strings.TrimPrefix(v, "v"), "1.")
	if !ok {
		return 0, false
	}
	digits := strings.TrimRight(rest, "+")
	if i := strings.IndexFunc(digits, func(r rune) bool { return r < '0' || r > '9' }); i >= 0 {
		digits = digits[:i]
	}
	n, err := strconv.Atoi(digits)
	return n, err == nil
}
