package operator

import (
	"context"
	"fmt"
	"time"
)

// The ends of the stages' shares of the grace period. The controllers stop first and take the most.
const (
	untilControllers = 0.70
	untilParts       = 0.80
	untilElection    = 0.85
	untilFactories   = 0.87
	untilWebhooks    = 0.97
	untilServers     = 1.00
)

// Run runs the operator until ctx ends, a signal comes, or a part fails.
//
// It starts the servers, then the webhooks, then the informers, then the election, and then, on the
// replica that leads, the OnLeader parts and the controllers. What is Always, or has controller.WithoutLease,
// does not wait for the election. It stops them in the reverse order: controllers finish the
// reconciles that are running while their caches and the parts, such as a recorder of events, go
// on; the lease is given back when all have ended; and the servers answer to the end, /readyz with
// an error.
//
// Each of these has a share of the grace period. What does not stop in its share is named in the
// log and left running, and Run's error is, or wraps, a *StopError that names it. While a
// controller is left running, the lease is not given back.
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
func (o *Operator) start(ctx context.Context, s *stack, servers *servers) {
	serve := s.stage(ctx, untilServers)
	for _, server := range servers.list {
		serve.run("server on "+server.Addr().String(), server.Run, mustRun)
	}
	// Before the informers: their lists may be converted by the webhooks.
	webhooks := s.stage(ctx, untilWebhooks)
	if o.options.Webhooks != nil {
		webhooks.run("webhooks", o.options.Webhooks.Run, mustRun)
	}
	factories := s.stage(ctx, untilFactories)
	for _, f := range o.options.Factories {
		factories.run("informers of "+hostOf(f), f.Run, mustRun)
	}
	elect := s.stage(ctx, untilElection)
	w := workers{parts: s.stage(ctx, untilParts), controllers: s.stage(ctx, untilControllers)}
	o.startWorkers(w, context.WithoutCancel(ctx), Always)
	if o.options.Elector == nil {
		o.leads.Store(true)
		o.startWorkers(w, context.WithoutCancel(ctx), OnLeader)
		return
	}
	elect.run("election", func(ctx context.Context) error {
		return o.options.Elector.Run(ctx, func(lead context.Context) error {
			o.lead(lead, w)
			return nil
		})
	}, mustRun)
}

// workers are the stages of the program's own work.
type workers struct{ parts, controllers *stage }

// lead runs what the leader runs, and returns when lead has ended and that has, too. A stop of the
// operator ends the stages of the work first, and lead after them.
func (o *Operator) lead(lead context.Context, w workers) {
	o.log.Info("this replica leads, starting what the leader runs", "name", o.options.Name)
	o.leads.Store(true)
	parts := o.startWorkers(w, lead, OnLeader)
	<-lead.Done()
	o.leads.Store(false)
	for _, p := range parts {
		<-p.done
	}
}

// startWorkers starts the parts and controllers that run there, within the leadership if that is
// it.
func (o *Operator) startWorkers(w workers, within context.Context, where Where) (all []*part) {
	for _, a := range o.added {
		if a.where == where {
			all = append(all, w.parts.runWithin(within, fmt.Sprintf("part %q", a.name), a.f, mayEnd))
		}
	}
	for _, c := range o.controllers {
		if c.NeedsLease() == (where == OnLeader) {
			all = append(all,
				w.controllers.runWithin(within, fmt.Sprintf("controller %q", c.Name()), c.Run, mustRun))
		}
	}
	return all
}

// listen makes the servers and opens their ports, those of the webhooks first.
func (o *Operator) listen(ctx context.Context) (*servers, error) {
	webhooks := o.options.Webhooks
	if webhooks != nil {
		if err := webhooks.Listen(ctx); err != nil {
			return nil, fmt.Errorf("run operator: %w", err)
		}
	}
	servers := o.servers()
	if err := servers.listen(ctx); err != nil {
		if webhooks != nil {
			webhooks.Close()
		}
		return nil, fmt.Errorf("run operator: %w", err)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.serving = servers
	return servers, nil
}
