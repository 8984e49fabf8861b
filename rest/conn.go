package rest

import (
	"context"
	"crypto/tls"
	"net"
	"strings"
	"sync"
	"time"
)

// alertWait is how long the error of a connection waits for the alert that explains it. The alert
// arrives before the reset that makes the connection fail, so that it only has to be read.
const alertWait = 100 * time.Millisecond

// A belowTLS is a connection that TLS is spoken on. It is there for the server's last alert.
//
// In TLS 1.3 a server that refuses the client's certificate sends an alert and closes the
// connection when the client has completed its handshake and is writing its request. net/http
// returns whichever error comes first: the alert, that of the write, or that the connection is not
// usable. So a write that fails lets the reader go first, and lastAlert finds the alert afterwards.
type belowTLS struct {
	net.Conn
	among          *openConns
	failed, closed context.Context // ended by the first write that fails, and by Close
	fail, close    context.CancelFunc
}

type dialFunc = func(ctx context.Context, network, addr string) (net.Conn, error)

// belowTLSBy returns a dial whose connections are belowTLS and among open, if host is not one of plain
// HTTP.
func belowTLSBy(dial dialFunc, host string, open *openConns) dialFunc {
	if strings.HasPrefix(host, "http://") {
		return dial
	}
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		c := &belowTLS{Conn: conn, among: open}
		c.closed, c.close = context.WithCancel(context.Background())
		c.failed, c.fail = context.WithCancel(c.closed)
		open.add(c)
		return c, nil
	}
}

func (c *belowTLS) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	if err != nil && c.failed.Err() == nil {
		c.fail()
		soon(c.closed) // by the reader, which has read the alert
	}
	return n, err
}

func (c *belowTLS) Close() error {
	c.close()
	c.among.remove(c)
	return c.Conn.Close()
}

// soon reports whether a context ends within alertWait.
func soon(ctx context.Context) bool { return !sleep(ctx, alertWait) }

// lastAlert returns the alert by which the server ended a connection on which a request failed, as
// crypto/tls keeps it, or nil. It does not read from a connection that others may still use.
func lastAlert(conn net.Conn) error {
	secure, ok := conn.(*tls.Conn)
	if !ok {
		return nil
	}
	if below, ok := secure.NetConn().(*belowTLS); !ok || !soon(below.failed) {
		return nil
	}
	_, err := secure.Read(make([]byte, 1))
	if _, ok := alertOf(err); !ok {
		return nil
	}
	return err
}

// openConns are the open connections of one http.Transport.
type openConns struct {
	mu    sync.Mutex // guards conns
	conns map[*belowTLS]struct{}
}

func (o *openConns) add(c *belowTLS) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.conns == nil {
		o.conns = map[*belowTLS]struct{}{}
	}
	o.conns[c] = struct{}{}
}

func (o *openConns) remove(c *belowTLS) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.conns, c)
}

// closeAll closes the connections, whatever they carry.
func (o *openConns) closeAll() {
	o.mu.Lock()
	conns := o.conns
	o.conns = nil
	o.mu.Unlock()
	for c := range conns {
		_ = c.Close()
	}
}
