package election

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/rest"
)

// An Elector competes for a Lease. Make one with New. Its methods are safe for concurrent use.
type Elector struct {
	o      Options
	lease  string // namespace/name
	log    *slog.Logger
	leases *client.Client[coordinationv1.Lease]
	conns  conns // of leases
	fence  fence
	wall   func() time.Time // the clock of the records' times

	mu      sync.Mutex // guards the fields below
	running bool
	state   Status
}

// Status is what an Elector knows of its Lease.
type Status struct {
	Lease    string // its namespace and name
	Identity string // of this process
	// Leading reports whether this process leads: a write of a fenced client would be sent.
	Leading bool
	// Leader is the holder in the Lease as this process saw it last, or "" for none. It may have
	// ended since.
	Leader string
	// Since is when this process saw the leader for the first time.
	Since time.Time
	// Transitions is the count of changes of the holder in the record that this process saw last. That
	// record may be another process's, and a Lease that was deleted and created again counts from 0.
	Transitions int32
	// Token is the fencing token of this process's term: each term at the Lease, of whichever process,
	// has a greater one than those before. It is for a store that keeps the greatest token that it has
	// seen and refuses a write with a lower one: a database, or an annotation that is compared and
	// written under a resourceVersion.
	//
	// It is 0 while this process does not hold the Lease. Otherwise it is the resourceVersion of the
	// write that won the Lease, so it grows also if the Lease is deleted meanwhile, and falls only if
	// the cluster's etcd is restored from a backup. It is 0 on a server whose versions are no numbers;
	// those of Kubernetes are (KEP-5504).
	Token uint64
	// Renewed is when the last renewal of this process that succeeded was sent; zero if it does not
	// hold the Lease.
	Renewed time.Time
	// Err is the error of the last request for the Lease, or nil if it succeeded.
	Err error
}

// New returns an Elector whose requests for the Lease are made by a client of cfg, with connections
// of its own and no rate limit, so that other requests do not delay them. It sends nothing.
//
// An error names the option or the field of cfg that is wrong.
func New(cfg *rest.Config, o Options) (*Elector, error) {
	if cfg == nil {
		return nil, errors.New("election: the Config is nil")
	}
	if err := o.complete(); err != nil {
		return nil, fmt.Errorf("election: %w", err)
	}
	cfg = cfg.Copy()
	e := &Elector{o: o, lease: o.Namespace + "/" + o.Name, wall: time.Now}
	cfg.QPS, cfg.Burst, cfg.RateLimiter = 0, 0, nil
	cfg.MaxRetries = -1                 // the Elector's own pauses
	cfg.Timeout = e.o.RenewDeadline / 2 // so that there is time for another attempt
	cfg.Dial = e.conns.by(cfg.Dial)
	c, err := rest.NewClient(cfg)
	if err != nil {
		return nil, err
	}
	e.leases = client.Of[coordinationv1.Lease](c).In(o.Namespace)
	if e.log = o.Logger; e.log == nil {
		e.log = c.Logger()
	}
	e.log = e.log.With("lease", e.lease)
	e.fence = fence{lease: e.lease, deadline: o.RenewDeadline, limit: o.writeTime(),
		wall: func() time.Time { return e.wall() }}
	e.state = Status{Lease: e.lease, Identity: o.Identity}
	o.Metrics.leading(o.Name, false)
	return e, nil
}

// Identity returns the name of this process in the Lease.
func (e *Elector) Identity() string { return e.o.Identity }

// Leading returns nil while this process leads, and else a *NotLeadingError. It is what the fence
// asks before each write. A program asks it directly before it writes to something else than the
// API server.
func (e *Elector) Leading() error { return e.fence.look() }

// Status returns what the Elector knows of its Lease.
func (e *Elector) Status() Status {
	e.mu.Lock()
	s := e.state
	e.mu.Unlock()
	e.fence.mu.Lock()
	s.Renewed, s.Leading = e.fence.renewed.at, e.fence.refusal() == nil
	e.fence.mu.Unlock()
	if s.Renewed.IsZero() {
		s.Token = 0
	}
	return s
}

