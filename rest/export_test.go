package rest

import (
	"testing"
	"time"
)

// SetHealthCheck shortens the intervals after which a silent HTTP/2 connection is given up, for
// tests outside the package.
func SetHealthCheck(cfg *Config, idle, timeout time.Duration) {
	cfg.health = healthCheck{idle: idle, timeout: timeout}
}

// StartProxy starts a proxy of a scheme that asks for a user's password. It returns its address, and a
// function that returns how often it connected somebody.
func StartProxy(t *testing.T, scheme string) (address string, connected func() int) {
	p := newTestProxy(t, &testProxy{user: "joe", password: "p"}, listen(t), proxies[scheme])
	return scheme + "://joe:p@" + p.Addr().String(), func() int { return len(p.asked()) }
}
