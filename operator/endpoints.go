package operator

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"slices"
	"strings"
)

// endpoints makes the operator's own handlers.
func (o *Operator) endpoints() {
	o.mux.Handle("GET /metrics", o.options.Metrics.Handler(o.log))
	if o.options.Settings.Page {
		o.debug.Handle(pagePath+"/", NewPage(o, pagePath))
	}
	if o.options.Settings.Pprof {
		// Their own registration is on http.DefaultServeMux, which nobody serves here.
		o.debug.HandleFunc(pprofPath+"/", pprof.Index)
		o.debug.HandleFunc(pprofPath+"/cmdline", pprof.Cmdline)
		o.debug.HandleFunc(pprofPath+"/profile", pprof.Profile)
		o.debug.HandleFunc(pprofPath+"/symbol", pprof.Symbol)
		o.debug.HandleFunc(pprofPath+"/trace", pprof.Trace)
	}
}

const (
	pagePath  = "/debug/skiff"
	pprofPath = "/debug/pprof"
)

// servers returns the servers that the settings ask for, one for each address.
func (o *Operator) servers() *servers {
	s := o.options.Settings
	var certificate *Certificate
	if s.CertFile != "" {
		certificate = &Certificate{CertFile: s.CertFile, KeyFile: s.KeyFile, Logger: o.log}
	}
	metrics := http.Handler(o.mux)
	protect := func(h http.Handler) http.Handler { return h }
	if s.Authorize {
		protect = NewAuthorizer(o.options.Factories[0].Client(), o.log).Wrap
		metrics = protect(metrics)
	} else if loopback(s.MetricsAddress) {
		metrics = local(metrics)
	}
	all := &servers{log: o.log}
	all.metrics = all.add(s.MetricsAddress, "metrics", certificate, metrics, "/")
	all.health = all.add(s.HealthAddress, "probes", nil, o.health,
		"/healthz", "/healthz/", "/livez", "/livez/", "/readyz", "/readyz/")
	if s.debugs() {
		debug := local(sameSite(o.debug))
		if loopback(s.DebugAddress) {
			certificate = nil
		} else {
			debug = protect(o.debug)
		}
		all.debug = all.add(s.DebugAddress, "debug", certificate, debug, pagePath+"/", pprofPath+"/")
	}
	for _, served := range all.list {
		switch open := !loopback(served.Address); {
		case open && s.Authorize && served.Certificate == nil &&
			(served == all.metrics || served == all.debug):
			o.log.Warn("the tokens of requests cross the network without TLS: set a certificate",
				"address", served.Address)
		case open && !s.Authorize && served == all.metrics:
			o.log.Warn("metrics are served to other machines without authorization",
				"address", served.Address)
		}
	}
	return all
}

// servers are those of an operator. Some may be the same, and some nil.
type servers struct {
	log                    *slog.Logger
	metrics, health, debug *served
	list                   []*served // each once
}

// served is a server and what it serves.
type served struct {
	Server
	mux  *http.ServeMux
	what []string
}

// add returns the server of an address, which serves h at these patterns from now on. It is nil if
// the address is Off.
func (s *servers) add(address, what string, c *Certificate, h http.Handler, patterns ...string) *served {
	if address == Off {
		return nil
	}
	i := slices.IndexFunc(s.list, func(v *served) bool {
		return v.Address == address && !strings.HasSuffix(address, ":0") // which is any port
	})
	if i < 0 {
		mux := http.NewServeMux()
		i, s.list = len(s.list), append(s.list, &served{mux: mux,
			Server: Server{Address: address, Logger: s.log, Handler: mux}})
	}
	v := s.list[i]
	if c != nil {
		v.Certificate = c
	}
	for _, pattern := range patterns {
		v.mux.Handle(pattern, h)
	}
	v.what = append(v.what, what)
	return v
}

// listen opens the ports.
func (s *servers) listen(ctx context.Context) error {
	for i, v := range s.list {
		if err := v.Listen(ctx); err != nil {
			for _, open := range s.list[:i] {
				open.Close()
			}
			return err
		}
		s.log.Info("serving", "address", v.Addr().String(), "what", strings.Join(v.what, ","),
			"tls", v.Certificate != nil)
	}
	return nil
}

// Addresses are what the servers of an operator listen on. An address is nil if there is no such
// server.
type Addresses struct{ Metrics, Health, Debug net.Addr }

// Addresses returns the addresses of a running operator. They are nil before Run has opened them.
// With port 0 they tell the ports.
func (o *Operator) Addresses() (a Addresses) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.serving == nil {
		return a
	}
	for _, each := range []struct {
		of   *served
		addr *net.Addr
	}{{o.serving.metrics, &a.Metrics}, {o.serving.health, &a.Health}, {o.serving.debug, &a.Debug}} {
		if each.of != nil {
			*each.addr = each.of.Addr()
		}
	}
	return a
}
