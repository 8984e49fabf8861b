package rest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
)

// ProxyURL returns a Config.Proxy that sends every request through the proxy at address:
// "http://proxy.example:3128", "https://…", "socks5://…" or "socks5h://…", with a user and a
// password if the proxy asks for them: "http://joe:password@proxy.example". It is what a
// kubeconfig's proxy-url means. A loopback Host is reached through the proxy, too.
//
// The error names what is wrong with the address, and shows neither user nor password.
func ProxyURL(address string) (func(*http.Request) (*url.URL, error), error) {
	u, err := url.Parse(address)
	if err != nil { // it repeats the address
		return nil, errors.New("rest: parse the address of a proxy: not a URL: " +
			"percent-encode special characters of its user and password")
	}
	if err := checkProxy(u); err != nil {
		return nil, fmt.Errorf("rest: parse the address of a proxy: %w", err)
	}
	return http.ProxyURL(u), nil
}

// checkProxy returns an error if net/http cannot use a proxy, which it would say without a reason.
func checkProxy(u *url.URL) error {
	switch u.Scheme {
	case "http", "https", "socks5", "socks5h":
	default:
		return errors.New("its scheme is not http, https, socks5 or socks5h")
	}
	if u.Hostname() == "" {
		return errors.New("it names no host")
	}
	return nil
}

// proxy returns the proxy for a request, or nil for none: that of Config.Proxy, or without one that
// of the environment.
func (t *transport) proxy(req *http.Request) (*url.URL, error) {
	from, choose := "Config.Proxy", t.cfg.Proxy
	if choose == nil {
		from, choose = "the environment (HTTPS_PROXY, HTTP_PROXY)", http.ProxyFromEnvironment
	}
	proxy, err := choose(req)
	if proxy == nil && err == nil {
		return nil, nil
	}
	if err == nil {
		if proxy.User != nil {
			t.cfg.secrets.learnProxy(proxy.User)
		}
		err = checkProxy(proxy)
	} else if errors.As(err, new(*url.Error)) {
		// It repeats the address, which may hold a password.
		err = errors.New("its address is not a URL")
	}
	if err != nil {
		return nil, &proxyError{fmt.Errorf("use the proxy of %s: %w", from, err)}
	}
	// What is not encrypted passes the network on its way to the proxy, whatever host it is for.
	if req.URL.Scheme == "http" && !loopback(proxy.Hostname()) && !t.cfg.PlaintextCredentials {
		if err := checkHeaders(req.Header); err != nil {
			return nil, err
		}
	}
	return proxy, nil
}

// proxyError is an error of the proxy that another attempt would have, too.
type proxyError struct{ err error }

func (e *proxyError) Error() string { return e.err.Error() }
func (e *proxyError) Unwrap() error { return e.err }

// proxyAnswered returns an error that names the proxy if it does not connect to the server, in place
// of net/http's, which is the text of the status alone. A proxy that answers 5xx is asked again.
func proxyAnswered(_ context.Context, proxy *url.URL, _ *http.Request, r *http.Response) error {
	if r.StatusCode == http.StatusOK {
		return nil
	}
	err := fmt.Errorf("the proxy at %s://%s answered %q", proxy.Scheme, proxy.Host, r.Status)
	switch {
	case r.StatusCode == http.StatusProxyAuthRequired && proxy.User == nil:
		err = fmt.Errorf("%w; set a user and a password in its URL", err)
	case r.StatusCode == http.StatusProxyAuthRequired:
		err = fmt.Errorf("%w; check the user and the password in its URL", err)
	case r.StatusCode >= 500:
		return err
	}
	return &proxyError{err}
}

// ofProxy reports whether an error is of the connection to a proxy, not to the server.
func ofProxy(err error) bool {
	var op *net.OpError
	var proxy *proxyError
	return errors.As(err, &proxy) ||
		errors.As(err, &op) && (op.Op == "proxyconnect" || op.Op == "socks connect")
}

// proxyHint returns the remedy for an error of the connection to a proxy.
func proxyHint(err error) string {
	switch {
	case errors.As(err, new(*proxyError)):
		return ""
	case untrusted(err):
		return "; the https proxy is verified as the server is: add its CA to TLS.CAFile or TLS.CAData"
	}
	return "; check the address of the proxy (Config.Proxy, proxy-url in a kubeconfig, or HTTPS_PROXY)"
}
