package rest

import (
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// dialTimeout is long enough for a SYN to be repeated a few times.
	dialTimeout = 30 * time.Second
	// tlsHandshakeTimeout is the standard library's own.
	tlsHandshakeTimeout = 10 * time.Second
	// idleConnTimeout is the standard library's own; load balancers usually wait longer.
	idleConnTimeout = 90 * time.Second
	// maxIdlePerHost matters without HTTP/2 only, where every parallel request has a connection.
	// How many are open at once has no limit: each watch holds one for as long as it lives, and a
	// limit would let watches starve the requests beside them.
	maxIdlePerHost = 25
	// recheckInterval is how often files of credentials are looked at. The kubelet renews a
	// token when a fifth of its life is left, minutes at the very least.
	recheckInterval = time.Minute
)

// healthCheck finds HTTP/2 connections whose other end went away without a word.
type healthCheck struct {
	idle    time.Duration // without a frame, after which a ping is sent
	timeout time.Duration // for the ping's answer
}

// defaultHealthCheck notices a dead connection within 45 seconds: as long as the field is used to.
var defaultHealthCheck = healthCheck{idle: 30 * time.Second, timeout: 15 * time.Second}

// transport is an http.RoundTripper over connections that all clients of one NewClient share. When
// a TLS file changes, new requests go over new connections, and the old ones close as their
// requests end. It starts no goroutine of its own.
type transport struct {
	cfg     *Config
	files   bool // something may change
	gzip    bool
	log     *slog.Logger
	current atomic.Pointer[http.Transport]

	mu      sync.Mutex // guards what follows and the replacing of current
	read    material
	checked time.Time
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

// dialer makes one generation of connections.
func (t *transport) dialer(tlsConfig *tls.Config) *http.Transport {
	health := t.cfg.health
	if health == (healthCheck{}) {
		health = defaultHealthCheck
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	dial := t.cfg.Dial
	if dial == nil {
		// Keep-alive probes are what finds a dead peer where HTTP/2's pings do not run.
		dial = (&net.Dialer{
			Timeout: dialTimeout,
			KeepAliveConfig: net.KeepAliveConfig{
				Enable: true, Idle: 30 * time.Second, Interval: 10 * time.Second, Count: 3,
			},
		}).DialContext
	}
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         dial,
		TLSClientConfig:     tlsConfig,
		TLSHandshakeTimeout: tlsHandshakeTimeout,
		IdleConnTimeout:     idleConnTimeout,
		MaxIdleConnsPerHost: maxIdlePerHost,
		DisableCompression:  !t.gzip,
		ReadBufferSize:      readBuffer,
		Protocols:           protocols,
		HTTP2: &http.HTTP2Config{
			SendPingTimeout: health.idle,
			PingTimeout:     health.timeout,
		},
	}
}

// readBuffer is how much a connection reads at once. With the default of 4 KB, a watch under load
// spends a tenth of its CPU time on system calls.
const readBuffer = 32 << 10

// RoundTrip sends one request over the present generation of connections.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	return t.current.Load().RoundTrip(req)
}

// CloseIdleConnections closes connections that carry no request.
func (t *transport) CloseIdleConnections() { t.current.Load().CloseIdleConnections() }

// refresh looks at the files if that was not done for a while, or in any case when now is set, and
// starts a new generation when they changed. It returns the present generation, so that a caller
// can tell whether it is another than the one it used. Files that cannot be read or do not fit
// together (they may be in the middle of being replaced) leave everything as it is.
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
		t.log.Warn("TLS files cannot be read again, going on with the old ones", "err", err)
		return t.current.Load()
	}
	t.read = m
	old := t.current.Swap(t.dialer(tlsConfig))
	old.CloseIdleConnections()
	t.log.Debug("TLS files changed, new connections use them")
	return t.current.Load()
}
