package election

import (
	"context"
	"sync"
	"time"
)

// A fence knows until when this process leads. It is asked before each write of a fenced client.
//
// A term begins with the renewal that won the Lease and ends once: by the timer, which is set to
// RenewDeadline after the last renewal was sent, by lose, or by shut. These times are of the
// monotonic clock. Writes are refused also if the wall clock shows that RenewDeadline has passed: the
// monotonic clock stands still while a machine is suspended. The next renewal tells whether the Lease
// is still held.
type fence struct {
	lease    string
	deadline time.Duration    // RenewDeadline
	limit    time.Duration    // how long a write may take
	wall     func() time.Time // the wall clock
	conns    conns            // of the fenced clients

	mu      sync.Mutex // guards the fields below
	open    bool       // this process leads
	renewed moment     // when the last renewal that succeeded was sent; zero without a Lease
	timer   *time.Timer
	lost    func(age time.Duration, holder string) // called once if leadership is lost
	isLost  bool                                   // lost was called or is about to be

	writes  int           // sent and without an answer
	settled time.Time     // the server has given up by then what was left without an answer
	quiet   chan struct{} // closed when writes falls to 0, if somebody waits

	patience context.Context // ends when a write that has no limit is not waited for any longer
	giveUp   context.CancelFunc
}

// moment is a time by both clocks.
type moment struct{ at, wall time.Time }

// moment returns the present time.
func (f *fence) moment() moment { return moment{time.Now(), f.wall().Round(0)} }

// begin begins a term by a renewal that was sent at a time. If leadership is lost, lost is called
// under no lock, with the age of the last renewal and with who holds the Lease now, if that is
// known. begin reports false if the renewal is too old already.
func (f *fence) begin(sent moment, lost func(age time.Duration, holder string)) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	left := f.deadline - time.Since(sent.at)
	if left <= 0 {
		return false
	}
	f.open, f.renewed, f.lost, f.isLost = true, sent, lost, false
	f.patience, f.giveUp = context.WithCancel(context.Background())
	f.timer = time.AfterFunc(left, f.expire)
	return true
}

// extend prolongs the term by a renewal that was sent at a time. A term that has ended stays so.
func (f *fence) extend(sent moment) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.open && sent.at.After(f.renewed.at) {
		f.renewed = sent
		f.timer.Reset(f.deadline - time.Since(sent.at))
	}
}

// expire is what the timer calls.
func (f *fence) expire() {
	f.mu.Lock()
	early := f.open && time.Since(f.renewed.at) < f.deadline // the term was extended just now
	f.mu.Unlock()
	if !early {
		f.lose("")
	}
}

// lose ends the term because leadership is lost, to holder if that is known. It resets the
// connections of the fenced clients, so that nothing that is on its way in this machine is sent
// later.
func (f *fence) lose(holder string) {
	f.mu.Lock()
	open, lost, age, giveUp := f.open, f.lost, f.age(), f.giveUp
	f.isLost = f.isLost || open
	f.end()
	f.mu.Unlock()
	if open {
		giveUp()
		f.conns.reset()
		lost(age, holder)
	}
}

// end ends the term. f.mu is held.
func (f *fence) end() {
	f.open = false
	if f.timer != nil {
		f.timer.Stop()
	}
}

// shut ends the term of a process that gives the Lease up, if it has not ended. It returns when no
// write is under way and the server has given up those that it did not answer, which takes at most
// twice f.limit: writes that have no limit of their own are cancelled after f.limit. It reports
// whether leadership had been lost.
func (f *fence) shut() (lost bool) {
	f.mu.Lock()
	lost = f.isLost
	f.end()
	quiet := make(chan struct{})
	f.quiet = quiet
	f.settle()
	giveUp := f.giveUp
	f.mu.Unlock()
	late := time.AfterFunc(f.limit, giveUp)
	<-quiet
	late.Stop()
	giveUp()

	f.mu.Lock()
	f.renewed = moment{}
	wait := time.Until(f.settled)
	f.mu.Unlock()
	time.Sleep(wait)
	return lost
}

// settle tells shut when no write is under way. f.mu is held.
func (f *fence) settle() {
	if f.quiet != nil && f.writes == 0 {
		close(f.quiet)
		f.quiet = nil
	}
}

// look returns nil while this process leads, else a *NotLeadingError.
func (f *fence) look() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.refusal()
}

// refusal is look. f.mu is held.
func (f *fence) refusal() error {
	if f.renewed.at.IsZero() {
		return &NotLeadingError{Lease: f.lease, RenewDeadline: f.deadline}
	}
	age := max(f.age(), f.wall().Round(0).Sub(f.renewed.wall))
	if f.open && age < f.deadline {
		return nil
	}
	return &NotLeadingError{Lease: f.lease, Age: age, RenewDeadline: f.deadline, Ended: !f.open}
}

// age returns the time since the last renewal was sent by the monotonic clock, or 0 without a Lease.
// f.mu is held.
func (f *fence) age() time.Duration {
	if f.renewed.at.IsZero() {
		return 0
	}
	return time.Since(f.renewed.at)
}

// enter begins a write.
func (f *fence) enter() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.refusal(); err != nil {
		return err
	}
	f.writes++
	return nil
}

// waits returns a context that ends when a write without a limit is not waited for any longer. It is
// for a write that enter began.
func (f *fence) waits() context.Context {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.patience
}

// leave ends a write that enter began. If it was left without an answer, the server may carry it
// out for f.limit from now on.
func (f *fence) leave(answered bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.writes--
	if until := time.Now().Add(f.limit); !answered && until.After(f.settled) {
		f.settled = until
	}
	f.settle()
}
