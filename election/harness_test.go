package election_test

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"sync"
	"testing"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/election"
	"github.com/skiff-k8s/skiff/faults"
	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/rest"
)

var leaseKind = kind.Info{Group: "coordination.k8s.io", Version: "v1", Kind: "Lease", Resource: "leases", Namespaced: true}

// options are those of the tests, with the default timings.
func options(identity string) election.Options {
	return election.Options{Namespace: "ns", Name: "lock", Identity: identity}
}

// configOf returns a configuration for a server in memory. The store takes JSON only.
func configOf(s *faults.Server, log *faults.Log) *rest.Config {
	cfg := &rest.Config{Host: s.URL(), Dial: s.Dial, JSONOnly: true, Logger: log.Logger()}
	cfg.TLS.CAData = s.CA()
	return cfg
}

// storedLease returns the Lease in a store, or nil.
func storedLease(t testing.TB, store *faults.Store) *coordinationv1.Lease {
	stored := store.Objects(leaseKind)
	if len(stored) == 0 {
		return nil
	}
	var l coordinationv1.Lease
	if err := json.Unmarshal(stored[0], &l); err != nil {
		t.Fatal(err)
	}
	return &l
}

func holderOf(l *coordinationv1.Lease) string {
	if l == nil || l.Spec.HolderIdentity == nil {
		return ""
	}
	return *l.Spec.HolderIdentity
}

// configMap is what the tests write.
func configMap(prefix string) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", GenerateName: prefix + "-"}}
}

func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// running is an Elector whose Run runs.
type running struct {
	*election.Elector
	client *rest.Client // fenced
	stop   context.CancelFunc
	ended  chan error
	leads  chan context.Context // gets the context of the leading function
	finish chan error           // what the leading function returns before its context ends
}

// run runs an Elector whose leading function waits for the end of its context.
func run(t testing.TB, cfg *rest.Config, o election.Options) *running {
	t.Helper()
	return runElector(t, cfg, must(election.New(cfg, o))(t))
}

func runElector(t testing.TB, cfg *rest.Config, e *election.Elector) *running {
	t.Helper()
	r := &running{
		Elector: e, ended: make(chan error, 1),
		leads: make(chan context.Context, 1), finish: make(chan error, 1),
	}
	fenced := r.Fence(cfg)
	fenced.UserAgent = r.Identity()
	r.client = must(rest.NewClient(fenced))(t)
	ctx, stop := context.WithCancel(context.Background())
	r.stop = stop
	go func() {
		r.ended <- r.Run(ctx, func(ctx context.Context) error {
			r.leads <- ctx
			select {
			case err := <-r.finish:
				return err
			case <-ctx.Done():
				return nil
			}
		})
	}()
	t.Cleanup(func() {
		stop()
		r.client.CloseIdleConnections()
	})
	return r
}

// create writes a ConfigMap by the fenced client, whatever the leading context is.
func (r *running) create() error {
	_, err := client.Of[corev1.ConfigMap](r.client).Create(context.Background(), configMap(r.Identity()), metav1.CreateOptions{})
	return err
}

// end stops Run and returns its error.
func (r *running) end() error {
	r.stop()
	return <-r.ended
}

// A gate stops a process as SIGSTOP does: its requests are not sent, and their answers not seen,
// while it is shut.
type gate struct {
	mu   sync.Mutex
	open chan struct{} // nil while the gate is open
}

func (g *gate) stop() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open == nil {
		g.open = make(chan struct{})
	}
}

func (g *gate) cont() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open != nil {
		close(g.open)
		g.open = nil
	}
}

func (g *gate) wait() {
	g.mu.Lock()
	open := g.open
	g.mu.Unlock()
	if open != nil {
		<-open
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// wrap puts the gate in front of what is sent.
func (g *gate) wrap(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(req *http.Request) (*http.Response, error) {
		g.wait()
		resp, err := next.RoundTrip(req)
		g.wait()
		return resp, err
	})
}

// A link is the network between a process and the server. While it is cut nothing passes, and the
// kernel keeps what the process has written: it sends that when the link is whole again, also after
// the process has closed the connection, unless it was closed by a reset.
type link struct {
	dial func(ctx context.Context, network, addr string) (net.Conn, error)

	mu    sync.Mutex
	whole chan struct{} // closed while the link is whole
	dead  bool          // the process was killed
	conns map[*linkConn]struct{}
}

func newLink(s *faults.Server) *link {
	l := &link{dial: s.Dial, whole: make(chan struct{}), conns: map[*linkConn]struct{}{}}
	close(l.whole)
	return l
}

var errDead = errors.New("the process is dead")

func (l *link) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	l.mu.Lock()
	whole, dead := l.whole, l.dead
	l.mu.Unlock()
	if dead {
		return nil, errDead
	}
	select {
	case <-whole:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	inner, err := l.dial(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	c := &linkConn{Conn: inner, link: l, closed: make(chan struct{})}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dead {
		_ = inner.Close()
		return nil, errDead
	}
	l.conns[c] = struct{}{}
	return c, nil
}

func (l *link) isWhole() bool {
	select {
	case <-l.whole:
		return true
	default:
		return false
	}
}

func (l *link) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.isWhole() && !l.dead {
		l.whole = make(chan struct{})
	}
}

func (l *link) mend() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.isWhole() {
		return
	}
	close(l.whole)
	for c := range l.conns {
		c.flush()
	}
}

// kill ends all connections for ever, as the end of the process does.
func (l *link) kill() {
	l.mu.Lock()
	l.dead = true
	conns := l.conns
	l.conns = nil
	if !l.isWhole() {
		close(l.whole)
	}
	l.mu.Unlock()
	for c := range conns {
		_ = c.Conn.Close()
	}
}

type linkConn struct {
	net.Conn
	link   *link
	closed chan struct{}
	held   []byte // guarded by link.mu, as is what follows
	over   bool   // Close was called
	reset  bool   // Close drops what is held
}

func (c *linkConn) SetLinger(seconds int) error {
	c.link.mu.Lock()
	defer c.link.mu.Unlock()
	c.reset = seconds == 0
	return nil
}

func (c *linkConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.link.mu.Lock()
	whole := c.link.whole
	c.link.mu.Unlock()
	select {
	case <-whole:
	case <-c.closed:
		return 0, net.ErrClosed
	}
	return n, err
}

func (c *linkConn) Write(p []byte) (int, error) {
	c.link.mu.Lock()
	if !c.over && !c.link.isWhole() {
		defer c.link.mu.Unlock()
		c.held = append(c.held, p...)
		return len(p), nil
	}
	c.link.mu.Unlock()
	return c.Conn.Write(p)
}

func (c *linkConn) Close() error {
	c.link.mu.Lock()
	defer c.link.mu.Unlock()
	if c.over {
		return net.ErrClosed
	}
	c.over = true
	close(c.closed)
	if c.reset {
		c.held = nil
	}
	if c.link.isWhole() || len(c.held) == 0 {
		delete(c.link.conns, c)
		return c.Conn.Close()
	}
	return nil
}

// flush sends what is held. link.mu is held.
func (c *linkConn) flush() {
	if len(c.held) > 0 {
		_, _ = c.Conn.Write(c.held)
		c.held = nil
	}
	if c.over {
		delete(c.link.conns, c)
		_ = c.Conn.Close()
	}
}
