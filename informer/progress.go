package informer

import (
	"slices"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/util/resourceversion"
)

// progress is the version that the cache contains. It holds everybody who waits for a later one,
// and it alone decides when the server is asked for it.
//
// The event of a write takes milliseconds. A version that is still missing after a second will
// perhaps have no event: it is of another namespace, or of a list. It is overdue then, and the
// reflector, which asks for that at the beginning of each watch and is interrupted during one, asks
// the server. As long as somebody waits, progress is never without the time of the next question
// (due), so that no question can be lost: not during a list, nor with a watch that breaks.
//
// The pauses between questions grow until one is answered. A version that is waited for the first
// time makes the next one come sooner; to wait for it again, or to poll for it, does not.
type progress struct {
	mu      sync.Mutex
	version string
	// unversioned is set if the server gave the list no version: nobody can know what it contains.
	unversioned bool
	hooks       []*hook // copied when it is changed
	closed      bool

	waiting []*waiter // in WaitFor
	polled  string    // the newest version that Contains was asked for in vain
	fresh   bool      // polled has been asked for since the server was asked the last time

	due     time.Time // when the server is to be asked, if somebody waits; zero after an answer
	idle    time.Time // since when nobody waits; zero while somebody does
	asked   string    // what the server was asked for, until the cache contains it
	askedAt time.Time
	asks    int      // how often in a row, without an answer
	hurried []string // versions that a question was hastened for, until the cache contains them
	// vain is how many questions in a row brought nothing: what had been read stayed readThen.
	vain     int
	readThen string

	// restored is set when the server's data was restored from a backup. Since then a version that
	// is waited for may be one that was lost.
	restored bool

	read      string      // what had been read when the watch began, perhaps not yet in the cache
	interrupt func()      // ends the open watch; nil while there is none
	timer     *time.Timer // calls fire when the server is to be asked, while there is a watch
}

type hook struct{ f func() }

// waiter is a call of WaitFor.
type waiter struct {
	version string
	done    chan error // gets the result: nil, an *OpaqueVersionError or a *RestoredError
}

const (
	// patience is how long a version may be missing before it is overdue.
	patience = time.Second
	// askAgain is how soon after a question the next one is asked: the short watch that follows it
	// is over then. It doubles with each question that brings no answer, up to maxAskAgain.
	askAgain    = shortWatch + patience
	maxAskAgain = time.Minute
	// maxHurried is how many versions may hasten the next question until one is answered. Each may
	// once: who asks again and again for a version that never comes hastens nothing.
	maxHurried = 32
	// maxVain is how many questions in a row may bring nothing, not even a bookmark, until a list
	// takes their place: a server without a watch cache for the resource sends no bookmarks.
	maxVain = 2
)

func newProgress() *progress { return &progress{} }

// advance moves on and tells everybody. It is for the goroutine that updates the store, afterwards.
// If the server was restored from a backup, version may be below the one before; a wait for a
// version above it then ends with a RestoredError. "" means that the server gives its lists no version.
func (p *progress) advance(version string, restored bool) {
	p.mu.Lock()
	p.version, p.unversioned = version, version == ""
	p.waiting = slices.DeleteFunc(p.waiting, func(w *waiter) bool {
		has, err := p.contains(w.version)
		if !has && restored {
			has, err = true, &RestoredError{ResourceVersion: w.version, Restored: version}
		}
		if has {
			w.done <- err
		}
		return has
	})
	if has, _ := p.contains(p.polled); has || restored {
		p.polled = ""
	}
	if has, _ := p.contains(p.asked); p.asked != "" && (has || restored) {
		p.asked, p.asks, p.due = "", 0, time.Time{}
	}
	p.hurried = slices.DeleteFunc(p.hurried, func(v string) bool {
		has, _ := p.contains(v)
		return has || restored
	})
	if restored {
		p.read, p.restored = version, true
	}
	p.schedule()
	hooks := p.hooks
	p.mu.Unlock()
	if version == "" {
		return
	}
	for _, h := range hooks {
		h.f()
	}
}

// hook makes advance call h.
func (p *progress) hook(h *hook) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hooks = append(slices.Clone(p.hooks), h)
}

func (p *progress) unhook(h *hook) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hooks = slices.DeleteFunc(slices.Clone(p.hooks), func(o *hook) bool { return o == h })
}

func (p *progress) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	p.interrupt = nil
	p.schedule()
}

func (p *progress) current() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.version
}

// has reports whether version is contained. If it is not, it is awaited for a while.
func (p *progress) has(version string) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	has, err := p.contains(version)
	if !has {
		if newer, _ := contains(p.polled, version); !newer {
			p.polled = version
		}
		p.fresh = true
		p.await(version)
	}
	return has, err
}

// wait returns a waiter for version. The caller gives it to leave in the end.
func (p *progress) wait(version string) *waiter {
	p.mu.Lock()
	defer p.mu.Unlock()
	w := &waiter{version, make(chan error, 1)} //mutants:equal[2] gets one result
	if has, err := p.contains(version); has {
		w.done <- err
		return w
	}
	p.waiting = append(p.waiting, w)
	p.await(version)
	return w
}

// leave ends waiting.
func (p *progress) leave(w *waiter) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting = slices.DeleteFunc(p.waiting, func(o *waiter) bool { return o == w })
	p.schedule()
}

