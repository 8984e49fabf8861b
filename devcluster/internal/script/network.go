package script

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Network is the network of one pod: the ports that its processes listen on. Each is a loopback
// port of this machine that is free, so that two pods can listen on the same one. A Network is safe
// for concurrent use.
type Network struct {
	mu    sync.Mutex
	ports map[uint16]net.Addr
}

// Dial connects to a port of the pod.
func (n *Network) Dial(ctx context.Context, port uint16) (*net.TCPConn, error) {
	n.mu.Lock()
	addr := n.ports[port]
	n.mu.Unlock()
	if addr == nil {
		return nil, fmt.Errorf("dial tcp4 127.0.0.1:%d: connect: connection refused", port)
	}
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr.String())
	if err != nil {
		return nil, err
	}
	return conn.(*net.TCPConn), nil
}

// open opens a port until ctx ends or close is called.
func (n *Network) open(arg string) (l net.Listener, close func(), err error) {
	if n == nil {
		return nil, nil, fmt.Errorf("there is no network")
	}
	port, err := strconv.ParseUint(arg, 10, 16)
	if err != nil || port == 0 {
		return nil, nil, fmt.Errorf("%q is not a port", arg)
	}
	if l, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return nil, nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ports[uint16(port)] != nil {
		_ = l.Close()
		return nil, nil, fmt.Errorf("port %d: address already in use", port)
	}
	if n.ports == nil {
		n.ports = map[uint16]net.Addr{}
	}
	n.ports[uint16(port)] = l.Addr()
	return l, func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		delete(n.ports, uint16(port))
		_ = l.Close()
	}, nil
}

// listen sends back what connections send, and the end of it.
func listen(ctx context.Context, p *Process, args []string) int {
	if len(args) == 0 {
		return p.fail(codeUsage, "listen: a port is missing")
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	for _, arg := range args {
		l, done, err := p.Network.open(arg)
		if err != nil {
			return p.fail(1, "listen: %v", err)
		}
		defer done()
		context.AfterFunc(ctx, done)
		wg.Go(func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				wg.Go(func() {
					defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
					defer conn.Close()
					_, _ = io.Copy(conn, conn)
				})
			}
		})
	}
	p.print("listening\n")
	<-ctx.Done()
	return Killed
}

// httpd answers HTTP requests with what was asked.
func httpd(ctx context.Context, p *Process, args []string) int {
	if len(args) == 0 {
		return p.fail(codeUsage, "httpd: a port is missing")
	}
	l, done, err := p.Network.open(args[0])
	if err != nil {
		return p.fail(1, "httpd: %v", err)
	}
	defer done()
	server := &http.Server{
		ReadHeaderTimeout: 10 * time.Second,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Pod", p.Hostname)
			if r.URL.Path == "/missing" {
				w.WriteHeader(http.StatusNotFound)
			}
			fmt.Fprintf(w, "%s %s\n", r.Method, r.URL)
			_, _ = io.Copy(w, r.Body)
		}),
	}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	p.print("listening\n")
	_ = server.Serve(l)
	return Killed
}
