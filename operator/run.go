package operator

import (
	"context"
	"fmt"
	"time"
)

// The ends of the stages' shares of the grace period. The controllers stop first and take the most.
const (
	untilControllers = 0.75
	untilElection    = 0.85
	untilFactories   = 0.95
	untilServers     = 1.00
)

// Run runs the operator until ctx ends, a signal comes, or a part fails.
//
// It starts the servers, then the informers, then the election, and then, on the replica that leads,
// the controllers and the OnLeader parts. What has controller.WithoutLease, or is Always, does not
// wait for the election. It stops them in the reverse order: controllers finish the reconciles that
// are running while their caches go on, the lease is given back when they have, and the servers
// answer to the end, /readyz with an error.
//
// Each of these has a share of the grace period. What does not stop in its share is named in the log
// and left running, and Run's error is, or wraps, a *StopError that names it. While a controller is
// left running, the lease is not given back.
//
// Run returns nil after a stop that was asked for, and the error of the part that failed first
// otherwise. A mistake in the arguments is returned before anything is started.
func (o *Operator) Run(ctx context.Context) error {
	if err := o.check(); err != nil {
		return err
	}
	if !o.options.NoSignals {
		var stop func()
		ctx, stop = Signals(ctx, o.log)
		defer stop()
	}
	if !o.options.NoMemoryLimit {
		LimitMemory(o.log)
	}
	servers, err := o.listen(ctx)
	if err != nil {
		return err
	}
	s := newStack(o.log, o.options.Settings.GracePeriod)
	o.start(ctx, s, servers)
	select {
	case <-ctx.Done():
		o.log.Info("operator stops", "name", o.options.Name, "grace", o.options.Settings.GracePeriod)
	case <-s.failed:
		o.log.Error("operator stops because a part failed", "name", o.options.Name, "error", s.failure())
	}
	o.stopping.Store(true)
	began := time.Now()
	err = s.stop()
	o.leads.Store(false)
	if err == nil {
		o.log.Info("operator stopped", "name", o.options.Name, "after", time.Since(began).Round(time.Millisecond))
	}
	return err
}

// start starts the stages.
func (o *Operator) start(ctx context.Context, s *stack, servers []*Server) {
	serve := s.stage(ctx, untilServers)
	for _, server := range servers {
		serve.run("server on "+server.Addr().String(), server.Run, mustRun)
	}
	factories := s.stage(ctx, untilFactories)
	for _, f := range o.options.Factories {
		factories.run("informers of "+hostOf(f), f.Run, mustRun)
	}
	elect := s.stage(ctx, untilElection)
	work := s.stage(ctx, untilControllers)
	o.startWorkers(work, work.ctx, Always)
	if o.options.Elector == nil {
		o.leads.Store(true)
		o.startWorkers(work, work.ctx, OnLeader)
		return
	}
	elect.run("election", func(ctx context.Context) error {
		return o.options.Elector.Run(ctx, func(lead context.Context) error {
			o.lead(lead, work)
			return nil
		})
	}, mustRun)
}

// lead runs what the leader runs, and returns when lead has ended and that has, too. A stop of the
// operator ends the stage work first, and lead after it.
func (o *Operator) lead(lead context.Context, work *stage) {
	o.log.Info("this replica leads, starting what the leader runs", "name", o.options.Name)
	o.leads.Store(true)
	parts := o.startWorkers(work, lead, OnLeader)
	<-lead.Done()
	o.leads.Store(false)
	for _, p := range parts {
		<-p.done
	}
}

// startWorkers starts the controllers and parts that run there, within the leadership or work.ctx.
func (o *Operator) startWorkers(work *stage, within context.Context, where Where) (parts []*part) {
	for _, c := range o.controllers {
		if c.NeedsLease() == (where == OnLeader) {
			parts = append(parts, work.runWithin(within, fmt.Sprintf("controller %q", c.Name()), c.Run, mustRun))
		}
	}
	for _, a := range o.added {
		if a.where == where {
			parts = append(parts, work.runWithin(within, fmt.Sprintf("part %q", a.name), a.f, mayEnd))
		}
	}
	return parts
}

// listen makes the servers and opens their ports.
func (o *Operator) listen(ctx context.Context) ([]*Server, error) {
	servers := o.servers()
	for i, server := range servers {
		if err := server.Listen(ctx); err != nil {
			for _, open := range servers[:i] {
				open.Close()
			}
			return nil, fmt.Errorf("run operator: %w", err)
		}
		o.log.Info("serving", "address", server.Addr().String(), "tls", server.Certificate != nil)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.serving = servers
	return servers, nil
}