// Check returns an error if this process should be ended, for a liveness probe: its leading
// function still runs although the Lease has been expired for longer than grace.
// kube-controller-manager allows 20 seconds.
func (e *Elector) Check(grace time.Duration) error {
	e.fence.mu.Lock()
	age := e.fence.age()
	e.fence.mu.Unlock()
	if expired := age - e.o.LeaseDuration; expired > grace {
		return fmt.Errorf("election: the Lease %s expired %v ago, and what runs under it has not ended",
			e.lease, expired.Round(time.Millisecond))
	}
	return nil
}

// Run waits for the Lease, calls lead while it renews the Lease, and returns when lead has returned
// and the Lease is released. It may be called again then.
//
// The context of lead ends when ctx ends, and when leadership is lost, with a [*LostError] as its
// cause. Until lead returns the Lease is renewed, also after the end of ctx, so that lead can
// finish its work. lead must return soon after the end of its context; Run waits for it.
//
// Run returns
//   - what lead returned, if leadership was not lost;
//   - a *LostError, joined with what lead returned, if it was. Usually the program ends then, and
//     starts again without what is left of its term;
//   - nil, if ctx ended before this process led;
//   - an error at once, if Run is running.
//
// Faults of the API server do not end Run. A candidate tries again with growing pauses.
func (e *Elector) Run(ctx context.Context, lead func(ctx context.Context) error) error {
	e.mu.Lock()
	running := e.running
	e.running = true
	e.mu.Unlock()
	if running {
		return fmt.Errorf("election: run for the Lease %s: it is running already", e.lease)
	}
	defer func() {
		e.conns.reset()
		e.mu.Lock()
		defer e.mu.Unlock()
		e.running = false
	}()
	leaders := announce(e.o.OnNewLeader)
	defer leaders.end()
	c := &candidate{Elector: e, leaders: leaders}
	t, err := c.campaign(ctx)
	if err != nil {
		return nil // ctx has ended
	}
	return t.serve(ctx, lead)
}

// note keeps what a request for the Lease told, and logs the first error of several, and their end.
// next tells what happens next.
func (e *Elector) note(err error, next string) {
	e.mu.Lock()
	before := e.state.Err
	e.state.Err = err
	e.mu.Unlock()
	switch {
	case err != nil && before == nil:
		e.log.Warn("request for the Lease failed", "err", err, "next", next)
	case err != nil:
		e.log.Debug("request for the Lease failed again", "err", err, "next", next)
	case before != nil:
		e.log.Info("requests for the Lease succeed again")
	}
}

// saw keeps who leads.
func (e *Elector) saw(r record, leaders *announcer) {
	e.mu.Lock()
	changed := r.holder != e.state.Leader
	if changed {
		e.state.Leader, e.state.Since = r.holder, time.Now()
	}
	e.state.Transitions = r.transitions
	e.mu.Unlock()
	if changed && r.holder != "" {
		if r.holder != e.o.Identity {
			e.log.Info("another process leads", "leader", r.holder)
		}
		leaders.tell(r.holder)
	}
}

// An announcer calls a function with the last of the leaders that it was told.
type announcer struct {
	next chan string
	done chan struct{}
}

func announce(call func(string)) *announcer {
	if call == nil {
		return nil
	}
	a := &announcer{next: make(chan string, 1), done: make(chan struct{})}
	go func() {
		defer close(a.done)
		for identity := range a.next {
			call(identity)
		}
	}()
	return a
}

// tell is called by one goroutine at a time.
func (a *announcer) tell(identity string) {
	if a == nil {
		return
	}
	select {
	case <-a.next: // one that was not announced yet
	default:
	}
	a.next <- identity
}

// end returns when the function has returned.
func (a *announcer) end() {
	if a != nil {
		close(a.next)
		<-a.done
	}
}
