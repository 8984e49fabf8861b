package addingress

import (
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/skiff-k8s/skiff/controller"
)

const (
	// freeRepairs is how often the Ingress of a Service is repaired at once. A person who edits an
	// Ingress and sees the edit undone gives up sooner.
	freeRepairs = 3

	// reportRepairs is after how many repairs a contest is reported whose other side does something
	// else each time. One that does the same is reported after freeRepairs.
	reportRepairs = 4 * freeRepairs

	// repairSpacing is the time between two repairs of any Services, 5 a second, while the
	// Ingress of one is contested: it was repaired freeRepairs times.
	repairSpacing = time.Second / 5

	// firstPause is the time between the last free repair of a Service's Ingress and the next one.
	// Each pause is twice the one before, up to maxPause, or maxRewrittenPause if the API server
	// itself stores something else than addingress writes.
	firstPause        = repairSpacing
	maxPause          = time.Minute
	maxRewrittenPause = 10 * time.Minute

	// calmAfter is the time after its last write after which an Ingress is not contested any more.
	// It is longer than the pauses, so that they cannot end a contest.
	calmAfter = 30 * time.Minute

	// changesBurst and changesPerSecond limit the writes to one Service's Ingress that follow
	// changes of the Service: more than a person or a rollout needs.
	changesBurst     = 50
	changesPerSecond = 1
)

// pace limits the writes to Ingresses. If somebody keeps changing or deleting what addingress
// writes, both would otherwise write as fast as the API server allows, forever.
//
// A write is a repair if the same state was written before and is not there any more. The first
// repairs of a Service's Ingress are made at once; the pauses between further ones grow. While one
// Ingress is contested, the repairs of all Services together come in turns, repairSpacing apart.
//
// It has one record for each Service whose Ingress was written within the last two calmAfter. It is
// safe for concurrent use.
type pace struct {
	mu        sync.Mutex                 // guards the fields below, and the records
	records   map[controller.Key]*record // made by the first write
	contested time.Time                  // until then an Ingress is contested
	nextTurn  time.Time                  // the first turn that nobody has
	free      time.Time                  // the earliest time of the next repair in turns
	sweepAt   time.Time                  // when records are next looked through
}

// write is a write to one Service's Ingress.
type write struct {
	key    controller.Key
	state  string // the Ingress that is written
	undoes string // for a repair: the Ingress as it is; otherwise ""
}

func (w write) repair() bool { return w.undoes != "" }

// record is what was written to one Service's Ingress.
type record struct {
	last      write     // the last one
	written   time.Time // when that was
	repairs   int       // how many repairs there were, since the Ingress was last calm
	same      int       // how many of the last ones undid the same
	rewritten bool      // the API server stored something else than the last state written
	turn      time.Time // the time of the next repair, while it waits for that; else zero
	changes   *rate.Limiter
}

// calmAt returns when the record stops to matter.
func (r *record) calmAt() time.Time {
	last := r.written
	if r.turn.After(last) {
		last = r.turn
	}
	return last.Add(calmAfter)
}

// wait returns 0 if the write is allowed now, and otherwise the time after which to ask again.
func (p *pace) wait(w write) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	p.sweep(now)
	r := p.get(w.key, now)
	if !w.repair() {
		if r == nil || r.changes.AllowN(now, 1) {
			return 0
		}
		return time.Duration(float64(time.Second) * (1 - r.changes.TokensAt(now)) / changesPerSecond)
	}
	if r == nil {
		r = p.record(w.key)
	}
	if r.repairs >= freeRepairs {
		p.contested = now.Add(calmAfter)
		if left := r.written.Add(r.pause()).Sub(now); left > 0 {
			return left
		}
	}
	if !now.Before(p.contested) {
		return 0
	}
	return p.waitTurn(r, now)
}

// pause returns the time between the record's last write and the next repair.
func (r *record) pause() time.Duration {
	pause, most := firstPause, maxPause
	if r.rewritten {
		most = maxRewrittenPause
	}
	for range r.repairs - freeRepairs {
		if pause *= 2; pause >= most {
			return most
		}
	}
	return pause
}

