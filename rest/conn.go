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
	failing, closing sync.Once
	failed           chan struct{} // closed by the first write that fails
	closed           chan struct{} // closed by Close
}

type dialFunc = func(ctx context.Context, network, addr string) (net.Conn, error)

// belowTLSBy returns a dial whose connections are belowTLS, if host is not one of plain HTTP.
func belowTLSBy(dial dialFunc, host string) dialFunc {
	if strings.HasPrefix(host, "http://") {
		return dial
	}
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return &belowTLS{
			Conn: conn, failed: make(chan struct{}), closed: make(chan struct{}),
		}, nil
	}
}

func (c *belowTLS) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	if err != nil {
		c.failing.Do(func() {
			close(c.failed)
			c.wait(nil) // for Close by the reader, which has read the alert
		})
	}
	return n, err
}

func (c *belowTLS) Close() error {
	c.closing.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

// wait waits until the connection is closed, or a write has failed if that is enough. It reports
// false if that takes longer than alertWait.
func (c *belowTLS) wait(enough <-chan struct{}) bool {
	timer := time.NewTimer(alertWait)
	defer timer.Stop()
	select {
	case <-c.closed:
		return true
	case <-enough:
		return true
	case <-timer.C:
		return false
	}
}

// lastAlert returns the alert by which the server ended a connection on which a request failed, as
// crypto/tls keeps it, or nil. It does not read from a connection that others may still use.
func lastAlert(conn net.Conn) error {
	secure, ok := conn.(*tls.Conn)
	if !ok {
		return nil
	}
	if below, ok := secure.NetConn().(*belowTLS); !ok || !below.wait(below.failed) {
		return nil
	}
	_, err := secure.Read(make([]byte, 1))
	if _, ok := alertOf(err); !ok {
		return nil
	}
	return err
}
