package remote

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/skiff-k8s/skiff/rest"
)

// DefaultMaxConns is how many connections a Forwarder has at once if ForwardOptions.MaxConns is 0.
const DefaultMaxConns = 256

// ForwardOptions configures a Forwarder.
type ForwardOptions struct {
	// Ports are the ports to forward, at least one: "8080:80" is port 8080 here and port 80 of the
	// pod, "80" is the same port on both sides, ":80" and "0:80" any free port here. In place of the
	// pod's port there may be its name: "8080:http".
	Ports []string

	// Service is the name of a service of the pod's namespace. With it, the ports are those of the
	// service, by number or name, and lead where its targetPort says. The pod may then be "": it is
	// one that the service selects, a ready one if there is one. Its connections stay with that pod.
	Service string

	// MaxConns limits how many connections there are at once: each has a WebSocket connection of its
	// own. At the limit, the next one waits until one ends, and OnError is called with that. 0 means
	// DefaultMaxConns (256); negative means no limit.
	MaxConns int

	// Addresses are the IP addresses to listen on. nil means 127.0.0.1 and, where this machine has
	// it and the port is free there, ::1. Whoever can reach an address can reach the pod.
	Addresses []string

	// OnError is called for each connection that fails, and for each that waits because of MaxConns,
	// from its goroutine. It must be safe for concurrent use. nil means that the
	// errors are logged by the client's logger.
	OnError func(error)
}

// ForwardedPort is a port that a Forwarder listens on.
type ForwardedPort struct {
	Local net.Addr
	Port  uint16 // of the pod
}

// Forwarder forwards local ports to a pod. Its methods are safe for concurrent use.
type Forwarder struct {
	pod       pod
	onError   func(error)
	listeners []listener
	slots     chan struct{} // an element for each connection; nil means no limit
	maxConns  int

	ran     sync.Once
	closing sync.Once
	closed  chan struct{} // by Close
}

type listener struct {
	net.Listener
	port uint16
}

// Forward listens on the local ports and finds out whether the pod can be reached. Then Run
// accepts connections. The errors are those of [DialPort], and those of listening. If a port has a
// name or a service is given, they are also those of reading the pod or the service (verb get, and
// list of pods if the pod is ""), and an error that names the ports that there are.
func Forward(
	ctx context.Context, c *rest.Client, namespace, name string, o ForwardOptions,
) (*Forwarder, error) {
	const verb = "forward ports of"
	p := pod{client: c, namespace: namespace, name: name}
	if name != "" || o.Service == "" {
		var err error
		if p, err = podOf(verb, c, namespace, name); err != nil {
			return nil, err
		}
	}
	if len(o.Ports) == 0 {
		return nil, misuse(verb, name, "no port is given")
	}
	fail := func(err error) (*Forwarder, error) {
		return nil, c.Redact(fmt.Errorf("%s %s: %w", verb, cmp.Or(name, "service "+o.Service), err))
	}
	all := make([]ports, len(o.Ports))
	var err error
	for i, text := range o.Ports {
		if all[i], err = parsePorts(text); err != nil {
			return fail(err)
		}
	}
	mappings, err := p.resolve(ctx, all, o.Service)
	if err != nil {
		return fail(err)
	}
	f := &Forwarder{
		pod: p, onError: o.OnError, maxConns: cmp.Or(o.MaxConns, DefaultMaxConns),
		closed: make(chan struct{}),
	}
	if f.onError == nil {
		f.onError = logTo(c.Config().Logger, p)
	}
	if f.maxConns > 0 {
		f.slots = make(chan struct{}, f.maxConns)
	}
	for _, m := range mappings {
		if err := f.listen(ctx, o.Addresses, m.local, m.remote); err != nil {
			_ = f.Close()
			return fail(err)
		}
	}
	sock, err := p.tunnel(ctx)
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	sock.shut()
	return f, nil
}

func logTo(log *slog.Logger, p pod) func(error) {
	if log == nil {
		log = slog.Default()
	}
	return func(err error) {
		log.Warn("a forwarded connection failed, others go on", "pod", p.namespace+"/"+p.name, "err", err)
	}
}

// listen listens on a port of all addresses.
func (f *Forwarder) listen(ctx context.Context, addresses []string, local, remote uint16) error {
	optional := "::1"
	if addresses == nil {
		addresses = []string{"127.0.0.1", optional}
	} else {
		optional = ""
	}
	for _, address := range addresses {
		if net.ParseIP(address) == nil {
			return fmt.Errorf("the address %q is not an IP address", address)
		}
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort(address, strconv.Itoa(int(local))))
		switch {
		case err != nil && address == optional:
			continue
		case err != nil:
			return err
		}
		f.listeners = append(f.listeners, listener{l, remote})
		if tcp, ok := l.Addr().(*net.TCPAddr); ok && local == 0 {
			local = uint16(tcp.Port) // the same on all addresses
		}
	}
	return nil
}

