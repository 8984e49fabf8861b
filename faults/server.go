package faults

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/skiff-k8s/skiff/internal/handlers"
)

// Options configure a Server. The zero Options serve HTTP/1.1 in memory.
type Options struct {
	// Loopback listens on a free TCP port of 127.0.0.1. Otherwise the connections are in memory,
	// which works in a bubble of testing/synctest.
	Loopback bool
	// TLS serves https, with HTTP/2 if the client wants it.
	TLS bool
	// HTTP1 leaves HTTP/2 out.
	HTTP1 bool
	// ChangeTLS changes the server's TLS configuration. It may be nil.
	ChangeTLS func(*tls.Config)
}

// Server serves a handler to clients that reach it by Dial (and by URL, if it listens on a port). Its
// methods are safe for concurrent use.
type Server struct {
	network *network
	http    *http.Server
	url     string
	ca      []byte
	stop    context.CancelFunc
	done    chan struct{} // closed when the http.Server has ended
	running *handlers.Group
	once    sync.Once
}

// Serve starts a server. Close ends it.
func Serve(handler http.Handler, o Options) (*Server, error) {
	s := &Server{done: make(chan struct{}), running: handlers.New(handler)}
	var real net.Listener
	host := "server.example"
	if o.Loopback {
		var err error
		if real, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			return nil, fmt.Errorf("faults: listen on a loopback port: %w", err)
		}
		host = real.Addr().String()
	}
	s.network = newNetwork(real)
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.http = &http.Server{
		Handler:     s.running,
		ErrorLog:    slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
		BaseContext: func(net.Listener) context.Context { return ctx },
		ConnContext: withConn,
		Protocols:   new(http.Protocols),
	}
	s.http.Protocols.SetHTTP1(true)
	s.http.Protocols.SetHTTP2(!o.HTTP1)
	s.url = "http://" + host
	if o.TLS {
		s.url = "https://" + host
		pair, ca, err := newCertificate()
		if err != nil {
			return nil, fmt.Errorf("faults: make a certificate: %w", err)
		}
		s.ca = ca
		s.http.TLSConfig = &tls.Config{Certificates: []tls.Certificate{pair}}
		if o.ChangeTLS != nil {
			o.ChangeTLS(s.http.TLSConfig)
		}
	}
	go func() {
		defer close(s.done)
		if o.TLS {
			_ = s.http.ServeTLS(s.network, "", "")
		} else {
			_ = s.http.Serve(s.network)
		}
	}()
	return s, nil
}

// Start starts a server that ends with the test t.
func Start(t TB, handler http.Handler, o Options) *Server {
	t.Helper()
	s, err := Serve(handler, o)
	if err != nil {
		t.Fatalf("%v", err)
		return nil
	}
	t.Cleanup(s.Close)
	return s
}

// TB is the part of a *testing.T, *testing.B or *testing.F that this package uses.
type TB interface {
	Helper()
	Logf(format string, args ...any)
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
	Cleanup(func())
}

// URL returns the server's address, for a client that dials with Dial. The address of a server on a
// loopback port is good for every client.
func (s *Server) URL() string { return s.url }

// CA returns the certificate that a client has to trust, as PEM; nil without TLS.
func (s *Server) CA() []byte { return s.ca }

// Dial connects to the server, whatever the address is.
func (s *Server) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	return s.network.dial(ctx, network, address)
}

// Transport returns a new http.Transport that reaches the server, whatever host a request names, and
// trusts it. Close ends its connections.
func (s *Server) Transport() *http.Transport {
	t := &http.Transport{DialContext: s.Dial, Protocols: new(http.Protocols), DisableCompression: true}
	t.Protocols.SetHTTP1(true)
	t.Protocols.SetHTTP2(true)
	if s.ca != nil {
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(s.ca)
		t.TLSClientConfig = &tls.Config{RootCAs: roots}
	}
	return t
}

// Refuse changes whether the server is away: open connections are reset and new ones refused, as by
// a machine on which no server runs.
func (s *Server) Refuse(yes bool) { s.network.refuse(yes) }

// Freeze changes whether all connections are open and silent, new ones too: nothing that a client
// sends is read, and nothing is sent to it, as by a suspended process or a machine that has gone.
func (s *Server) Freeze(yes bool) { s.network.freeze(yes) }

// Disconnect resets every open connection.
func (s *Server) Disconnect() { s.network.each((*conn).reset) }

// patience is how long Close waits for clients.
const patience = 10 * time.Second

// Close ends the server and all its connections, and returns when its handlers have returned and, in
// memory, the clients have closed their ends (those that do not within 10 seconds are left).
func (s *Server) Close() {
	s.once.Do(func() {
		s.stop()
		_ = s.network.Close()
		// All connections, those too that a handler took over, and before the http.Server does it: that
		// says goodbye on each under a lock, for which a frozen one waits.
		s.network.each(func(c *conn) { _ = c.Close() })
		_ = s.http.Close()
		<-s.done
		s.running.Close()
		s.network.waitForClients(patience)
	})
}

// connKey is the key of a connection in the context of its requests.
type connKey struct{}

func withConn(ctx context.Context, c net.Conn) context.Context {
	if secure, ok := c.(*tls.Conn); ok {
		c = secure.NetConn()
	}
	return context.WithValue(ctx, connKey{}, c)
}

// connOf returns the connection of a request; nil if the request did not come over a Server.
func connOf(r *http.Request) *conn {
	c, _ := r.Context().Value(connKey{}).(*conn)
	return c
}
