package rest

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// maxRedirects is where following them stops, as in the standard library.
const maxRedirects = 10

// Client makes requests to one API server. It is safe for concurrent use; clients made from it by
// GroupVersion share its connections, throttle and credentials.
type Client struct {
	core *core
	gv   schema.GroupVersion
}

// core is what all clients of one NewClient share. It does not change.
type core struct {
	cfg         *Config
	base        *url.URL
	http        *http.Client
	transport   *transport
	tokens      *tokenSource
	impersonate http.Header
	userAgent   string
	throttle    *throttle
	warn        func(Warning)
	log         *slog.Logger
}

// NewClient makes a client of a copy of cfg. It reads the files that cfg names and connects to
// nothing. Its errors say which field is wrong.
func NewClient(cfg *Config) (*Client, error) {
	if cfg == nil {
		return nil, errors.New("rest: the Config is nil")
	}
	c, err := newCore(cfg.Copy())
	if err != nil {
		return nil, fmt.Errorf("rest: %w", err)
	}
	return &Client{core: c, gv: schema.GroupVersion{Version: "v1"}}, nil
}

func newCore(cfg *Config) (*core, error) {
	// A token must not travel in the clear only because somebody left out the scheme.
	secure := cfg.TLS.configured() || cfg.BearerToken != "" || cfg.BearerTokenFile != ""
	base, err := parseHost(cfg.Host, secure)
	if err != nil {
		return nil, err
	}
	t, err := newTransport(cfg, !cfg.DisableCompression && !loopback(base.Hostname()))
	if err != nil {
		return nil, err
	}
	tokens, err := newTokenSource(cfg)
	if err != nil {
		return nil, err
	}
	impersonate, err := impersonationHeader(cfg.Impersonate)
	if err != nil {
		return nil, err
	}
	throttle, err := newThrottle(cfg)
	if err != nil {
		return nil, err
	}
	c := &core{
		cfg:         cfg,
		base:        base,
		transport:   t,
		tokens:      tokens,
		impersonate: impersonate,
		userAgent:   cfg.UserAgent,
		throttle:    throttle,
		warn:        cfg.Warnings,
		log:         cfg.logger(),
	}
	if c.userAgent == "" {
		c.userAgent = defaultUserAgent()
	}
	if strings.ContainsAny(c.userAgent, "\r\n\x00") {
		return nil, errors.New("Config.UserAgent holds what cannot stand in a header")
	}
	if c.warn == nil {
		c.warn = (&warningLog{log: c.log}).warn
	}
	var sender http.RoundTripper = t
	if cfg.WrapTransport != nil {
		if sender = cfg.WrapTransport(t); sender == nil {
			return nil, errors.New("WrapTransport returned nil")
		}
	}
	c.http = &http.Client{Transport: sender, CheckRedirect: checkRedirect}
	return c, nil
}

// checkRedirect follows reads on the same server only. Elsewhere the credentials have no business,
// and a write must not turn into a read or happen twice: there the redirect itself is the answer.
func checkRedirect(req *http.Request, via []*http.Request) error {
	first := via[0]
	if first.Method != http.MethodGet && first.Method != http.MethodHead ||
		req.URL.Scheme != first.URL.Scheme || req.URL.Host != first.URL.Host {
		return http.ErrUseLastResponse
	}
	if len(via) >= maxRedirects {
		return fmt.Errorf("%s: %d so far, now to %s", tooManyRedirects, len(via), req.URL.Path)
	}
	return nil
}

// Get begins a request that reads an object or, without a Name, a list.
func (c *Client) Get() *Request { return c.Verb(http.MethodGet) }

// Post begins a request that creates an object.
func (c *Client) Post() *Request { return c.Verb(http.MethodPost) }

// Put begins a request that replaces an object.
func (c *Client) Put() *Request { return c.Verb(http.MethodPut) }

// Delete begins a request that deletes an object or, without a Name, a collection.
func (c *Client) Delete() *Request { return c.Verb(http.MethodDelete) }

// Patch begins a request that changes an object by a patch of type pt, which is the content type of
// the body.
func (c *Client) Patch(pt types.PatchType) *Request {
	r := c.Verb(http.MethodPatch)
	r.patch = pt
	if pt == "" {
		r.fail(errors.New("the patch type is empty: use one of package types, such as types.MergePatchType"))
	}
	return r
}

// Verb begins a request with any HTTP method.
func (c *Client) Verb(method string) *Request {
	r := &Request{
		core:   c.core,
		method: strings.ToUpper(method),
		target: target{gv: c.gv},
	}
	if !headerToken(method) {
		r.fail(fmt.Errorf("%q is not an HTTP method", method))
	}
	return r
}

// GroupVersion returns a client whose requests go to gv. A new Client's go to the core group's v1.
func (c *Client) GroupVersion(gv schema.GroupVersion) *Client { return &Client{core: c.core, gv: gv} }

// Config returns a copy of what the client was made of.
func (c *Client) Config() *Config { return c.core.cfg.Copy() }

// CloseIdleConnections closes connections that carry no request at the moment. Streams go on.
func (c *Client) CloseIdleConnections() { c.core.transport.CloseIdleConnections() }

// String names the server.
func (c *Client) String() string { return "rest.Client of " + c.core.base.String() }

// builtin are the groups of the API that the server itself implements and speaks protobuf for.
// (Custom resources are JSON only.) The names are those under staging/src/k8s.io/api, and the two
// groups whose types live with the API extension servers.
var builtin = []string{
	"",
	"admissionregistration.k8s.io",
	"apiextensions.k8s.io",
	"apiregistration.k8s.io",
	"apps",
	"authentication.k8s.io",
	"authorization.k8s.io",
	"autoscaling",
	"batch",
	"certificates.k8s.io",
	"coordination.k8s.io",
	"discovery.k8s.io",
	"events.k8s.io",
	"extensions",
	"flowcontrol.apiserver.k8s.io",
	"internal.apiserver.k8s.io",
	"lifecycle.k8s.io",
	"networking.k8s.io",
	"node.k8s.io",
	"policy",
	"rbac.authorization.k8s.io",
	"resource.k8s.io",
	"scheduling.k8s.io",
	"storage.k8s.io",
	"storagemigration.k8s.io",
}

// hasProtobuf says whether the server speaks protobuf for a group.
func hasProtobuf(group string) bool {
	_, found := slices.BinarySearch(builtin, group)
	return found
}
