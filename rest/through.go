package rest

import (
	"errors"
	"maps"
	"net/http"
	"net/url"
	"strings"
)

// RoundTrip sends another request through the API server: to the path of r, which names a proxy
// subresource, with the path and the query of req behind it. Scheme and host of req are not used.
// The answer is returned as it is, whatever its status; the API server's own errors are Statuses
// among the answers. It follows no redirect, retries nothing, and no timeout but that of req's
// context limits it.
//
// The headers Authorization and Impersonate-* of req are not sent: the API server would take them
// for its own. Package remote makes an http.RoundTripper of it.
func (r *Request) RoundTrip(req *http.Request) (*http.Response, error) {
	out, c, err := r.through(req)
	if err == nil {
		var resp *http.Response
		if resp, err = c.http.Transport.RoundTrip(out); err == nil {
			return resp, nil
		}
		if req.Context().Err() != nil {
			return nil, c.ended(endOf(req.Context(), req.Context().Err()), nil)
		}
		return nil, c.error(plain(err), c.hint(err))
	}
	if req.Body != nil {
		_ = req.Body.Close()
	}
	return nil, err
}

// through returns the request that is sent in place of req.
func (r *Request) through(req *http.Request) (*http.Request, *call, error) {
	if err := validAbs(req.URL.Path); err != nil {
		return nil, nil, r.wrap(err)
	}
	c, err := r.prepare(raw)
	if err != nil {
		return nil, nil, err
	}
	c.method, c.what = req.Method, describe(req.Method, c.target, raw)
	ctx := req.Context()
	if err := c.hold(ctx); err != nil {
		return nil, nil, err
	}
	creds, err := c.authenticate(ctx, nil)
	if err != nil {
		return nil, nil, c.error(err)
	}
	c.transport.present(creds.Certificate)
	c.transport.refresh(false)
	out := req.Clone(ctx)
	out.Host, out.RequestURI = "", ""
	path, raw := req.URL.Path, req.URL.EscapedPath()
	if !strings.HasPrefix(path, "/") {
		if path != "" {
			return nil, nil, r.wrap(errors.New("the path of the request has no / at its beginning"))
		}
		path, raw = "/", "/"
	}
	out.URL = &url.URL{
		Scheme: c.url.Scheme, Host: c.url.Host,
		Path: c.url.Path + path, RawPath: c.url.EscapedPath() + raw, RawQuery: req.URL.RawQuery,
	}
	maps.DeleteFunc(out.Header, func(key string, _ []string) bool {
		return key == "Authorization" || strings.HasPrefix(key, "Impersonate-")
	})
	if out.Header == nil {
		out.Header = http.Header{}
	}
	for key, values := range c.impersonate {
		out.Header[key] = values
	}
	switch {
	case creds.Token != "":
		out.Header.Set("Authorization", "Bearer "+creds.Token)
	case c.basic != "":
		out.Header.Set("Authorization", c.basic)
	}
	c.secrets.learnHeader(out.Header)
	return out, c, nil
}
