package faults

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
)

// Proxy passes requests on to the API server at a URL by a transport that can reach it and has the
// credentials that it wants; those of the request are not passed on if the transport brings its own.
// Streams are passed on as they come.
func Proxy(server string, transport http.RoundTripper) (http.Handler, error) {
	to, err := url.Parse(server)
	if err != nil {
		return nil, fmt.Errorf("faults: parse the server's URL: %w", err)
	}
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = to.Scheme, to.Host, to.Host
			r.Out.URL.Path = strings.TrimSuffix(to.Path, "/") + r.Out.URL.Path
		},
		Transport:     transport,
		FlushInterval: -1,
		ErrorLog:      slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
		// A server that cannot be reached looks so to the client too.
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}, nil
}
