package election

import (
	"context"
	"net"
	"sync"

	"github.com/skiff-k8s/skiff/rest"
)

// conns are the open connections of a client. They are closed by a reset (SO_LINGER 0): what the
// kernel still holds is dropped. Otherwise it would go on to send a write whose client has given
// up, for minutes, and an API server that can be reached again would carry it out.
type conns struct {
	mu   sync.Mutex // guards open
	open map[*conn]struct{}
}

type conn struct {
	net.Conn
	among *conns
}

type dialFunc = func(ctx context.Context, network, addr string) (net.Conn, error)

// by returns a dial whose connections are among c.
func (c *conns) by(dial dialFunc) dialFunc {
	if dial == nil {
		dial = rest.DefaultDial
	}
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		inner, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		if l, ok := inner.(interface{ SetLinger(seconds int) error }); ok {
			_ = l.SetLinger(0)
		}
		made := &conn{Conn: inner, among: c}
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.open == nil {
			c.open = map[*conn]struct{}{}
		}
		c.open[made] = struct{}{}
		return made, nil
	}
}

func (c *conn) Close() error {
	c.among.mu.Lock()
	delete(c.among.open, c)
	c.among.mu.Unlock()
	return c.Conn.Close()
}

// reset closes all connections, whatever they carry.
func (c *conns) reset() {
	c.mu.Lock()
	open := c.open
	c.open = nil
	c.mu.Unlock()
	for conn := range open {
		_ = conn.Close()
	}
}
