// Package portforward is k8s.io/cri-streaming's, on top of the package that came before it.
package portforward

import (
	"context"
	"io"
	"net/http"
	"time"

	"k8s.io/apimachinery/pkg/types"
	before "k8s.io/kubelet/pkg/cri/streaming/portforward"
)

// SupportedProtocols are the protocols that are offered.
var SupportedProtocols = before.SupportedProtocols

// V4Options says which ports a client wants.
type V4Options = before.V4Options

// NewV4Options reads a request's options.
func NewV4Options(r *http.Request) (*V4Options, error) { return before.NewV4Options(r) }

// PortForwarder connects a stream to a port of a pod.
type PortForwarder interface {
	PortForward(ctx context.Context, name, uid string, port int32, stream io.ReadWriteCloser) error
}

// ServePortForward answers a request by what f does.
func ServePortForward(
	w http.ResponseWriter, r *http.Request, f PortForwarder, pod, uid string, o *V4Options,
	idle, creation time.Duration, protocols []string,
) {
	before.ServePortForward(w, r, forwarder{f}, pod, types.UID(uid), o, idle, creation, protocols)
}

type forwarder struct{ PortForwarder }

func (f forwarder) PortForward(
	ctx context.Context, name string, uid types.UID, port int32, stream io.ReadWriteCloser,
) error {
	return f.PortForwarder.PortForward(ctx, name, string(uid), port, stream)
}
