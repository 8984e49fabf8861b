package operator

import (
	"net"
	"net/http"
	"net/http/pprof"
	"strings"
)

// endpoints adds the operator's own handlers to the mux.
func (o *Operator) endpoints() {
	o.mux.Handle("GET /metrics", o.options.Metrics.Handler(o.log))
	if o.options.Settings.Page {
		o.mux.Handle("/debug/skiff/", o.local(NewPage(o, "/debug/skiff")))
	}
	if o.options.Settings.Pprof {
		// Their own registration is on http.DefaultServeMux, which nobody serves here.
		profiles := http.NewServeMux()
		profiles.HandleFunc("/debug/pprof/", pprof.Index)
		profiles.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
		profiles.HandleFunc("/debug/pprof/profile", pprof.Profile)
		profiles.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
		profiles.HandleFunc("/debug/pprof/trace", pprof.Trace)
		o.mux.Handle("/debug/pprof/", o.local(profiles))
	}
}

// local returns a handler that, without authorization, answers only requests for this machine by
// its address or as localhost. A web page of another host, whose name is made to resolve to this
// machine (DNS rebinding), is refused so.
func (o *Operator) local(h http.Handler) http.Handler {
	if o.options.Settings.Authorize {
		return h
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		if host != "localhost" && net.ParseIP(strings.Trim(host, "[]")) == nil {
			http.Error(w, "without authorization this is served as localhost or by the address only",
				http.StatusForbidden)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// servers returns the servers that the settings ask for.
func (o *Operator) servers() (servers []*Server) {
	s := o.options.Settings
	var certificate *Certificate
	if s.CertFile != "" {
		certificate = &Certificate{CertFile: s.CertFile, KeyFile: s.KeyFile, Logger: o.log}
	}
	protected := http.Handler(o.mux)
	if s.Authorize {
		protected = NewAuthorizer(o.options.Factories[0].Client(), o.log).Wrap(protected)
		if s.CertFile == "" && !loopback(s.Address) {
			o.log.Warn("the tokens of requests cross the network without TLS: set a certificate", "address", s.Address)
		}
	} else if s.Address != Off && !loopback(s.Address) {
		o.log.Warn("metrics are served to other machines without authorization", "address", s.Address)
	}
	if s.Address == s.HealthAddress && s.Address != Off {
		return []*Server{{Address: s.Address, Certificate: certificate, Logger: o.log,
			Handler: withHealth(o.health, protected)}}
	}
	if s.Address != Off {
		servers = append(servers, &Server{Address: s.Address, Certificate: certificate, Logger: o.log,
			Handler: protected})
	}
	if s.HealthAddress != Off {
		servers = append(servers, &Server{Address: s.HealthAddress, Logger: o.log, Handler: o.health})
	}
	return servers
}

// withHealth returns a handler of the probes, which are permitted to everybody, and of the rest.
func withHealth(health *Health, rest http.Handler) http.Handler {
	mux := http.NewServeMux()
	for _, path := range []string{"/healthz", "/livez", "/readyz"} {
		mux.Handle(path, health)
		mux.Handle(path+"/", health)
	}
	mux.Handle("/", rest)
	return mux
}

// Addresses returns the addresses that the servers of a running operator listen on: that of
// Settings.Address first. It is empty before Run has opened them. With port 0 it tells the ports.
func (o *Operator) Addresses() []net.Addr {
	o.mu.Lock()
	defer o.mu.Unlock()
	var all []net.Addr
	for _, s := range o.serving {
		all = append(all, s.Addr())
	}
	return all
}
