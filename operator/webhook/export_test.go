package webhook

import (
	"context"
	"time"
)

// Hasten makes an Authority look at the Secret more often, and go through the steps of a change
// faster.
func Hasten(a *Authority, period, settle time.Duration) { a.period, a.plan.settle = period, settle }

// LookAt makes an Authority look once, as if it were another time.
func LookAt(ctx context.Context, a *Authority, now time.Time) error {
	a.now = func() time.Time { return now }
	return a.look(ctx)
}

// Merged are the webhooks that a server makes of those that it gets.
func Merged(hooks ...*Hook) []*Hook { return merged(hooks) }

// MakeCertificate returns a CA, a serving certificate of it for hosts, and its key, as PEM.
func MakeCertificate(now time.Time, hosts ...string) (ca, cert, key []byte, err error) {
	id, _, err := plan{name: "test", hosts: hosts}.next(identity{}, identity{}, now, true)
	if err != nil {
		return nil, nil, nil, err
	}
	data, err := id.data()
	return data[keyOfCA], data[keyOfCert], data[keyOfKey], err
}

// LingerOf returns how long a server that listens takes requests when it is to stop.
func LingerOf(s *Server, cause error) time.Duration { return s.linger(cause) }

// Keep keeps the certificate of an Authority until ctx ends.
func Keep(ctx context.Context, a *Authority) { a.keep(ctx) }

// CheckOf returns why what an Authority serves may not be trusted any more.
func CheckOf(a *Authority) error { return a.check() }
