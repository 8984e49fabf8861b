package election

import (
	"context"
	"errors"
	"strconv"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A term is the time in which this process holds the Lease. It belongs to the goroutine of Run.
type term struct {
	*Elector
	leaders *announcer

	stored *coordinationv1.Lease // the Lease as the server has it, as far as is known
	record record                // that this process wrote last
	sent   moment                // when the last renewal that succeeded was sent
	taken  bool                  // the Lease has a record of somebody else
}

const (
	// firstReminder is after which time Run logs that it waits for the leading function. The pauses
	// double, up to lastReminder.
	firstReminder = 10 * time.Second
	lastReminder  = 5 * time.Minute
)

// serve runs lead, and renews the Lease until lead returns.
func (t *term) serve(ctx context.Context, lead func(context.Context) error) error {
	leading, end := context.WithCancelCause(ctx)
	defer end(nil)
	lost := make(chan *LostError, 1)
	lose := func(age time.Duration, holder string) {
		t.mu.Lock()
		err := &LostError{Lease: t.lease, Holder: holder, Age: age, Err: t.state.Err}
		t.mu.Unlock()
		end(err)
		lost <- err
	}
	t.won() // before Status says that this process leads
	if !t.fence.begin(t.sent, lose) {
		return &LostError{Lease: t.lease, Age: time.Since(t.sent.at)}
	}
	t.log.Info("this process leads",
		"identity", t.o.Identity, "transitions", t.record.transitions)
	t.saw(t.record, t.leaders)
	t.o.Metrics.leading(t.o.Name, true)

	// Renewals go on after the end of ctx, until lead returns.
	renewing, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	returned := make(chan error, 1)
	go func() {
		defer stop()
		returned <- lead(leading)
	}()
	why, err := t.renewUntil(renewing, lost, returned)
	if why != nil {
		t.o.Metrics.leading(t.o.Name, false)
		t.log.Warn("leadership lost", "err", why,
			"next", "waiting until the leading function returns")
		err = t.await(returned)
	}
	if t.fence.shut() && why == nil { // it returned because leadership was lost
		why = <-lost
		t.log.Warn("leadership lost", "err", why)
	}
	if why != nil {
		err = errors.Join(why, err)
	}
	t.o.Metrics.leading(t.o.Name, false)
	if !t.taken && !t.o.KeepLease {
		t.release(context.WithoutCancel(ctx))
	}
	return err
}

// won keeps the fencing token of the term.
func (t *term) won() {
	token, err := strconv.ParseUint(t.stored.ResourceVersion, 10, 64)
	if err != nil {
		token = 0
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.state.Token = token
}

// renewUntil renews the Lease until leadership is lost, or until the leading function has returned,
// whose error it returns then.
func (t *term) renewUntil(
	ctx context.Context, lost <-chan *LostError, returned <-chan error,
) (*LostError, error) {
	timer := time.NewTimer(t.o.RetryPeriod)
	defer timer.Stop()
	for {
		select {
		case why := <-lost:
			return why, nil
		case err := <-returned:
			return nil, err
		case <-timer.C:
		}
		began := time.Now()
		t.renewInTime(ctx)
		timer.Reset(max(t.o.RetryPeriod-time.Since(began), 0))
	}
}

// await returns what the leading function returns. It logs that it waits, with growing pauses.
func (t *term) await(returned <-chan error) error {
	began := time.Now()
	for pause := firstReminder; ; pause = min(2*pause, lastReminder) {
		select {
		case err := <-returned:
			return err
		case <-time.After(pause):
			t.log.Warn("the leading function has not returned after leadership was lost",
				"since", time.Since(began).Round(time.Second),
				"next", "the fence refuses its writes; the Lease is not released")
		}
	}
}

// renewInTime tries once to renew the Lease, until RenewDeadline or until ctx ends.
func (t *term) renewInTime(ctx context.Context) {
	limited, cancel := context.WithDeadline(ctx, t.sent.at.Add(t.o.RenewDeadline))
	defer cancel()
	err := t.renew(limited)
	switch {
	case ctx.Err() != nil: // the leading function has returned
	case t.taken:
		t.fence.lose(recordOf(t.stored).holder)
	case err != nil:
		if unanswered(err) {
			t.conns.reset()
		}
		left := t.o.RenewDeadline - time.Since(t.sent.at)
		t.note(err, "trying again; leadership ends in "+max(left, 0).Round(time.Millisecond).String())
	default:
		t.note(nil, "")
	}
}

// renew renews the Lease. If somebody else has written it, renew sets taken, or renews what the
// other has left of this term: a label, or a renewal whose answer was lost.
func (t *term) renew(ctx context.Context) error {
	err := t.put(ctx)
	if !apierrors.IsConflict(err) && !apierrors.IsNotFound(err) && !apierrors.IsAlreadyExists(err) {
		return err
	}
	t.o.Metrics.slowpath(t.o.Name)
	l, err := t.leases.Get(ctx, t.o.Name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err): // deleted: others wait until the record has expired
		t.stored = &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{
			Namespace: t.o.Namespace, Name: t.o.Name,
		}}
	case err != nil:
		return err
	default:
		t.stored = l
		if t.taken = !recordOf(l).sameTerm(t.record); t.taken {
			t.saw(recordOf(l), t.leaders)
			return nil
		}
	}
	return t.put(ctx)
}

// put writes the record with the present time over the Lease that is stored, or creates it.
func (t *term) put(ctx context.Context) error {
	next := t.record
	next.renewed = t.now()
	sent := t.fence.moment()
	l := next.into(t.stored, t.o.Labels)
	var err error
	if l.ResourceVersion == "" {
		l, err = t.leases.Create(ctx, l, metav1.CreateOptions{})
	} else {
		l, err = t.leases.Update(ctx, l, metav1.UpdateOptions{})
	}
	if err != nil {
		return err
	}
	t.stored, t.record, t.sent = l, next, sent
	t.fence.extend(sent)
	return nil
}

// release gives the Lease up, as client-go does: without a holder, for one second. It is for a term
// of which no write is under way any more.
func (t *term) release(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, t.o.RenewDeadline)
	defer cancel()
	now := t.now()
	free := record{
		duration: time.Second, acquired: now, renewed: now, transitions: t.record.transitions,
	}
	l, err := t.stored, error(nil)
	for range 2 {
		if l.ResourceVersion != "" {
			_, err = t.leases.Update(ctx, free.into(l, nil), metav1.UpdateOptions{})
			if !apierrors.IsConflict(err) {
				break
			}
		}
		// A renewal whose answer was lost, a Lease that was deleted meanwhile, or another's term.
		var found error
		if l, found = t.leases.Get(ctx, t.o.Name, metav1.GetOptions{}); found != nil {
			err = found
			break
		}
		if !recordOf(l).sameTerm(t.record) {
			return
		}
	}
	switch {
	case err == nil:
		t.log.Info("released the Lease")
		t.saw(free, t.leaders)
	case !apierrors.IsNotFound(err):
		t.log.Warn("release the Lease failed", "err", err,
			"next", "others take over when it expires, in "+t.o.LeaseDuration.String())
	}
}
