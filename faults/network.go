package faults

import (
	"context"
	"maps"
	"net"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"
)

// network is what lies between the clients and a Server: it accepts connections, in memory or on a
// loopback port, and can do to all of them what networks do.
type network struct {
	real   net.Listener  // nil in memory
	dialed chan net.Conn // in memory: the server's ends of new connections
	closed chan struct{}
	once   sync.Once

	mu      sync.Mutex
	ended   bool // Close was called
	refused bool
	frozen  bool
	conns   map[*conn]struct{}       // the server's ends of the open connections
	clients map[*memoryConn]struct{} // the clients' ends of those in memory
}

func newNetwork(real net.Listener) *network {
	return &network{
		real: real, dialed: make(chan net.Conn), closed: make(chan struct{}),
		conns: map[*conn]struct{}{}, clients: map[*memoryConn]struct{}{},
	}
}

var errRefused = os.NewSyscallError("connect", syscall.ECONNREFUSED)

// Accept implements net.Listener.
func (n *network) Accept() (net.Conn, error) {
	for {
		inner, err := n.next()
		if err != nil {
			return nil, err
		}
		c := &conn{Conn: inner, network: n, closed: make(chan struct{}), thawed: make(chan struct{})}
		n.mu.Lock()
		refused := n.refused || n.ended
		if !refused {
			n.conns[c] = struct{}{}
			if !n.frozen {
				close(c.thawed)
			}
		}
		n.mu.Unlock()
		if !refused {
			return c, nil
		}
		c.reset() // the nearest that a listening port can do
	}
}

func (n *network) next() (net.Conn, error) {
	if n.real != nil {
		return n.real.Accept()
	}
	select {
	case c := <-n.dialed:
		return c, nil
	case <-n.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener. No connection is accepted after it, one that was dialed before
// neither.
func (n *network) Close() error {
	n.once.Do(func() {
		n.mu.Lock()
		n.ended = true
		n.mu.Unlock()
		close(n.closed)
	})
	if n.real != nil {
		return n.real.Close()
	}
	return nil
}

// Addr implements net.Listener.
func (n *network) Addr() net.Addr {
	if n.real != nil {
		return n.real.Addr()
	}
	return memoryAddr
}

// dial connects to the server, whatever address it is given.
func (n *network) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	n.mu.Lock()
	refused := n.refused
	n.mu.Unlock()
	if refused {
		return nil, opError("dial", errRefused)
	}
	if n.real != nil {
		return new(net.Dialer).DialContext(ctx, "tcp", n.real.Addr().String())
	}
	client, server := pipe()
	select {
	case n.dialed <- server:
		n.mu.Lock()
		defer n.mu.Unlock()
		for c := range n.clients {
			if c.hasClosed() {
				delete(n.clients, c)
			}
		}
		n.clients[client] = struct{}{}
		return client, nil
	case <-n.closed:
		return nil, opError("dial", errRefused)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// refuse changes whether connections are refused, and resets the open ones if they are.
func (n *network) refuse(yes bool) {
	n.mu.Lock()
	n.refused = yes
	n.mu.Unlock()
	if yes {
		n.each((*conn).reset)
	}
}

// freeze changes whether the connections carry anything.
func (n *network) freeze(yes bool) {
	n.mu.Lock()
	n.frozen = yes
	n.mu.Unlock()
	if yes {
		n.each((*conn).freeze)
	} else {
		n.each((*conn).thaw)
	}
}

// waitForClients waits until the clients have closed their ends of the connections in memory, for a
// time: in a bubble of synctest, what a client does at the end of a connection has to be over when the
// test is.
func (n *network) waitForClients(patience time.Duration) {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	n.mu.Lock()
	clients := slices.Collect(maps.Keys(n.clients))
	n.mu.Unlock()
	for _, c := range clients {
		select {
		case <-c.closed:
		case <-timer.C:
			return
		}
	}
}

// each calls f for every open connection.
func (n *network) each(f func(*conn)) {
	n.mu.Lock()
	open := slices.Collect(maps.Keys(n.conns))
	n.mu.Unlock()
	for _, c := range open {
		f(c)
	}
}

// conn is the server's end of a connection.
type conn struct {
	net.Conn
	network *network
	closed  chan struct{}
	once    sync.Once

	mu     sync.Mutex
	thawed chan struct{} // closed while the connection carries data
}

func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.wait()
	return n, err
}

func (c *conn) Write(p []byte) (int, error) {
	c.wait()
	return c.Conn.Write(p)
}

func (c *conn) Close() error {
	c.once.Do(func() {
		close(c.closed)
		c.network.mu.Lock()
		delete(c.network.conns, c)
		c.network.mu.Unlock()
	})
	return c.Conn.Close()
}

// wait waits while the connection is frozen.
func (c *conn) wait() {
	c.mu.Lock()
	thawed := c.thawed
	c.mu.Unlock()
	select {
	case <-thawed:
	case <-c.closed:
	}
}

func (c *conn) freeze() {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.thawed:
		c.thawed = make(chan struct{})
	default:
	}
}

func (c *conn) thaw() {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.thawed:
	default:
		close(c.thawed)
	}
}

// reset closes the connection so that the other end reads an error, and not the end of the data.
func (c *conn) reset() {
	switch inner := c.Conn.(type) {
	case *net.TCPConn:
		_ = inner.SetLinger(0)
	case *memoryConn:
		inner.reset()
	}
	_ = c.Close()
}