// Pod returns the name of the pod that f forwards to.
func (f *Forwarder) Pod() string { return f.pod.name }

// Ports returns the ports that f listens on, in the order of ForwardOptions.Ports and Addresses. The
// slice belongs to the caller.
func (f *Forwarder) Ports() []ForwardedPort {
	var ports []ForwardedPort
	for _, l := range f.listeners {
		ports = append(ports, ForwardedPort{Local: l.Addr(), Port: l.port})
	}
	return ports
}

// Close closes the local ports of a Forwarder that is not run. Run does so at its end.
func (f *Forwarder) Close() error {
	f.closing.Do(func() { close(f.closed) })
	var failed []error
	for _, l := range f.listeners {
		if err := l.Close(); !errors.Is(err, net.ErrClosed) {
			failed = append(failed, err)
		}
	}
	return errors.Join(failed...)
}

// Run accepts connections and forwards each, until ctx ends. Then it closes all and returns nil. If
// the pod does not exist any more, which the next connection finds out, it returns the StatusError
// of that. A connection that fails ends no other: an API server that restarts, for example, ends
// those that are open, and not Run. A Forwarder runs once.
func (f *Forwarder) Run(ctx context.Context) error {
	first := false
	f.ran.Do(func() { first = true })
	if !first {
		return misuse("forward ports of", f.pod.name, "the Forwarder runs already, or has run")
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var running sync.WaitGroup
	for _, l := range f.listeners {
		running.Go(func() { f.accept(ctx, cancel, l) })
	}
	<-ctx.Done()
	err := f.Close()
	running.Wait()
	var gone *goneError
	if errors.As(context.Cause(ctx), &gone) {
		return gone.error
	}
	return err
}

// goneError ends Run.
type goneError struct{ error }

const (
	// firstPause is the pause after an Accept that failed, because this process has too many files
	// open. It doubles up to lastPause.
	firstPause = 5 * time.Millisecond
	lastPause  = time.Second
)

// accept accepts connections until ctx ends. It returns when they have ended.
func (f *Forwarder) accept(ctx context.Context, cancel context.CancelCauseFunc, l listener) {
	var conns sync.WaitGroup
	defer conns.Wait()
	pause := firstPause
	for {
		conn, err := l.Accept()
		switch {
		case ctx.Err() != nil || errors.Is(err, net.ErrClosed):
			if err == nil {
				_ = conn.Close()
			} else if ctx.Err() == nil {
				cancel(nil) // by Close
			}
			return
		case err != nil:
			f.onError(fmt.Errorf("accept a connection on %s, next attempt after %s: %w", l.Addr(), pause, err))
			select {
			case <-ctx.Done():
			case <-time.After(pause):
			}
			pause = min(2*pause, lastPause)
			continue
		}
		pause = firstPause
		if !f.takeSlot(ctx) {
			_ = conn.Close()
			cancel(nil) // unless ctx has ended
			return
		}
		conns.Go(func() {
			defer f.freeSlot()
			err := f.forward(ctx, conn, l.port)
			if err == nil || ctx.Err() != nil {
				return
			}
			if apierrors.IsNotFound(err) {
				cancel(&goneError{err})
				return
			}
			f.onError(err)
		})
	}
}

// takeSlot waits until there may be one more connection. It reports false if ctx or Close ends before.
func (f *Forwarder) takeSlot(ctx context.Context) bool {
	if f.slots == nil {
		return true
	}
	select {
	case f.slots <- struct{}{}:
		return true
	default:
	}
	f.onError(fmt.Errorf("forward ports of %s: %d connections are open, which is the limit "+
		"(ForwardOptions.MaxConns): the next one waits until one ends", f.pod, f.maxConns))
	select {
	case f.slots <- struct{}{}:
		return true
	case <-ctx.Done():
	case <-f.closed:
	}
	return false
}

func (f *Forwarder) freeSlot() {
	if f.slots != nil {
		<-f.slots
	}
}

// forward connects a local connection to the pod, and closes it.
func (f *Forwarder) forward(ctx context.Context, local net.Conn, port uint16) error {
	defer local.Close()
	remote, err := f.pod.dial(ctx, port)
	if err != nil {
		return err
	}
	defer remote.Close()
	defer context.AfterFunc(ctx, func() {
		_ = local.Close()
		_ = remote.Close()
	})()
	var sending sync.WaitGroup
	defer sending.Wait()
	sending.Go(func() {
		if _, err := io.Copy(remote, local); err != nil {
			_ = remote.Close() // the local side is gone, or the pod's is, which Read tells
			return
		}
		_ = remote.CloseWrite()
	})
	_, err = io.Copy(local, remote)
	if err != nil {
		_ = local.Close()
		if errors.Is(err, net.ErrClosed) {
			return nil // ended by the local side
		}
		return err
	}
	if half, ok := local.(*net.TCPConn); ok {
		_ = half.CloseWrite()
	}
	return nil
}
