package webhook

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/skiff-k8s/skiff/operator"
)

const (
	// DefaultAddress is the default of Options.Address. Only this machine reaches it: an API server
	// needs ":9443".
	DefaultAddress = "127.0.0.1:9443"
	// DefaultLinger is the default of Options.Linger.
	DefaultLinger = 3 * time.Second
)

// Options are what NewServer makes a server of. One of Certificate and Authority is set.
type Options struct {
	// Address is the host and port that it listens on. "" means DefaultAddress; ":9443" is every
	// address of the machine.
	Address string
	// Certificate is the serving certificate, in files that something else renews, such as
	// cert-manager.
	Certificate *operator.Certificate
	// Authority makes the serving certificate, and renews it.
	Authority *Authority
	// Linger is how long the server goes on to take requests when it is to stop, so that the API
	// servers learn first that this replica has gone from the Service. 0 means the default,
	// DefaultLinger, or not at all if only this machine reaches the server; negative means not at all.
	// It is at most half of what the operator gives to the webhooks for their stop, so that the reviews
	// that are running are answered in the other half.
	Linger time.Duration
	// Logger takes what the server logs. nil means slog.Default.
	Logger *slog.Logger
}

// Server serves webhooks by HTTPS, with TLS 1.2 or newer. It is the Webhooks of operator.Options;
// a program without an operator calls Run. It is safe for concurrent use.
type Server struct {
	options Options
	hooks   []*Hook
	env     environment
	server  operator.Server
	running atomic.Bool
	err     error // a mistake in the arguments
}

// NewServer returns a server of these webhooks. It starts nothing and does not fail: Listen returns
// a mistake in the arguments.
func NewServer(o Options, hooks ...*Hook) *Server {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Address == "" {
		o.Address = DefaultAddress
	}
	s := &Server{options: o, hooks: merged(hooks)}
	s.env = environment{log: o.Logger, metrics: newMetrics(s.expires), bodies: newBodies(),
		unread: newSeldom(slog.LevelError)}
	s.err = s.mistakes()
	s.server = operator.Server{Address: o.Address, Logger: o.Logger, Certificate: o.Certificate,
		Handler: http.HandlerFunc(s.route), FinishRequests: true,
		ErrorLog: log.New(&serverLog{s.env, newSeldom(slog.LevelWarn)}, "", 0)}
	if o.Authority != nil {
		o.Authority.serves(hooks)
		s.server.GetCertificate = o.Authority.Get
	}
	return s
}

func (s *Server) mistakes() error {
	var errs []error
	if (s.options.Certificate == nil) == (s.options.Authority == nil) {
		errs = append(errs, errors.New("serve webhooks: one of Certificate and Authority has to be set"))
	}
	if s.options.Authority != nil {
		errs = append(errs, s.options.Authority.err)
	}
	return errors.Join(append(errs, s.hookMistakes())...)
}

// route answers a request for one of the hooks.
func (s *Server) route(w http.ResponseWriter, r *http.Request) {
	for _, h := range s.hooks {
		if h.path == r.URL.Path {
			answer := &statusWriter{w, http.StatusOK}
			end := s.env.metrics.begin(h)
			defer func() { end(answer.code) }()
			h.serve(answer, r, s.env)
			return
		}
	}
	http.NotFound(w, r)
}

// Listen opens the port. Its error is a mistake in the arguments, a certificate's file that cannot
// be read, or a port that is taken.
func (s *Server) Listen(ctx context.Context) error {
	if s.err != nil {
		return s.err
	}
	return s.server.Listen(ctx)
}

// Addr returns the address that it listens on, and nil before Listen.
func (s *Server) Addr() net.Addr { return s.server.Addr() }

// Close closes the port of a server that Listen opened and that does not run.
func (s *Server) Close() { s.server.Close() }

// Run answers reviews until ctx ends, and keeps the certificate of the Authority. After ctx has
// ended it takes requests until Options.Linger is over, and returns when all have been answered.
func (s *Server) Run(ctx context.Context) error {
	if err := s.Listen(ctx); err != nil {
		return err
	}
	s.options.Logger.Info("serving webhooks", "address", s.Addr().String(), "webhooks", len(s.hooks))
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	kept := make(chan struct{})
	keeping, stopKeeping := context.WithCancel(ctx)
	defer func() {
		stopKeeping()
		<-kept
	}()
	go func() {
		defer close(kept)
		if s.options.Authority != nil {
			s.options.Authority.keep(keeping)
		}
	}()
	lingered := make(chan struct{})
	release := context.AfterFunc(ctx, func() {
		defer close(lingered)
		timer := time.NewTimer(s.linger(context.Cause(ctx)))
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-serving.Done():
		}
		stop()
	})
	s.running.Store(true)
	err := s.server.Run(serving)
	s.running.Store(false)
	stop()
	if !release() {
		<-lingered
	}
	return err
}

// linger returns how long the server goes on to take requests, when it is stopped for a cause.
func (s *Server) linger(cause error) time.Duration {
	l := s.options.Linger
	if at, ok := s.Addr().(*net.TCPAddr); l == 0 && !(ok && at.IP.IsLoopback()) {
		l = DefaultLinger
	}
	var drains interface{ DrainTimeout() time.Duration } // as the operator's cause
	if errors.As(cause, &drains) && drains.DrainTimeout() >= 0 {
		l = min(l, drains.DrainTimeout()/2)
	}
	return max(l, 0)
}

// Check returns why the webhooks cannot be called now: the server does not run, has no certificate
// that is valid, or has not compared it with the Secret of the Authority for more than 7 minutes, so
// that API servers may trust another one by now. It is a check for readiness.
func (s *Server) Check(context.Context) error {
	if !s.running.Load() {
		return errors.New("the server of the webhooks does not run")
	}
	leaf, err := s.certificate()
	if err != nil {
		return fmt.Errorf("no serving certificate: %w", err)
	}
	if time.Now().After(leaf.Leaf.NotAfter) {
		return fmt.Errorf("the serving certificate expired at %s", leaf.Leaf.NotAfter.Format(time.RFC3339))
	}
	if s.options.Authority != nil {
		return s.options.Authority.check()
	}
	return nil
}

func (s *Server) certificate() (*tls.Certificate, error) {
	switch {
	case s.options.Authority != nil:
		return s.options.Authority.Get(nil)
	case s.options.Certificate != nil:
		return s.options.Certificate.Get(nil)
	}
	return nil, errors.New("none is configured")
}

func (s *Server) expires() time.Time {
	leaf, err := s.certificate()
	if err != nil {
		return time.Time{}
	}
	return leaf.Leaf.NotAfter
}

// Register adds the server's metrics to a registry.
func (s *Server) Register(r prometheus.Registerer) error {
	for _, c := range s.env.metrics.collectors() {
		if err := r.Register(c); err != nil {
			return err
		}
	}
	return nil
}

// Rules returns the rights that the server needs in the cluster, for operator.RBACOptions.Rules:
// those of its Authority. Without one it needs none.
func (s *Server) Rules() []rbacv1.PolicyRule {
	if s.options.Authority == nil {
		return nil
	}
	return s.options.Authority.Rules()
}

// NamespacedRules returns the rights that the server needs in the namespace of its Authority's Secret,
// for operator.RBACOptions.NamespacedRules. Without an Authority it needs none.
func (s *Server) NamespacedRules() []rbacv1.PolicyRule {
	if s.options.Authority == nil {
		return nil
	}
	return s.options.Authority.NamespacedRules()
}
