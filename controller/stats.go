package controller

import (
	"sync/atomic"
	"time"

	"github.com/skiff-k8s/skiff/workqueue"
)

// Stats is what a controller has done since New, and what it has to do. The comments name the series
// of controller-runtime that a figure fits, with the controller's name as the label "controller".
type Stats struct {
	// Queue is the state of its queue.
	Queue workqueue.Stats
	// Oldest is the key that has been queued longest, and OldestWait for how long; "" if none is
	// queued.
	Oldest     string
	OldestWait time.Duration
	// Held is the number of keys that wait until the caches have seen their own writes.
	Held int

	// Paused reports whether the controller is paused (Pause).
	Paused bool
	// Workers is how many keys are reconciled at once at most.
	// controller_runtime_max_concurrent_reconciles
	Workers int
	// Active is how many are being reconciled now.
	// controller_runtime_active_workers
	Active int

	// Succeeded and Failed count reconciles. Each reconcile is counted once, in one of the two.
	// controller_runtime_reconcile_total{result="success"} is Succeeded - Requeued,
	// which never goes down, {result="requeue_after"} is Requeued, {result="error"} is Failed, and
	// controller_runtime_reconcile_errors_total is Failed.
	Succeeded, Failed uint64
	// Requeued counts the reconciles that succeeded and asked for RequeueAfter.
	Requeued uint64
	// Retried counts the reconciles that failed and whose keys are tried again.
	Retried uint64
	// GivenUp counts the reconciles after which a key was left to its next event or resync, because
	// its retries were used up or its error was Terminal.
	GivenUp uint64
	// Terminal counts the reconciles whose error was Terminal.
	// controller_runtime_terminal_reconcile_errors_total
	Terminal uint64
	// Panics counts the reconciles that panicked.
	// controller_runtime_reconcile_panics_total
	Panics uint64
	// Timeouts counts the reconciles that failed because their ReconcileTimeout was over.
	// controller_runtime_reconcile_timeouts_total
	Timeouts uint64
	// Holds counts the times that a key was held until the caches have seen its own writes, and
	// HoldsExpired those of them that ended by the WriteTimeout.
	Holds, HoldsExpired uint64
}

// Idle reports whether there is nothing to do now: no key is queued, being reconciled, or held.
// Keys that wait for a time (RequeueAfter, or a retry) do not count.
func (s Stats) Idle() bool {
	return s.Queue.Depth == 0 && s.Queue.Processing == 0 && s.Held == 0
}

// counters count what is done. plain counts the reconciles that succeeded and did not ask for
// RequeueAfter: the difference of two counters that are read one after the other could go down.
type counters struct {
	active                                                                              atomic.Int64
	plain, failed, requeued, retried, givenUp, terminal, panics, timeouts, holdsExpired atomic.Uint64
}

// Stats returns the controller's figures. It takes constant time.
func (c *Controller) Stats() Stats {
	s := Stats{
		Queue:        c.loop.stats(),
		Paused:       c.paused.Load(),
		Workers:      c.workers,
		Active:       int(c.count.active.Load()),
		Failed:       c.count.failed.Load(),
		Requeued:     c.count.requeued.Load(),
		Retried:      c.count.retried.Load(),
		GivenUp:      c.count.givenUp.Load(),
		Terminal:     c.count.terminal.Load(),
		Panics:       c.count.panics.Load(),
		Timeouts:     c.count.timeouts.Load(),
		HoldsExpired: c.count.holdsExpired.Load(),
	}
	s.Succeeded = c.count.plain.Load() + s.Requeued
	s.Held, s.Holds = c.holds.len(), c.holds.made()
	s.Oldest, s.OldestWait = c.loop.oldest()
	return s
}
