// Package remotecommand is k8s.io/cri-streaming's, on top of the package that came before it.
package remotecommand

import (
	"context"
	"io"
	"net/http"
	"time"

	"k8s.io/apimachinery/pkg/types"
	protocol "k8s.io/apimachinery/pkg/util/remotecommand"
	client "k8s.io/client-go/tools/remotecommand"
	before "k8s.io/kubelet/pkg/cri/streaming/remotecommand"
)

// DefaultStreamCreationTimeout is how long the server waits for a client's streams.
const DefaultStreamCreationTimeout = protocol.DefaultStreamCreationTimeout

// SupportedStreamingProtocols are the protocols that are offered.
var SupportedStreamingProtocols = protocol.SupportedStreamingProtocols

type (
	// Options says which streams a client wants.
	Options = before.Options
	// TerminalSize is in columns and lines.
	TerminalSize = client.TerminalSize
)

// NewOptions reads a request's options.
func NewOptions(r *http.Request) (*Options, error) { return before.NewOptions(r) }

// Executor runs a command in a container.
type Executor interface {
	ExecInContainer(ctx context.Context, name, uid, container string, cmd []string, in io.Reader,
		out, err io.WriteCloser, tty bool, resize <-chan TerminalSize, timeout time.Duration) error
}

// Attacher connects streams to a running container.
type Attacher interface {
	AttachContainer(ctx context.Context, name, uid, container string, in io.Reader,
		out, err io.WriteCloser, tty bool, resize <-chan TerminalSize) error
}

// ServeExec answers a request by what e does.
func ServeExec(
	w http.ResponseWriter, r *http.Request, e Executor, pod, uid, container string, cmd []string,
	o *Options, idle, creation time.Duration, protocols []string,
) {
	before.ServeExec(w, r, executor{e}, pod, types.UID(uid), container, cmd, o, idle, creation, protocols)
}

// ServeAttach answers a request by what a does.
func ServeAttach(
	w http.ResponseWriter, r *http.Request, a Attacher, pod, uid, container string,
	o *Options, idle, creation time.Duration, protocols []string,
) {
	before.ServeAttach(w, r, attacher{a}, pod, types.UID(uid), container, o, idle, creation, protocols)
}

type executor struct{ Executor }

func (e executor) ExecInContainer(
	ctx context.Context, name string, uid types.UID, container string, cmd []string, in io.Reader,
	out, err io.WriteCloser, tty bool, resize <-chan TerminalSize, timeout time.Duration,
) error {
	return e.Executor.ExecInContainer(ctx, name, string(uid), container, cmd, in, out, err, tty, resize, timeout)
}

type attacher struct{ Attacher }

func (a attacher) AttachContainer(
	ctx context.Context, name string, uid types.UID, container string, in io.Reader,
	out, err io.WriteCloser, tty bool, resize <-chan TerminalSize,
) error {
	return a.Attacher.AttachContainer(ctx, name, string(uid), container, in, out, err, tty, resize)
}
