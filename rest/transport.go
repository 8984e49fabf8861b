package rest

import (
	"bytes"
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// dialTimeout allows a SYN to be repeated a few times.
	dialTimeout = 30 * time.Second
	// tlsHandshakeTimeout is the standard library's own.
	tlsHandshakeTimeout = 10 * time.Second
	// idleConnTimeout is the standard library's own. Load balancers usually wait longer.
	idleConnTimeout = 90 * time.Second
	// maxIdlePerHost matters without HTTP/2 only, where every parallel request has a connection.
	// The number of open connections has no limit: each watch holds one, and a limit would let
	// watches block other requests.
	maxIdlePerHost = 25
	// recheckInterval is how often files of credentials are compared. The kubelet renews a token
	// when a fifth of its life is left, two minutes at least (KEP-1205).
	recheckInterval = time.Minute
	// drainTime is how long the requests on old connections have to end after the certificate of
	// Config.Credentials has changed. Informers open the watches that end by it again.
	drainTime = time.Minute
)

// healthCheck detects HTTP/2 connections whose other end disappeared without closing them.
type healthCheck struct {
	idle    time.Duration // time without a frame after which a ping is sent
	timeout time.Duration // time to wait for the ping's answer
}

// defaultHealthCheck detects a dead connection within 45 seconds, as client-go does.
var defaultHealthCheck = healthCheck{idle: 30 * time.Second, timeout: 15 * time.Second}

// transport is the http.RoundTripper of all clients of one NewClient. When a TLS file or the
// certificate of Config.Credentials changes, it replaces current: new requests use new connections,
// and old connections close as their requests end; those with an old certificate of
// Config.Credentials within drainTime. It starts no goroutine.
type transport struct {
	cfg     *Config
	files   bool // the TLS material may change
	gzip    bool
	log     *slog.Logger
	current atomic.Pointer[http.Transport]

	// untraced counts the requests whose context a wrapper has lost: of those it is not known
	// whether they were sent.
	untraced atomic.Int64

	cert atomic.Pointer[tls.Certificate] // of Config.Credentials; replaced under mu
	old  atomic.Pointer[http.Transport]  // the last one that was replaced

	mu      sync.Mutex // guards the fields below, and the replacement of current
	read    material
	checked time.Time
	open    *openConns // of current
}

func newTransport(cfg *Config, gzip bool) (*transport, error) {
	if err := cfg.TLS.validate(); err != nil {
		return nil, err
	}
	t := &transport{cfg: cfg, files: cfg.TLS.usesFiles(), gzip: gzip, log: cfg.logger()}
	m, err := cfg.TLS.read()
	if err != nil {
		return nil, err
	}
	tlsConfig, err := cfg.TLS.build(m)
	if err != nil {
		return nil, err
	}
	t.read, t.checked = m, time.Now()
	t.current.Store(t.dialer(tlsConfig))
	return t, nil
}

// dialer returns an http.Transport with a TLS configuration.
func (t *transport) dialer(tlsConfig *tls.Config) *http.Transport {
	health := t.cfg.health
	if health == (healthCheck{}) {
		health = defaultHealthCheck
	}
	if cert := t.cert.Load(); cert != nil {
		tlsConfig.GetClientCertificate = alwaysPresent(cert)
	}
	t.open = new(openConns)
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	dial := t.cfg.Dial
	if dial == nil {
		dial = DefaultDial
	}
	return &http.Transport{
		Proxy:                  t.proxy,
		OnProxyConnectResponse: proxyAnswered,
		DialContext:            belowTLSBy(dial, t.cfg.Host, t.open),
		TLSClientConfig:        tlsConfig,
		TLSHandshakeTimeout:    tlsHandshakeTimeout,
		IdleConnTimeout:        idleConnTimeout,
		MaxIdleConnsPerHost:    maxIdlePerHost,
		DisableCompression:     !t.gzip,
		ReadBufferSize:         readBuffer,
		Protocols:              protocols,
		HTTP2: &http.HTTP2Config{
			SendPingTimeout: health.idle,
			PingTimeout:     health.timeout,
		},
	}
}

// DefaultDial makes a connection as a client does whose Config has no Dial: TCP with a timeout of 30
// seconds and keep-alive probes. It is for a Dial that does more.
func DefaultDial(ctx context.Context, network, addr string) (net.Conn, error) {
	// Keep-alive probes detect a dead peer if the connection is not HTTP/2, which has pings.
	d := net.Dialer{
		Timeout: dialTimeout,
		KeepAliveConfig: net.KeepAliveConfig{
			Enable: true, Idle: 30 * time.Second, Interval: 10 * time.Second, Count: 3,
		},
	}
	return d.DialContext(ctx, network, addr)
}

// readBuffer is how many bytes a connection reads at once. With the default of 4 KB, a watch under
// load spends a tenth of its CPU time in system calls.
const readBuffer = 32 << 10

// RoundTrip sends one request over the current connections.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if attemptOf(req.Context()) == nil {
		t.untraced.Add(1)
	}
	t.cfg.secrets.learnHeader(req.Header) // Config.WrapTransport may have set some
	if err := t.cfg.checkHeader(req); err != nil {
		if req.Body != nil {
			_ = req.Body.Close()
		}
		return nil, err
	}
	return t.current.Load().RoundTrip(req)
}

// CloseIdleConnections closes the connections that carry no request.
func (t *transport) CloseIdleConnections() {
	t.current.Load().CloseIdleConnections()
	if old := t.old.Load(); old != nil {
		old.CloseIdleConnections()
	}
}

// present makes cert, which may be nil, the client's certificate. If it is another one than before,
// present replaces current.
func (t *transport) present(cert *tls.Certificate) {
	if cert == t.cert.Load() {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	before := t.cert.Swap(cert)
	if before != nil && cert != nil &&
		slices.EqualFunc(before.Certificate, cert.Certificate, bytes.Equal) {
		return
	}
	tlsConfig, err := t.cfg.TLS.build(t.read)
	if err != nil { // it was built before
		t.log.Warn("use the new client certificate failed, the old one is used", "err", err)
		return
	}
	open := t.open
	t.replace(tlsConfig)
	if before != nil {
		time.AfterFunc(drainTime, open.closeAll)
		t.log.Debug("the client certificate changed, new connections use it")
	}
}

// replace makes new requests use new connections. The caller holds t.mu.
func (t *transport) replace(tlsConfig *tls.Config) {
	old := t.current.Swap(t.dialer(tlsConfig))
	t.old.Store(old)
	old.CloseIdleConnections()
}

// refresh compares the files if that was last done a recheckInterval ago, or if now is set. If they
// changed, it replaces current. It returns current, so that a caller can compare it with the one
// that it used. If the files cannot be read or do not fit together, because they are just being
// replaced, current stays.
func (t *transport) refresh(now bool) *http.Transport {
	if !t.files {
		return t.current.Load()
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if !now && time.Since(t.checked) < recheckInterval {
		return t.current.Load()
	}
	t.checked = time.Now()
	m, err := t.cfg.TLS.read()
	if err == nil && m.equal(t.read) {
		return t.current.Load()
	}
	var tlsConfig *tls.Config
	if err == nil {
		tlsConfig, err = t.cfg.TLS.build(m)
	}
	if err != nil {
		t.log.Warn("read the TLS files again failed, the old ones are used", "err", err)
		return t.current.Load()
	}
	t.read = m
	t.replace(tlsConfig)
	t.log.Debug("the TLS files changed, new connections use them")
	return t.current.Load()
}
