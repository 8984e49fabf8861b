package rest

import "time"

// SetHealthCheck shortens the intervals after which a silent HTTP/2 connection is given up, for
// tests outside the package.
func SetHealthCheck(cfg *Config, idle, timeout time.Duration) {
	cfg.health = healthCheck{idle: idle, timeout: timeout}
}
