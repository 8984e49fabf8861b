package controller

import (
	"context"
	"slices"
	"time"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/workqueue"
)

// Observer is a set of functions that a controller calls for what happens to its keys: for metrics,
// for traces, for a page that follows a key. Any of them may be nil. [Stats] has the counts and the
// levels, which an exporter reads when it is scraped.
//
// The functions are called without a lock, from any goroutine and concurrently. They must be safe
// for concurrent use and return quickly, and may call the controller. A panic is logged and
// contained.
//
// A key is given as an any that holds a [Key], or a K of NewKeyed. fmt.Sprint of it is the text that
// the log has.
type Observer struct {
	// Queue has the functions for the controller's queue: workqueue_*.
	Queue workqueue.Metrics

	// Named is called before a key is put into the queue, where it may be already. The queue does
	// not report that a retry or a RequeueAfter is due: Outcome.NextAt has the time.
	Named func(key any, cause Cause)

	// Held is called when a key has its turn and is held back, because the caches have not seen what
	// its last reconcile wrote.
	Held func(key any)

	// Released is called when a hold ends. It is called for each key that was held, also if nothing
	// named the key meanwhile.
	Released func(key any, hold Hold)

	// Reconcile is called before each reconcile. The Reconcile runs under the context that it
	// returns, so that a span can be in it; nil means ctx. The function that it returns is called
	// when the reconcile has ended, in the same goroutine; it may be nil.
	Reconcile func(ctx context.Context, key any) (context.Context, func(Outcome))
}

// Cause is why a key is put into the queue.
type Cause struct {
	// Source is the function that made the source: For, Owns, Watches, Channel or Feed; or
	// ReconcileAll.
	Source string
	// Change is what happened to the object: "listed" (it was there at the start), "added",
	// "updated", "resync" or "deleted"; "" for what is no change of an object.
	Change string
	// Informer and Object name the object that changed: Informer.String, and "namespace/name".
	Informer, Object string
	// Low reports whether the key has low priority (LowWait).
	Low bool
}

// Hold is how a key waited for the caches to see its own writes.
type Hold struct {
	Duration time.Duration
	// Seen reports whether the caches have seen the writes. Otherwise the WriteTimeout was over, or the
	// controller has stopped.
	Seen bool
	// Stopped reports whether the hold has ended because the controller has stopped. The key is not
	// queued then.
	Stopped bool
	// Wanted reports whether something named the key meanwhile, so that it is queued now.
	Wanted bool
}

// Next is what happens to a key after a reconcile.
type Next string

// What happens to a key after a reconcile.
const (
	NextEvent   Next = "event"    // it succeeded: nothing until the next event or resync
	NextRequeue Next = "requeue"  // it succeeded, and asked for RequeueAfter
	NextRetry   Next = "retry"    // it failed, and is tried again
	NextGivenUp Next = "given up" // it failed: nothing until the next event or resync
	NextStopped Next = "stopped"  // it was cancelled by the stop of the controller
)

// Outcome is how a reconcile ended.
type Outcome struct {
	// Duration is how long the Reconcile ran.
	Duration time.Duration
	// Result is what it returned. If Err is not nil, it does not count.
	Result Result
	// Err is its error, nil if it succeeded. IsTerminal may hold for it, or it may wrap a *PanicError.
	Err error
	// Retries is how many failures in a row there were before this reconcile.
	Retries int
	// Next is what happens to the key now, and NextAt when it is queued again: the time of the retry
	// or of the RequeueAfter, otherwise zero.
	Next   Next
	NextAt time.Time
	// Writes are what it wrote under its context through packages client and dynamic. They must not
	// be changed.
	Writes []client.Write
}

// Label returns the outcome as the label "result" of controller_runtime_reconcile_total: "success",
// "requeue_after" or "error".
func (o Outcome) Label() string {
	switch {
	case o.Err != nil:
		return "error"
	case o.Next == NextRequeue:
		return "requeue_after"
	}
	return "success"
}

// Observe makes the controller call the functions of o, until stop is called: also while it runs. A
// call that is in progress may end after stop has returned. Several observers are called in the
// order in which they came; the functions that Reconcile returned in the reverse order.
//
// A controller without observers spends nothing on them.
func (c *Controller) Observe(o Observer) (stop func()) {
	added := &o
	c.observers.change(func(all []*Observer) []*Observer { return append(all, added) })
	return func() {
		c.observers.change(func(all []*Observer) []*Observer {
			return slices.DeleteFunc(all, func(o *Observer) bool { return o == added })
		})
	}
}

// observed reports whether there are observers. It is asked before a key is made an any, which
// allocates.
func (c *Controller) observed() bool { return len(c.observers.all()) > 0 }

// named reports that key is put into the queue.
func (c *Controller) named(key any, cause Cause) {
	for _, o := range c.observers.all() {
		if o.Named != nil {
			c.observing("Named", func() { o.Named(key, cause) })
		}
	}
}

// held reports that key is held back at its turn.
func (c *Controller) held(key any) {
	for _, o := range c.observers.all() {
		if o.Held != nil {
			c.observing("Held", func() { o.Held(key) })
		}
	}
}

// released reports that the hold of key has ended.
func (c *Controller) released(key any, h Hold) {
	for _, o := range c.observers.all() {
		if o.Released != nil {
			c.observing("Released", func() { o.Released(key, h) })
		}
	}
}

// reconciling reports that a reconcile begins. end reports that it has ended.
func (c *Controller) reconciling(ctx context.Context, key any) (_ context.Context, end func(Outcome)) {
	var ends []func(Outcome)
	for _, o := range c.observers.all() {
		if o.Reconcile == nil {
			continue
		}
		c.observing("Reconcile", func() {
			within, end := o.Reconcile(ctx, key)
			if within != nil {
				ctx = within
			}
			if end != nil {
				ends = append(ends, end)
			}
		})
	}
	return ctx, func(outcome Outcome) {
		for _, end := range slices.Backward(ends) {
			c.observing("Reconcile", func() { end(outcome) })
		}
	}
}

// observing calls f, which calls a function of an Observer.
func (c *Controller) observing(name string, f func()) {
	defer func() {
		if v := recover(); v != nil {
			c.panicked(v, "function of an Observer", "going on without it", "function", name)
		}
	}()
	f()
}

// measured returns functions that call those of own, and those of the observers.
func (c *Controller) measured(own workqueue.Metrics) workqueue.Metrics {
	own = c.contained(own)
	count := func(name string, own func(), of func(*Observer) func()) func() {
		return func() {
			if own != nil {
				own()
			}
			for _, o := range c.observers.all() {
				if f := of(o); f != nil {
					c.observing(name, f)
				}
			}
		}
	}
	observe := func(name string, own func(time.Duration), of func(*Observer) func(time.Duration)) func(time.Duration) {
		return func(d time.Duration) {
			if own != nil {
				own(d)
			}
			for _, o := range c.observers.all() {
				if f := of(o); f != nil {
					c.observing(name, func() { f(d) })
				}
			}
		}
	}
	return workqueue.Metrics{
		Adds:    count("Queue.Adds", own.Adds, func(o *Observer) func() { return o.Queue.Adds }),
		Retries: count("Queue.Retries", own.Retries, func(o *Observer) func() { return o.Queue.Retries }),
		Latency: observe("Queue.Latency", own.Latency,
			func(o *Observer) func(time.Duration) { return o.Queue.Latency }),
		WorkDuration: observe("Queue.WorkDuration", own.WorkDuration,
			func(o *Observer) func(time.Duration) { return o.Queue.WorkDuration }),
	}
}
