package operator

import (
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// Settings are what whoever installs an operator decides. [Flags] makes a flag and an environment
// variable of each field. The zero value is the default.
type Settings struct {
	// MetricsAddress is where /metrics and the handlers of Operator.Handle are served. "" means
	// DefaultMetricsAddress, which only this machine reaches: a scraper needs ":8080". Off means
	// nowhere. On an address that only this machine reaches, requests to another name than localhost
	// are refused, unless Authorize is set.
	MetricsAddress string `help:"the host:port of /metrics, or off; default: 127.0.0.1:8080; a scraper needs :8080"`
	// HealthAddress is where /healthz and /readyz are served. "" means DefaultHealthAddress, which
	// only this machine reaches: a kubelet's probes need ":8081". Off means nowhere.
	HealthAddress string `help:"the host:port of /healthz and /readyz, or off; default: 127.0.0.1:8081; a kubelet's probes need :8081"`
	// DebugAddress is where the page and the profiles are served, if one is on. "" means
	// DefaultDebugAddress, which only this machine reaches, and kubectl port-forward. On an address
	// that other machines reach it needs Authorize, and its readers a token, which browsers do not
	// send. If several addresses are the same, one server serves all.
	DebugAddress string `help:"the host:port of --page and --pprof; default: 127.0.0.1:6060, which kubectl port-forward reaches"`
	// CertFile and KeyFile make the server of MetricsAddress an HTTPS server, and that of
	// DebugAddress, if other machines reach it. See Certificate. The probes of another HealthAddress
	// stay HTTP.
	CertFile string `help:"the PEM file of the certificate of --metrics-address; it may be replaced while the operator runs"`
	KeyFile  string `help:"the PEM file of its private key"`
	// Authorize asks the API server of the first factory, for each request to MetricsAddress, who
	// sends it and whether they may, and for each to DebugAddress, if other machines reach it. See
	// Authorizer.
	Authorize bool `help:"ask the API server whether a request to --metrics-address is permitted (TokenReview, SubjectAccessReview)"`
	// Pprof serves the profiles of net/http/pprof at /debug/pprof/ of DebugAddress. Their readers
	// see function names, and parts of the memory in a trace.
	Pprof bool `help:"serve Go profiles at /debug/pprof/ of --debug-address"`
	// Page serves the live page at /debug/skiff/ of DebugAddress.
	Page bool `help:"serve the live page at /debug/skiff/ of --debug-address"`
	// GracePeriod is how long the operator takes to stop, at most. 0 means the default,
	// DefaultGracePeriod; negative means no limit.
	GracePeriod time.Duration `help:"how long stopping may take; 0 means the default, 25s; negative means no limit"`
	// UnreachableAfter is how long an informer may be without its server before the operator is not
	// ready. 0 means the default, DefaultUnreachableAfter; negative means for ever.
	UnreachableAfter time.Duration `help:"how long an informer may be without its server before /readyz fails; 0 means the default, 1m; negative means for ever"`
	// LogLevel is the lowest level to log, and LogFormat "text" (or "") or "json".
	LogLevel  slog.Level `help:"the lowest level to log: debug, info, warn or error"`
	LogFormat string     `help:"the format of the log: text or json; default: text"`
}

const (
	// Off is the address of a server that is not wanted.
	Off = "off"
	// DefaultMetricsAddress is the default of Settings.MetricsAddress.
	DefaultMetricsAddress = "127.0.0.1:8080"
	// DefaultHealthAddress is the default of Settings.HealthAddress.
	DefaultHealthAddress = "127.0.0.1:8081"
	// DefaultDebugAddress is the default of Settings.DebugAddress.
	DefaultDebugAddress = "127.0.0.1:6060"
	// DefaultGracePeriod is the default of Settings.GracePeriod. Kubernetes kills a pod 30 seconds
	// after it told it to stop, unless the pod says otherwise.
	DefaultGracePeriod = 25 * time.Second
)

// withDefaults returns s with its zeros replaced by the defaults.
func (s Settings) withDefaults() Settings {
	if s.MetricsAddress == "" {
		s.MetricsAddress = DefaultMetricsAddress
	}
	if s.HealthAddress == "" {
		s.HealthAddress = DefaultHealthAddress
	}
	if s.DebugAddress == "" {
		s.DebugAddress = DefaultDebugAddress
	}
	if s.GracePeriod == 0 {
		s.GracePeriod = DefaultGracePeriod
	}
	return s
}

// Check returns what is wrong with the settings. Parse and Run call it; a program that parses its
// flags in its own way calls it to tell wrong use from other errors.
func (s Settings) Check() error {
	s = s.withDefaults()
	var errs []error
	wrong := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("use settings: "+format, args...))
	}
	if s.LogFormat != "" && s.LogFormat != "text" && s.LogFormat != "json" {
		wrong("the log format is %q: it is text or json", s.LogFormat)
	}
	if (s.CertFile == "") != (s.KeyFile == "") {
		wrong("a certificate needs both files: the certificate's is %q, the key's %q", s.CertFile, s.KeyFile)
	}
	if s.debugs() && s.DebugAddress == Off {
		wrong("the page and the profiles belong to the debug address, which is off")
	}
	open := s.debugs() && s.DebugAddress != Off && !loopback(s.DebugAddress)
	if open && !s.Authorize {
		wrong("the page and the profiles are not served to other machines without authorization: "+
			"use a debug address such as %s and reach it with kubectl port-forward, or set authorize "+
			"(it is %s)", DefaultDebugAddress, s.DebugAddress)
	}
	if s.MetricsAddress == Off && !open && (s.Authorize || s.CertFile != "") {
		wrong("authorize and a certificate belong to the metrics address, which is off")
	}
	return errors.Join(errs...)
}

// debugs reports whether there is something to serve on DebugAddress.
func (s Settings) debugs() bool { return s.Page || s.Pprof }
