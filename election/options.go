package election

import (
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"time"
)

// The default timings, which are client-go's.
const (
	DefaultLeaseDuration = 15 * time.Second
	DefaultRenewDeadline = 10 * time.Second
	DefaultRetryPeriod   = 2 * time.Second
)

// jitter spreads the requests of candidates: the longest pause between two is 1 + jitter times the
// shortest, as with client-go.
const jitter = 1.2

// Options configures an Elector. Namespace and Name are required.
type Options struct {
	// Namespace and Name name the Lease. Processes that compete have the same ones.
	Namespace, Name string

	// Identity is this process's name in the Lease. It must differ from that of every other
	// process. "" means the host name, which is the pod's, and a random suffix.
	Identity string

	// LeaseDuration is how long others wait after the last renewal that they saw. The Lease stores
	// it in seconds, rounded up. RenewDeadline is how long this process leads after the last
	// renewal that it sent. RetryPeriod is the pause between two renewals, and the longest pause in
	// which a candidate looks at the Lease. 0 means the default; LeaseDuration must be greater than
	// RenewDeadline, and RenewDeadline greater than 1.2 × RetryPeriod.
	//
	// LeaseDuration − RenewDeadline is the time in which the server has to carry out a write of a
	// fenced client. It must be longer than the slowest admission webhook takes.
	LeaseDuration, RenewDeadline, RetryPeriod time.Duration

	// KeepLease does not release the Lease when Run ends. Others then take over when it expires.
	KeepLease bool

	// Labels are set on the Lease by each write, beside those that it has.
	Labels map[string]string

	// OnNewLeader is called with the identity of each leader that is seen, this process included,
	// from one goroutine that Run waits for. If leaders change faster than it returns, it is called
	// with the last one. It may be nil.
	OnNewLeader func(identity string)

	// Metrics gets measurements. Its functions may be nil.
	Metrics Metrics

	// Logger gets who leads at info level, and faults at warn level. nil means the logger of the
	// configuration that New is called with.
	Logger *slog.Logger
}

// Metrics are functions that an Elector calls with the name of its Lease. Those that are nil are
// not called. They must be safe for concurrent use. The comments name the series that client-go's
// metrics have, with the label name.
type Metrics struct {
	// Leading is called with false by New, and then when leadership begins and ends.
	// leader_election_master_status, a gauge of 1 and 0
	Leading func(name string, leading bool)

	// Slowpath is called when a renewal has to read the Lease first, because somebody else wrote
	// it. leader_election_slowpath_total
	Slowpath func(name string)
}

func (m Metrics) leading(name string, yes bool) {
	if m.Leading != nil {
		m.Leading(name, yes)
	}
}

func (m Metrics) slowpath(name string) {
	if m.Slowpath != nil {
		m.Slowpath(name)
	}
}

// complete fills in the defaults, and returns an error that names the option that is wrong.
func (o *Options) complete() error {
	switch {
	case o.Namespace == "":
		return errors.New("the Options have no Namespace")
	case o.Name == "":
		return errors.New("the Options have no Name")
	}
	for _, d := range []struct {
		name      string
		value     *time.Duration
		otherwise time.Duration
	}{
		{"LeaseDuration", &o.LeaseDuration, DefaultLeaseDuration},
		{"RenewDeadline", &o.RenewDeadline, DefaultRenewDeadline},
		{"RetryPeriod", &o.RetryPeriod, DefaultRetryPeriod},
	} {
		if *d.value < 0 {
			return fmt.Errorf("the option %s is %v: it must be positive", d.name, *d.value)
		}
		if *d.value == 0 {
			*d.value = d.otherwise
		}
	}
	if o.LeaseDuration <= o.RenewDeadline {
		return fmt.Errorf("the option LeaseDuration is %v: it must be greater than RenewDeadline, %v",
			o.LeaseDuration, o.RenewDeadline)
	}
	if least := time.Duration(jitter * float64(o.RetryPeriod)); o.RenewDeadline <= least {
		return fmt.Errorf("the option RenewDeadline is %v: it must be greater than 1.2 × RetryPeriod, %v",
			o.RenewDeadline, least)
	}
	if o.LeaseDuration > math.MaxInt32*time.Second {
		return fmt.Errorf("the option LeaseDuration is %v: the Lease cannot store so many seconds",
			o.LeaseDuration)
	}
	if o.Identity == "" {
		host, err := os.Hostname()
		if err != nil || host == "" {
			host = "unknown"
		}
		o.Identity = host + "_" + rand.Text()
	}
	return nil
}

// writeTime is how long a write of a fenced client may take.
func (o *Options) writeTime() time.Duration { return o.LeaseDuration - o.RenewDeadline }

// seconds returns LeaseDuration as the Lease stores it.
func (o *Options) seconds() int32 {
	return int32((o.LeaseDuration + time.Second - 1) / time.Second)
}
