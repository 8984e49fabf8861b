package kubelet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"time"
)

// Pods have addresses of a network that does not exist, because the API server's proxy refuses
// loopback addresses. The API server dials nodes and pods through this socket instead (its egress
// selector, --egress-selector-config-file): a connection to a pod goes to the port of its script.

func listenEgress(socket string) (net.Listener, error) {
	_ = os.Remove(socket) // of a run that was killed
	return net.Listen("unix", socket)
}

// serveEgress serves CONNECT until ctx ends.
func serveEgress(ctx context.Context, l net.Listener, p *pods) error {
	server := &http.Server{
		ReadHeaderTimeout: 10 * time.Second,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodConnect {
				http.Error(w, "only CONNECT", http.StatusMethodNotAllowed)
				return
			}
			to, err := p.dial(r.Context(), r.Host)
			if err != nil {
				http.Error(w, err.Error(), http.StatusBadGateway)
				return
			}
			defer to.Close()
			from, rw, err := w.(http.Hijacker).Hijack()
			if err != nil {
				return
			}
			defer from.Close()
			if _, err := io.WriteString(from, "HTTP/1.1 200 OK\r\n\r\n"); err != nil {
				return
			}
			join(ctx, from, rw, to)
		}),
	}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// join copies between two connections until both directions have ended, or ctx has.
func join(ctx context.Context, a net.Conn, fromA io.Reader, b net.Conn) {
	defer context.AfterFunc(ctx, func() { _, _ = a.Close(), b.Close() })()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.Copy(b, fromA)
		closeWrite(b)
	}()
	_, _ = io.Copy(a, b)
	closeWrite(a)
	<-done
}

func closeWrite(c net.Conn) {
	if half, ok := c.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
		return
	}
	_ = c.Close()
}

// dial connects to an address as the API server sees it.
func (p *pods) dial(ctx context.Context, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	ip, err := netip.ParseAddr(host)
	if err != nil || !podNetwork.Contains(ip) {
		return new(net.Dialer).DialContext(ctx, "tcp", address)
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return nil, err
	}
	pod := p.byIP(ip)
	if pod == nil {
		return nil, fmt.Errorf("no pod has the address %s", ip)
	}
	return pod.network.Dial(ctx, uint16(n))
}
