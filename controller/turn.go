package controller

import (
	"context"
	"errors"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/skiff-k8s/skiff/client"
)

// turn does what a worker does with one key from the queue, up to and including Done.
func (l *loop[K]) turn(ctx context.Context, key K) {
	defer l.queue.Done(key)
	if l.holds.want(key, l.queue.IsLow(key)) {
		if l.observed() {
			l.held(key)
		}
		return
	}
	if l.early(key) {
		return
	}
	l.count.active.Add(1)
	defer l.count.active.Add(-1)
	log := l.log.With("key", text(key))
	within := withLogger(ctx, log)
	var end func(Outcome)
	if l.observed() {
		within, end = l.reconciling(within, key)
	}
	// Deferred: a Reconcile may end its goroutine, and with it this function.
	o := Outcome{Err: errGoexit}
	began := time.Now()
	defer func() {
		o.Duration = time.Since(began)
		l.settle(ctx, log, key, &o, end)
	}()
	l.call(within, key, &o)
}

// settle does what follows a reconcile of key. end may be nil.
func (l *loop[K]) settle(ctx context.Context, log *slog.Logger, key K, o *Outcome, end func(Outcome)) {
	// Before Done: after it another worker may get the key.
	if demands := l.demands(o.Writes); len(demands) > 0 {
		l.holds.hold(key, demands)
	}
	l.ended(key)
	if o.Err != nil {
		l.failed(ctx, log, key, o)
	} else {
		l.succeeded(key, o)
	}
	if end != nil {
		o.NextAt, _ = l.nextAt(key, o.Next)
		end(*o)
	}
}

// succeeded forgets the failures of key, and queues it again if it asked for that.
func (l *loop[K]) succeeded(key K, o *Outcome) {
	if o.Result.RequeueAfter > 0 {
		l.count.requeued.Add(1)
	} else {
		l.count.plain.Add(1)
	}
	o.Next = NextEvent
	if l.observed() {
		o.Retries = l.numRequeues(key)
	}
	l.forget(key)
	if o.Result.RequeueAfter > 0 {
		o.Next = NextRequeue
		l.queue.AddAfter(key, o.Result.RequeueAfter)
	}
}

// nextAt returns when key is queued again.
func (l *loop[K]) nextAt(key K, next Next) (at time.Time, ok bool) {
	if next != NextRequeue && next != NextRetry {
		return at, false
	}
	return l.queue.NextAt(key)
}

// failed decides whether key is tried again.
func (l *loop[K]) failed(ctx context.Context, log *slog.Logger, key K, o *Outcome) {
	l.count.failed.Add(1)
	err := o.Err
	var panicked *PanicError
	if errors.As(err, &panicked) {
		l.count.panics.Add(1)
		if l.panics.first(panicked.place) {
			log = log.With("stack", string(panicked.Stack))
		}
	}
	var late *TimeoutError
	if errors.As(err, &late) {
		l.count.timeouts.Add(1)
	}
	terminal := IsTerminal(err)
	if terminal {
		l.count.terminal.Add(1)
	}
	o.Retries = l.numRequeues(key)
	o.Next = NextRetry
	switch {
	case ctx.Err() != nil:
		// The DrainTimeout is over. After the next start every key is reconciled.
		log.Warn("reconcile cancelled by the stop", "error", err)
		o.Next = NextStopped
		l.forget(key)
	case terminal:
		o.Next = NextGivenUp
		l.giveUp(log, key, "trying again would not help", o.Retries, err)
	case o.Retries >= l.maxRetries && l.cutOff():
		// The key may not be to blame, and when the server is back no event will come for it.
		log.Warn("reconcile failed while the API server cannot be watched, trying again until it can",
			"after", cutOffDelay, "error", err)
		l.count.retried.Add(1)
		l.queue.AddAfter(key, cutOffDelay)
	case o.Retries >= l.maxRetries:
		o.Next = NextGivenUp
		l.giveUp(log, key, "retries used up", o.Retries, err)
	default:
		level := slog.LevelWarn
		if apierrors.IsConflict(err) {
			level = slog.LevelInfo // another client wrote first, which is normal
		}
		log.Log(ctx, level, "reconcile failed, trying again", "retry", o.Retries+1, "error", err)
		l.count.retried.Add(1)
		l.addRateLimited(key)
	}
}

func (l *loop[K]) giveUp(log *slog.Logger, key K, why string, retries int, err error) {
	l.count.givenUp.Add(1)
	l.forget(key)
	log.Error("reconcile failed, waiting for the next event or resync", "why", why, "retries", retries, "error", err)
}

// call calls the Reconcile and notes what it returned and wrote. A panic is a *PanicError. If the
// Reconcile ends its goroutine, call does not return, and leaves the error in o.
func (l *loop[K]) call(ctx context.Context, key K, o *Outcome) {
	var (
		mu   sync.Mutex // a Reconcile may write from goroutines of its own
		seen []client.Write
	)
	ctx = client.WithWriteObserver(ctx, func(w client.Write) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, w)
	})
	defer func() {
		if v := recover(); v != nil {
			o.Err = &PanicError{Value: v, Stack: debug.Stack(), place: place(0)}
		}
		o.Err = timedOut(ctx, o.Err)
		mu.Lock()
		defer mu.Unlock()
		o.Writes = slices.Clone(seen) // a goroutine that the Reconcile left behind may write on
	}()
	if l.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, l.timeout, &TimeoutError{After: l.timeout})
		defer cancel()
	}
	o.Result, o.Err = l.reconcile(ctx, key)
}
