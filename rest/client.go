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

// maxRedirects limits how many redirects are followed, as in the standard library.
const maxRedirects = 10

// Client makes requests to one API server. It is safe for concurrent use. Clients that GroupVersion
// returns share its connections, throttle and credentials. A Client starts no goroutine and needs
// no Close.
type Client struct {
	core *core
	gv   schema.GroupVersion
}

// core is the part that all clients of one NewClient share. It does not change.
type core struct {
	cfg         *Config
	base        *url.URL
	http        *http.Client
	transport   *transport
	source      CredentialSource
	basic       string // the Authorization header of Basic authentication, or ""
	impersonate http.Header
	userAgent   string
	limiter     RateLimiter // nil for no limit
	warn        func(Warning)
	log         *slog.Logger
	secrets     *secrets // in no error and no log line that leaves the package
}

// Logger returns the logger of the client's Config, or slog.Default() if that has none.
func (c *Client) Logger() *slog.Logger { return c.core.log }

// NewClient returns a client that is configured by a copy of cfg. It reads the files that cfg
// names, and makes no connection. An error names the field of cfg that is wrong, or the file that
// cannot be read.
func NewClient(cfg *Config) (*Client, error) {
	if cfg == nil {
		return nil, errors.New("rest: configure the client: the Config is nil")
	}
	c, err := newCore(cfg.Copy())
	if err != nil {
		return nil, fmt.Errorf("rest: configure the client: %w", err)
	}
	return &Client{core: c, gv: schema.GroupVersion{Version: "v1"}}, nil
}

func newCore(cfg *Config) (*core, error) {
	cfg.secrets = new(secrets)
	// A Host without a scheme must not make the client send the token unencrypted.
	secure := cfg.TLS.configured() || cfg.hasOwn() || cfg.Credentials != nil
	base, err := parseHost(cfg.Host, secure)
	if err != nil {
		return nil, err
	}
	if err := cfg.checkPlaintext(base); err != nil {
		return nil, err
	}
	t, err := newTransport(cfg, cfg.Compression > 0 || cfg.Compression == 0 && !loopback(base.Hostname()))
	if err != nil {
		return nil, err
	}
	basic, err := cfg.basicHeader()
	if err != nil {
		return nil, err
	}
	source := cfg.Credentials
	if source == nil || cfg.hasOwn() {
		if source, err = newTokenSource(cfg); err != nil {
			return nil, err
		}
	}
	impersonate, err := impersonationHeader(cfg.Impersonate)
	if err != nil {
		return nil, err
	}
	limiter, err := cfg.limiter()
	if err != nil {
		return nil, err
	}
	c := &core{
		cfg:         cfg,
		base:        base,
		transport:   t,
		source:      source,
		basic:       basic,
		impersonate: impersonate,
		userAgent:   cfg.UserAgent,
		limiter:     limiter,
		warn:        cfg.Warnings,
		log:         cfg.logger(),
		secrets:     cfg.secrets,
	}
	if c.userAgent == "" {
		c.userAgent = defaultUserAgent()
	}
	if strings.ContainsAny(c.userAgent, "\r\n\x00") {
		return nil, errors.New("Config.UserAgent holds a character that a header may not hold")
	}
	if c.warn == nil {
		c.warn = (&warningLog{log: c.log}).warn
	}
	var sender http.RoundTripper = t
	if cfg.WrapTransport != nil {
		if sender = cfg.WrapTransport(t); sender == nil {
			return nil, errors.New("Config.WrapTransport returned nil")
		}
	}
	c.http = &http.Client{Transport: sender, CheckRedirect: checkRedirect}
	return c, nil
}

// checkRedirect follows redirects of reads on the same server only. Another server must not get the
// credentials, and a write must not turn into a read or be carried out twice. A redirect that is
// not followed is the answer.
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

// Get returns a request that reads an object or, without a Name, a list.
func (c *Client) Get() *Request { return c.Verb(http.MethodGet) }

// Post returns a request that creates an object.
func (c *Client) Post() *Request { return c.Verb(http.MethodPost) }

// Put returns a request that replaces an object.
func (c *Client) Put() *Request { return c.Verb(http.MethodPut) }

// Delete returns a request that deletes an object or, without a Name, a collection.
func (c *Client) Delete() *Request { return c.Verb(http.MethodDelete) }

// Patch returns a request that changes an object by a patch of type pt. A []byte body is sent with
// pt as its content type.
func (c *Client) Patch(pt types.PatchType) *Request {
	r := c.Verb(http.MethodPatch)
	r.patch = pt
	if pt == "" {
		r.fail(errors.New(
			"the patch type is empty: use one of package types, such as types.MergePatchType"))
	}
	return r
}

// Verb returns a request with any HTTP method.
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

// GroupVersion returns a client whose requests go to gv. The requests of a new Client go to the
// core group's v1.
func (c *Client) GroupVersion(gv schema.GroupVersion) *Client {
	return &Client{core: c.core, gv: gv}
}

// Config returns a copy of the client's configuration.
func (c *Client) Config() *Config {
	cfg := c.core.cfg.Copy()
	cfg.secrets = nil
	return cfg
}

// CloseIdleConnections closes the connections that carry no request at the moment. Streams
// continue.
func (c *Client) CloseIdleConnections() { c.core.transport.CloseIdleConnections() }

// String returns the server's URL, and no credentials.
func (c *Client) String() string { return "rest.Client of " + c.core.base.String() }

// builtin lists the API groups that kube-apiserver implements, and speaks protobuf for. Custom
// resources have JSON only (API concepts, "Protobuf encoding"). Source: staging/src/k8s.io/api of
// Kubernetes, and the two groups of apiextensions-apiserver and kube-aggregator.
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

// hasProtobuf reports whether the server speaks protobuf for a group.
func hasProtobuf(group string) bool {
	_, found := slices.BinarySearch(builtin, group)
	return found
}