// await sets when the server is asked, now that somebody else waits for a version, which hastens the
// next question once. p.mu is held.
func (p *progress) await(version string) {
	at, now := p.soonest(), time.Now()
	switch known := slices.Contains(p.hurried, version); {
	case !known && len(p.hurried) < maxHurried:
		p.hurried = append(p.hurried, strings.Clone(version))
		p.asks = 0 // the pauses grow anew
		if at = p.soonest(); !p.idle.IsZero() || p.due.IsZero() || at.Before(p.due) {
			p.due = at
		}
	case !p.idle.IsZero() && now.Sub(p.idle) >= patience && p.due.Before(at):
		p.due = at // the event of the version may be on its way
	}
	p.schedule()
}

// soonest returns the first time at which the server may be asked for what is awaited from now on.
// It keeps the pause since the last question. p.mu is held.
func (p *progress) soonest() time.Time {
	at := time.Now().Add(patience)
	if next := p.askedAt.Add(p.pause()); p.asked != "" && at.Before(next) {
		at = next
	}
	return at
}

// pause returns how long after the last question the next one is due. It lets the short watch of
// the last one come to its end. p.mu is held.
func (p *progress) pause() time.Duration {
	//mutants:tuning[9,11] from the fifth on the pause is the longest
	return min(askAgain<<min(max(p.asks-1, 0), 10), maxAskAgain)
}

// schedule makes due and the timer agree with what is awaited. p.mu is held.
func (p *progress) schedule() {
	wanted := p.newest() != ""
	switch {
	case wanted:
		if p.idle = (time.Time{}); p.due.IsZero() {
			p.due = p.soonest()
		}
	case p.idle.IsZero():
		p.idle = time.Now()
	}
	switch {
	case p.interrupt == nil || !wanted:
		if p.timer != nil {
			p.timer.Stop()
		}
	case p.timer == nil:
		p.timer = time.AfterFunc(time.Until(p.due), p.fire)
	default:
		p.timer.Reset(time.Until(p.due))
	}
}

// newest returns the newest version that is awaited and has not been read, "" if there is none.
// p.mu is held.
func (p *progress) newest() (newest string) {
	consider := func(version string) {
		for _, at := range []string{newest, p.version, p.read} {
			if has, _ := contains(at, version); has {
				return
			}
		}
		newest = version
	}
	for _, w := range p.waiting {
		consider(w.version)
	}
	if p.polled != "" && (p.fresh || time.Now().Before(p.due)) {
		consider(p.polled)
	}
	return newest
}

// fire interrupts the open watch if the server is to be asked now.
func (p *progress) fire() {
	p.mu.Lock()
	interrupt := p.interrupt
	if interrupt == nil || p.overdueLocked() == "" {
		p.mu.Unlock()
		return
	}
	p.interrupt = nil
	p.mu.Unlock()
	interrupt()
}

// overdue returns the version that the server is to be asked for now, "" if there is none. at is
// what the reflector has read.
func (p *progress) overdue(at string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.read = at
	return p.overdueLocked()
}

// overdueLocked is overdue beyond p.read. p.mu is held.
func (p *progress) overdueLocked() string {
	if p.schedule(); p.due.IsZero() || time.Now().Before(p.due) {
		return ""
	}
	return p.newest()
}

// watch is overdue for a watch that has been opened: if nothing is overdue, interrupt is called, at
// most once and in a goroutine of its own, when something is before unwatch is called.
func (p *progress) watch(at string, interrupt func()) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.read = at
	if version := p.overdueLocked(); version != "" {
		return version
	}
	if !p.closed {
		p.interrupt = interrupt
	}
	p.schedule()
	return ""
}

// unwatch ends what watch began.
func (p *progress) unwatch() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.interrupt = nil
	p.schedule()
}

// wasAsked notes that the server has been asked for version.
func (p *progress) wasAsked(version string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.asked != "" && p.read == p.readThen {
		p.vain++
	} else {
		p.vain = 0
	}
	p.readThen = p.read
	p.asked, p.askedAt = version, time.Now()
	p.asks++
	p.fresh = false
	p.due = p.askedAt.Add(p.pause())
	p.schedule()
}

// doubtful returns who waits now, if the server's data was restored: the versions may be of before
// the restore.
func (p *progress) doubtful() []*waiter {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.restored {
		return nil
	}
	return slices.Clone(p.waiting)
}

// lose ends the waits of doubtful for versions above newest, which the server has named since, when
// it was asked for its newest version. Who has begun to wait since then may have a newer one.
func (p *progress) lose(doubtful []*waiter, newest string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting = slices.DeleteFunc(p.waiting, func(w *waiter) bool {
		has, _ := contains(newest, w.version)
		lost := !has && slices.Contains(doubtful, w)
		if lost {
			w.done <- &RestoredError{ResourceVersion: w.version, Restored: p.version}
		}
		return lost
	})
	p.vain = 0 // the server's answer is something
	p.schedule()
}

// useless reports whether another question would bring nothing, because the last maxVain did not.
func (p *progress) useless() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked != "" && p.vain >= maxVain-1 && p.read == p.readThen
}

// contains reports whether the cache contains version. p.mu is held.
func (p *progress) contains(version string) (bool, error) {
	if p.unversioned {
		return true, &OpaqueVersionError{ResourceVersion: version}
	}
	return contains(p.version, version)
}

// contains reports whether a cache at version at contains version. "" and "0" mean any state.
func contains(at, version string) (bool, error) {
	if at == "" {
		return false, nil
	}
	if version == "" || version == "0" || version == at {
		return true, nil
	}
	order, err := resourceversion.CompareResourceVersion(at, version)
	if err != nil {
		return true, &OpaqueVersionError{ResourceVersion: version}
	}
	return order >= 0, nil //mutants:equal[>,1] versions that are equal are equal strings
}
