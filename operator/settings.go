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
	// Address is where /metrics is served, and the profiles, the page and the handlers of
	// Operator.Handle. "" means DefaultAddress, which only this machine reaches; Off means nowhere.
	Address string `help:"the host:port of /metrics, profiles and the page, or off; default: 127.0.0.1:8080"`
	// HealthAddress is where /healthz and /readyz are served. "" means DefaultHealthAddress, which
	// only this machine reaches: a kubelet's probes need ":8081". Off means nowhere. If it is
	// Address, one server serves all.
	HealthAddress string `help:"the host:port of /healthz and /readyz, or off; default: 127.0.0.1:8081; a kubelet's probes need :8081"`
	// CertFile and KeyFile make the server of Address an HTTPS server. See Certificate. If
	// HealthAddress is another one, the probes stay HTTP.
	CertFile string `help:"the PEM file of the certificate of --address; it may be replaced while the operator runs"`
	KeyFile  string `help:"the PEM file of its private key"`
	// Authorize asks the API server of the first factory, for each request to Address, who sends it
	// and whether they may. See Authorizer.
	Authorize bool `help:"ask the API server whether a request to --address is permitted (TokenReview, SubjectAccessReview)"`
	// Pprof serves the profiles of net/http/pprof at /debug/pprof/. Their readers see function
	// names, and parts of the memory in a trace: on an Address that other machines reach it needs
	// Authorize.
	Pprof bool `help:"serve Go profiles at /debug/pprof/"`
	// Page serves the live page at /debug/skiff/. On an Address that other machines reach it needs
	// Authorize.
	Page bool `help:"serve the live page at /debug/skiff/"`
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
	// DefaultAddress is the default of Settings.Address.
	DefaultAddress = "127.0.0.1:8080"
	// DefaultHealthAddress is the default of Settings.HealthAddress.
	DefaultHealthAddress = "127.0.0.1:8081"
	// DefaultGracePeriod is the default of Settings.GracePeriod. Kubernetes kills a pod 30 seconds
	// after it told it to stop, unless the pod says otherwise.
	DefaultGracePeriod = 25 * time.Second
)

// withDefaults returns s with its zeros replaced by the defaults.
func (s Settings) withDefaults() Settings {
	if s.Address == "" {
		s.Address = DefaultAddress
	}
	if s.HealthAddress == "" {
		s.HealthAddress = DefaultHealthAddress
	}
	if s.GracePeriod == 0 {
		s.GracePeriod = DefaultGracePeriod
	}
	return s
}

// check returns what is wrong with the settings, which have their defaults.
func (s Settings) check() error {
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
	if s.Address == Off {
		if s.Pprof || s.Page || s.Authorize || s.CertFile != "" {
			wrong("pprof, page, authorize and a certificate belong to the address, which is off")
		}
		return errors.Join(errs...)
	}
	if open := s.Address; !loopback(open) && !s.Authorize && (s.Pprof || s.Page) {
		wrong("the page and the profiles are not served to other machines without authorization: "+
			"set authorize, or an address such as %s and reach it with kubectl port-forward (it is %s)",
			DefaultAddress, open)
	}
	return errors.Join(errs...)
}