// waitTurn returns 0 if it is r's turn, and otherwise the time until then. mu is held.
func (p *pace) waitTurn(r *record, now time.Time) time.Duration {
	if r.turn.IsZero() {
		r.turn = later(p.nextTurn, now)
		p.nextTurn = r.turn.Add(repairSpacing)
	}
	switch {
	case now.Before(r.turn):
		return r.turn.Sub(now)
	case !now.Before(p.free):
		r.turn = time.Time{}
		p.free = now.Add(repairSpacing)
		return 0
	case now.Sub(r.turn) < repairSpacing:
		return p.free.Sub(now) // the one before came a little late
	}
	// It has missed its turn, as many may have, and lines up again.
	r.turn = later(p.nextTurn, p.free)
	p.nextTurn = r.turn.Add(repairSpacing)
	return r.turn.Sub(now)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// wrote notes that w was made. rewritten says that the API server stored something else: the next
// try is then as late as if the Ingress had been repaired several times. wrote returns the time
// until that try.
func (p *pace) wrote(w write, rewritten bool) (next time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	r := p.get(w.key, now)
	if r == nil {
		r = p.record(w.key)
	}
	if w.repair() {
		r.repairs++
		if w.undoes != r.last.undoes {
			r.same = 0
		}
		r.same++
	}
	r.last, r.written, r.rewritten = w, now, rewritten
	if rewritten {
		r.repairs = max(r.repairs, freeRepairs)
	}
	if r.repairs >= freeRepairs {
		p.contested = now.Add(calmAfter)
	}
	return r.pause()
}

// get returns key's record; nil if there is none, or none that matters. mu is held.
func (p *pace) get(key controller.Key, now time.Time) *record {
	if r := p.records[key]; r != nil && now.Before(r.calmAt()) {
		return r
	}
	return nil
}

// record makes key's record. mu is held.
func (p *pace) record(key controller.Key) *record {
	if p.records == nil {
		p.records = map[controller.Key]*record{}
	}
	r := &record{written: time.Now(), changes: rate.NewLimiter(changesPerSecond, changesBurst)}
	p.records[key] = r
	return r
}

// sweep removes the records that do not matter any more. It looks through all of them once in
// calmAfter. mu is held.
func (p *pace) sweep(now time.Time) {
	if now.Before(p.sweepAt) {
		return
	}
	p.sweepAt = now.Add(calmAfter)
	for key, r := range p.records {
		if !now.Before(r.calmAt()) {
			delete(p.records, key)
		}
	}
}

// right notes that key's Ingress is as it should be, so that it needs no turn.
func (p *pace) right(key controller.Key) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r := p.get(key, time.Now()); r != nil {
		r.turn = time.Time{}
	}
}

// calm reports whether key's Ingress is not contested.
func (p *pace) calm(key controller.Key) bool {
	return p.is(key, func(r *record) bool { return r == nil || r.repairs < freeRepairs })
}

// repaired reports whether key's Ingress was repaired since it was last calm for long.
func (p *pace) repaired(key controller.Key) bool {
	return p.is(key, func(r *record) bool { return r != nil && r.repairs > 0 })
}

// rewritten reports whether the API server stored something else than the last state written for
// key.
func (p *pace) rewritten(key controller.Key) bool {
	return p.is(key, func(r *record) bool { return r != nil && r.rewritten })
}

// wroteBefore reports whether state is the last one written for key, so that writing it again is a
// repair.
func (p *pace) wroteBefore(key controller.Key, state string) bool {
	return p.is(key, func(r *record) bool { return r != nil && r.last.state == state })
}

// somebodyInsists reports whether what w undoes was undone before: freeRepairs times, or once if an
// Ingress is contested.
func (p *pace) somebodyInsists(w write) bool {
	return w.repair() && p.is(w.key, func(r *record) bool {
		if r == nil {
			return false
		}
		again := r.same > 0 && w.undoes == r.last.undoes
		return r.repairs >= reportRepairs || r.same >= freeRepairs && again ||
			time.Now().Before(p.contested) && again
	})
}

// is reports whether what holds for key's record, which is nil if there is none.
func (p *pace) is(key controller.Key, what func(*record) bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return what(p.get(key, time.Now()))
}
