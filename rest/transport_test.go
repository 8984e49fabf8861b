package rest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestHTTP2OverTLSAndHTTP1WithoutIt(t *testing.T) {
	echo := func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Proto) }
	_, cfg := testServer(t, echo)
	if proto, err := newClient(t, cfg).Get().AbsPath("/").DoRaw(t.Context()); err != nil || string(proto) != "HTTP/2.0" {
		t.Errorf("over TLS: %q, %v", proto, err)
	}
	plain := httptest.NewServer(http.HandlerFunc(echo))
	defer plain.Close()
	if proto, err := newClient(t, &Config{Host: plain.URL}).Get().AbsPath("/").DoRaw(t.Context()); err != nil || string(proto) != "HTTP/1.1" {
		t.Errorf("over TCP: %q, %v", proto, err)
	}
}

func TestClientsOfOneNewClientShareAConnection(t *testing.T) {
	var conns atomic.Int32
	_, cfg := testServer(t, func(w http.ResponseWriter, r *http.Request) {})
	cfg.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conns.Add(1)
		return dialLoopback(ctx, network, addr)
	}
	c := newClient(t, cfg)
	do(t, c)
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() { do(t, c.GroupVersion(c.gv)) })
	}
	all.Wait()
	if n := conns.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

func do(t *testing.T, c *Client) {
	t.Helper()
	if err := c.Get().AbsPath("/").Do(t.Context()).Error(); err != nil {
		t.Error(err)
	}
}

// silentProxy forwards TCP until it is told to go silent: from then on it takes bytes and delivers
// none, as a machine does whose network is gone.
type silentProxy struct {
	net.Listener
	to     string
	silent atomic.Bool
	conns  sync.WaitGroup
}

func newSilentProxy(t *testing.T, to string) *silentProxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &silentProxy{Listener: l, to: to}
	p.conns.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			p.conns.Go(func() { p.forward(conn, p.silent.Load()) })
		}
	})
	t.Cleanup(func() { _ = l.Close(); p.conns.Wait() })
	return p
}

// forward connects one connection. One made during the silence is a new network path, and works.
func (p *silentProxy) forward(client net.Conn, ignoresSilence bool) {
	server, err := net.Dial("tcp", p.to)
	if err != nil {
		_ = client.Close()
		return
	}
	copyBytes := func(to, from net.Conn) {
		defer to.Close()
		buffer := make([]byte, 32<<10)
		for {
			n, err := from.Read(buffer)
			if err != nil {
				return
			}
			if p.silent.Load() && !ignoresSilence {
				continue
			}
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
	}
	var both sync.WaitGroup
	both.Go(func() { copyBytes(server, client) })
	both.Go(func() { copyBytes(client, server) })
	both.Wait()
}

// A watch on a connection that died without a word must end, and the next request must not be put
// on that connection.
func TestAHalfOpenConnectionIsNoticed(t *testing.T) {
	s, cfg := testServer(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/stream" {
			fmt.Fprint(w, "begin")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}
	})
	proxy := newSilentProxy(t, s.Listener.Addr().String())
	cfg.Host = "https://" + proxy.Addr().String()
	cfg.health = healthCheck{idle: 100 * time.Millisecond, timeout: 100 * time.Millisecond}
	c := newClient(t, cfg)
	defer c.CloseIdleConnections()
	stream, err := c.Get().AbsPath("/stream").Stream(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	if _, err := io.ReadFull(stream, make([]byte, len("begin"))); err != nil {
		t.Fatal(err)
	}
	proxy.silent.Store(true)
	began := time.Now()
	_, err = stream.Read(make([]byte, 1))
	if err == nil || err == io.EOF || t.Context().Err() != nil {
		t.Errorf("reading ends with %v", err)
	}
	mustContain(t, err.Error(), "get /stream", cfg.Host)
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("noticed after %v", took)
	}
	do(t, c) // over a new connection
}

// The same with the intervals that everybody gets, on a network whose clock is synctest's.
func TestAHalfOpenConnectionIsNoticedWithin45Seconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := newPipeNet()
		cfg, stop := network.serve(t, true, func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, "begin")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		})
		var dead deadConn
		cfg.Dial = func(ctx context.Context, n, addr string) (net.Conn, error) {
			conn, err := network.Dial(ctx, n, addr)
			dead.Conn = conn
			return &dead, err
		}
		c := newClient(t, cfg)
		stream, err := c.Get().AbsPath("/stream").Stream(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(stream, make([]byte, len("begin"))); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		dead.silent.Store(true)
		if _, err := stream.Read(make([]byte, 1)); err == nil || err == io.EOF {
			t.Errorf("reading ends with %v", err)
		}
		if took := time.Since(began); took > 46*time.Second {
			t.Errorf("noticed after %v", took)
		}
		_ = stream.Close()
		c.CloseIdleConnections()
		stop()
	})
}

// deadConn takes what is written to it and delivers nothing, once it is silent.
type deadConn struct {
	net.Conn
	silent atomic.Bool
}

func (d *deadConn) Write(p []byte) (int, error) {
	if d.silent.Load() {
		return len(p), nil
	}
	return d.Conn.Write(p)
}

// Connections and streams leave no goroutine behind: a bubble does not end before all are gone.
func TestNothingIsLeftRunning(t *testing.T) {
	for _, secure := range []bool{false, true} {
		for name, end := range map[string]func(cancel context.CancelFunc, stream io.Closer){
			"close":                  func(_ context.CancelFunc, s io.Closer) { _ = s.Close(); _ = s.Close() },
			"cancel":                 func(cancel context.CancelFunc, _ io.Closer) { cancel() },
			"cancel, then close":     func(cancel context.CancelFunc, s io.Closer) { cancel(); _ = s.Close() },
			"close by two at a time": func(_ context.CancelFunc, s io.Closer) { go s.Close(); go s.Close() },
		} {
			t.Run(fmt.Sprintf("secure=%v/%s", secure, name), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					network := newPipeNet()
					cfg, stop := network.serve(t, secure, func(w http.ResponseWriter, r *http.Request) {
						fmt.Fprint(w, "begin")
						_ = http.NewResponseController(w).Flush()
						<-r.Context().Done()
					})
					c := newClient(t, cfg)
					ctx, cancel := context.WithCancel(t.Context())
					stream, err := c.Get().AbsPath("/stream").Stream(ctx)
					if err != nil {
						t.Fatal(err)
					}
					if _, err := io.ReadFull(stream, make([]byte, len("begin"))); err != nil {
						t.Fatal(err)
					}
					read := make(chan error)
					go func() {
						_, err := stream.Read(make([]byte, 1))
						read <- err
					}()
					synctest.Wait() // the read is under way
					began := time.Now()
					end(cancel, stream)
					err = <-read
					if strings.HasPrefix(name, "cancel") != errors.Is(err, context.Canceled) && !errors.Is(err, ErrStreamClosed) {
						t.Errorf("reading ends with %v", err)
					}
					if took := time.Since(began); took != 0 {
						t.Errorf("reading ends after %v", took)
					}
					cancel()
					c.CloseIdleConnections()
					stop()
				})
			})
		}
	}
}
