package election

import (
	"context"
	"math/rand/v2"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A candidate waits for the Lease.
type candidate struct {
	*Elector
	leaders *announcer

	seen   record    // as read last
	seenAt time.Time // when it was first read, by the monotonic clock; zero if none was
	gone   bool      // the Lease was deleted since; seenAt is when that was seen
	asked  record    // that this process wrote last; its answer may be lost
	lost   bool      // the answer to asked was lost, and nobody has written the Lease since
	failed int       // requests in a row
}

// campaign returns when this process has the Lease, or ctx's error. Then this process does not hold
// the Lease, as far as it can reach the server.
func (c *candidate) campaign(ctx context.Context) (*term, error) {
	c.log.Debug("waiting for the Lease", "identity", c.o.Identity)
	for {
		began := time.Now()
		t, wait, err := c.turn(ctx)
		if ctx.Err() != nil {
			c.withdraw(ctx, t)
			return nil, ctx.Err()
		}
		if err == nil {
			c.failed = 0
			c.note(nil, "")
		} else {
			wait = c.pause()
			c.failed++
			if unanswered(err) {
				c.conns.reset()
			}
			c.note(err, "trying again in "+wait.Round(time.Millisecond).String())
		}
		if t != nil {
			return t, nil
		}
		select {
		case <-time.After(wait - time.Since(began)):
		case <-ctx.Done():
			c.withdraw(ctx, nil)
			return nil, ctx.Err()
		}
	}
}

// withdraw releases the Lease if this process has taken it although ctx has ended: by t, or by a
// request whose answer was lost. It takes RenewDeadline at most.
func (c *candidate) withdraw(ctx context.Context, t *term) {
	if c.o.KeepLease || t == nil && !c.lost && !c.own() {
		return
	}
	if t == nil {
		t = c.term(&coordinationv1.Lease{}, moment{}) // release reads what is stored
	}
	t.release(context.WithoutCancel(ctx))
}

// term returns the term that began with the record that this process wrote last.
func (c *candidate) term(stored *coordinationv1.Lease, sent moment) *term {
	return &term{Elector: c.Elector, leaders: c.leaders, stored: stored, record: c.asked, sent: sent}
}

// unanswered reports whether a request failed without an answer of the server. Its connection is
// not used again.
func unanswered(err error) bool {
	return apierrors.ReasonForError(err) == metav1.StatusReasonUnknown
}

// pause returns how long to wait after an error: longer with each, up to LeaseDuration.
func (c *candidate) pause() time.Duration {
	return spread(min(c.o.RetryPeriod<<min(c.failed, 16), c.o.LeaseDuration))
}

// spread returns a random time of at most d and at least d/2.2, so that candidates do not ask all
// at once.
func spread(d time.Duration) time.Duration {
	least := time.Duration(float64(d) / (1 + jitter))
	return least + rand.N(d-least+1)
}

// turn looks at the Lease, and takes it if it may. Without a term it returns how long to wait after
// the turn's beginning.
func (c *candidate) turn(ctx context.Context) (*term, time.Duration, error) {
	l, err := c.leases.Get(ctx, c.o.Name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		l = nil
		if !c.gone { // the holder may have renewed it just before
			c.gone = true
			if !c.seenAt.IsZero() {
				c.seenAt = time.Now()
			}
			if left := c.left(); left > 0 {
				c.log.Warn("the Lease was deleted while it was held", "holder", c.seen.holder,
					"next", "waiting for "+left.String()+", as if it were there")
			}
		}
	case err != nil:
		return nil, 0, err
	default:
		if r := recordOf(l); c.seenAt.IsZero() || c.gone || !r.equal(c.seen) {
			c.seen, c.seenAt, c.gone, c.lost = r, time.Now(), false, false
			c.saw(r, c.leaders)
			if r.holder == c.o.Identity && !c.own() {
				c.log.Warn("another process wrote the identity of this one into the Lease",
					"identity", r.holder, "next", "waiting until it expires")
			}
		}
	}
	if left := c.left(); left > 0 && !(l != nil && c.own()) {
		return nil, min(spread(c.o.RetryPeriod), left), nil
	}
	// It is not cancelled: the server might carry it out all the same, and nobody would lead.
	t, err := c.take(context.WithoutCancel(ctx), l)
	c.lost = err != nil && (c.lost || unanswered(err))
	if apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err) {
		return nil, spread(c.o.RetryPeriod), nil // another was faster
	}
	if err == nil && time.Since(t.sent.at) >= c.o.RenewDeadline {
		return nil, 0, nil // this process was stopped meanwhile: the next turn renews
	}
	return t, 0, err
}

// own reports whether the Lease has the record of an attempt of this process whose answer was lost.
func (c *candidate) own() bool { return c.asked.holder != "" && c.seen.sameTerm(c.asked) }

// left returns for how long the record that was seen last is another's.
func (c *candidate) left() time.Duration {
	if c.seenAt.IsZero() || c.seen.holder == "" {
		return 0
	}
	d := c.seen.duration
	if d <= 0 {
		d = c.o.LeaseDuration
	}
	return d - time.Since(c.seenAt)
}

// take writes the Lease l, or creates it if l is nil. It fails if another has written it since.
func (c *candidate) take(ctx context.Context, l *coordinationv1.Lease) (*term, error) {
	now := c.now()
	next := record{
		holder:   c.o.Identity,
		duration: time.Duration(c.o.seconds()) * time.Second,
		acquired: now,
		renewed:  now,
	}
	switch {
	case l != nil && c.own():
		next.acquired, next.transitions = c.seen.acquired, c.seen.transitions
	case c.lost: // it may be carried out yet, in place of this one, and is of the same term then
		next.acquired, next.transitions = c.asked.acquired, c.asked.transitions
	case !c.seenAt.IsZero():
		next.transitions = c.seen.transitions + 1
	}
	c.asked = next
	sent := c.fence.moment()
	var err error
	if l == nil {
		l = &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{
			Namespace: c.o.Namespace, Name: c.o.Name,
		}}
		l, err = c.leases.Create(ctx, next.into(l, c.o.Labels), metav1.CreateOptions{})
	} else {
		l, err = c.leases.Update(ctx, next.into(l, c.o.Labels), metav1.UpdateOptions{})
	}
	if err != nil {
		return nil, err
	}
	c.seen, c.seenAt = next, time.Now()
	return c.term(l, sent), nil
}
