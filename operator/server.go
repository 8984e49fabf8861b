package operator

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// Server is an HTTP server with limits, for the endpoints of an operator. Fill in its fields, call
// Listen and then Run, or Run alone. The fields are not changed after that.
type Server struct {
	// Address is the host and port that it listens on: "127.0.0.1:8080"; ":8080" is every address
	// of the machine. Port 0 is a free one, which Addr returns.
	Address string
	// Handler answers the requests.
	Handler http.Handler
	// Certificate makes it an HTTPS server. nil means HTTP.
	Certificate *Certificate
	// GetCertificate makes it an HTTPS server without a Certificate: it returns the certificate of each
	// handshake, as tls.Config.GetCertificate does.
	GetCertificate func(*tls.ClientHelloInfo) (*tls.Certificate, error)
	// FinishRequests leaves the contexts of the requests that are running as they are when Run's ends,
	// for requests that come to an end by themselves.
	FinishRequests bool
	// Logger takes the server's errors. nil means slog.Default.
	Logger *slog.Logger
	// ErrorLog takes what net/http logs: clients that break off, handshakes that fail. nil means
	// Logger, at the level Debug.
	ErrorLog *log.Logger

	mu       sync.Mutex
	listener net.Listener
}

const (
	// headerTimeout limits how long a client may take for the header of a request.
	headerTimeout = 10 * time.Second
	// bodyTimeout limits how long it may take for a whole request.
	bodyTimeout = time.Minute
	// writeTimeout limits how long a client may take to read an answer. A handler that answers for longer
	// sets a deadline of its own (http.ResponseController), as the page's stream does.
	writeTimeout = time.Minute
	// idleTimeout is how long a connection without a request is kept.
	idleTimeout = 2 * time.Minute
	// maxHeader limits the header of a request, in bytes. A token has a few KB.
	maxHeader = 64 << 10
)

// Listen opens the port, so that a port that is taken is an error before anything else is started.
func (s *Server) Listen(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listener != nil {
		return nil
	}
	if s.Certificate != nil {
		if err := s.Certificate.Load(); err != nil {
			return fmt.Errorf("listen on %s: %w", s.Address, err)
		}
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", s.Address)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", s.Address, err)
	}
	s.listener = l
	return nil
}

// Addr returns the address that it listens on, and nil before Listen.
func (s *Server) Addr() net.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listener == nil {
		return nil
	}
	return s.listener.Addr()
}

// Close closes the port of a server that Listen opened and that does not run.
func (s *Server) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listener != nil {
		_ = s.listener.Close()
	}
}

// Run answers requests until ctx ends. Then it takes no more, ends the contexts of those that are
// running unless FinishRequests is set, and returns nil when they have been answered. A handler that does not return is waited
// for; the caller limits that.
func (s *Server) Run(ctx context.Context) error {
	if err := s.Listen(ctx); err != nil {
		return err
	}
	logger := s.Logger
	if logger == nil {
		logger = slog.Default()
	}
	requests, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	hs := &http.Server{
		Handler:           s.Handler,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       bodyTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		BaseContext:       func(net.Listener) context.Context { return requests },
		ErrorLog:          s.ErrorLog,
	}
	if hs.ErrorLog == nil { // these are not faults of the operator
		hs.ErrorLog = slog.NewLogLogger(logger.Handler(), slog.LevelDebug)
	}
	served := make(chan error, 1)
	go func() {
		get := s.GetCertificate
		if s.Certificate != nil {
			get = s.Certificate.Get
		}
		if get != nil {
			hs.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: get}
			served <- hs.ServeTLS(s.listener, "", "")
			return
		}
		served <- hs.Serve(s.listener)
	}()
	select {
	case err := <-served:
		end()
		_ = hs.Close()
		return fmt.Errorf("serve on %s: %w", s.Address, err)
	case <-ctx.Done():
	}
	if !s.FinishRequests {
		end() // streams of events end with their requests' contexts
	}
	err := hs.Shutdown(context.WithoutCancel(ctx))
	if serveErr := <-served; err == nil && !errors.Is(serveErr, http.ErrServerClosed) {
		err = serveErr
	}
	return err
}

// loopback reports whether an address to listen on is one that only this machine reaches.
func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
