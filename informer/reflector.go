package informer

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"k8s.io/apimachinery/pkg/util/resourceversion"

	"github.com/skiff-k8s/skiff/wire"
)

// A reflector reads one resource from the server into a sink: every object that exists, then every
// change, until its context ends. It is a state machine. Each state is a type that carries its own
// data, sends one request (or waits), and ends with one answer. The state's method after maps the
// answer to the next state. Memory that outlives the states is in known.
//
// The states are in reflect_states.go, the answers in reflect_answers.go, the requests in
// reflect_requests.go, and the work of the states in reflect_list.go and reflect_watch.go.
//
//	               failed, stuck, expired, or cut short three times
//	(start)──▶ streaming ──────────────────────────────▶ paging
//	            │      ▲                                 ▲    │
//	            │      │          expired, failed        │    │
//	   complete │      └─────────┐   (one of the two)    │    │ complete
//	            │                ├───────────────────────┘    │
//	            ▼                │                            │
//	         watching ───────────┘ ◀──────────────────────────┘
//	        ▲  ▲  │ ▲  │
//	        │  │  │ │  └ broken ─▶ checking ─▶ watching, or a list if the server is behind
//	    due │  │  │ └── ended
//	        ▼  │  └──── refused six times, or a list without a version ─▶ polling ─▶ a list
//	       asking
//
// On the way of each edge that is marked "later" below, the machine is in the state waiting: for a
// pause that grows, and for as long as the server asks for, up to a minute. In every state, the end
// of the context leads to stopped. An answer that a state has no line for leads to a list.
//
//	state      answer                         next state                         when
//	streaming  complete                       watching (same stream)             now
//	           versionless                    polling                            now
//	           unanswered, before it began    streaming                          later
//	           unanswered, ended: cut short   streaming                          later
//	             the third time in a row      paging; no watch-list for 30 min   now
//	           busy, too large, unauthorized  streaming                          later
//	           expired                        paging, most recent                now
//	           any other                      paging; no watch-list for 30 min   now
//	paging     complete                       watching                           now
//	           versionless                    polling                            now
//	           unanswered                     paging                             later
//	             the fifth time broken off    paging, most recent, in pages      later
//	           busy, unauthorized             paging                             later
//	           too large                      paging                             later
//	             the second time in a row     paging, most recent                later
//	           expired                        paging, most recent                now
//	             the second time              paging, most recent, in one page   later
//	           any other                      paging, in one page                later
//	             in one page already          paging, most recent, in one page   later
//	             after the 30 min             streaming, else as before          later
//	watching   ended                          watching                           now
//	           ended early, outlived          checking                           now
//	           due                            asking                             now
//	           unanswered, ended at once      checking                           later
//	             the fifth time from one
//	             version                      list                               later
//	           too large                      checking                           later
//	             the fifth time from one
//	             version                      list, most recent                  later
//	           busy, unauthorized             checking                           later
//	           expired                        list                               once now
//	           any other                      list                               later
//	             the sixth time, with no
//	             healthy watch between        polling                            now
//	checking   complete                       watching                           now
//	           too large                      list, most recent                  now
//	           unanswered                     checking                           later
//	             the fifth time from one
//	             version                      list                               later
//	           busy, unauthorized             checking                           later
//	           expired                        list                               once now
//	           any other                      list                               later
//	asking     useless, not asked             list, most recent                  now
//	           too large                      checking                           now
//	           any other                      watching (short)                   now
//	polling    any                            list, most recent                  now
//	waiting    any                            the state that it holds            now
//
// With WhenServed, an answer of 404 to any request leads to discovering, now:
//
//	discovering  no answer                    discovering                        later
//	             it is not served             unserved                           now
//	               objects are cached         discovering, once more             later
//	             it is served, after a 404    list                               later
//	             it is served, after unserved list, most recent                  now
//	unserved     any (after a pause)          discovering                        now
//
// "list" is streaming, or paging while no watch-list is asked for. "once now" is now if a list was
// not begun that way within the last minute, else later. edges_test.go holds the same table.
type reflector struct {
	name  string // of the informer, in errors and logs
	log   *slog.Logger
	ask   requests
	sink  sink
	waits *progress // who waits for a version that the stream does not bring
	known known
	// whenServed returns the state that follows a request, nil if it does not decide that. It is nil
	// without WhenServed.
	whenServed func(r *reflector, s state, err error) state
}

// sink is the receiver of what a reflector reads. One goroutine calls its methods; update is called
// by others too.
type sink interface {
	// arena returns the memory that the next object is read into. The reflector owns it until it
	// calls push.
	arena() *wire.Arena
	// push takes a delta, in the order of the stream, and waits while there is no room for it. It
	// returns the cause of ctx's end.
	push(ctx context.Context, d delta) error
	// update calls change with the status of the stream, one call at a time.
	update(change func(*Status))
	// report takes an error that the reflector recovers from, once for each fault.
	report(err error)
}

// known is what a reflector remembers from one state to the next.
type known struct {
	// at is the version up to which the stream has been read into the sink: a watch goes on from
	// there. It is empty before the first list, and after a list without a version. (It is not a
	// string because it changes with each event, and the event's own is in memory that is used
	// again.)
	at            []byte
	noStreamUntil time.Time // until then no watch-list is asked for
	refusals      int       // how many watches in a row the server refused
	hurriedAt     time.Time // when a list was begun at once after a failure
	backoff       backoff
}

// list returns the state that begins a list. If it has to be read in pages, it is asked for as of
// from.
func (k *known) list(from string) state {
	pages := &paging{from: from}
	if time.Now().Before(k.noStreamUntil) {
		return pages
	}
	return &streaming{instead: pages}
}

// mayStream reports whether the time is over for which no watch-list was to be asked for.
func (k *known) mayStream() bool {
	return !k.noStreamUntil.IsZero() && !time.Now().Before(k.noStreamUntil)
}

// relist returns the state that begins a list after a watch. The list must not be older than what
// has been read, so that what is cached does not go back.
func (k *known) relist() state { return k.list(string(k.at)) }

func (k *known) moveTo(version string) { k.at = append(k.at[:0], version...) }

// isBehind reports whether version is older than what has been read. Versions that cannot be
// compared are not, and nothing is older than none.
func (k *known) isBehind(version string) bool {
	order, err := resourceversion.CompareResourceVersion(version, string(k.at))
	return err == nil && order < 0
}

// hurry reports whether a list may begin at once after a failure: once a minute.
func (k *known) hurry() bool {
	if time.Since(k.hurriedAt) < time.Minute {
		return false
	}
	k.hurriedAt = time.Now()
	return true
}

// run reflects until ctx ends.
func (r *reflector) run(ctx context.Context) {
	for s := r.known.list(anyState); s != nil; {
		r.enter(s.String())
		err := s.work(ctx, r)
		if ctx.Err() != nil { // whatever else went wrong for it
			r.release(s, nil)
			break
		}
		if r.whenServed != nil {
			if next := r.whenServed(r, s, err); next != nil {
				r.release(s, next)
				s = next
				continue
			}
		}
		a := answerOf(err)
		if a.isSent() {
			r.answered()
		}
		to := s.after(a, &r.known)
		r.release(s, to.next)
		s = r.follow(s, a, to, err)
	}
	r.enter("stopped")
}

func (r *reflector) enter(name string) {
	r.sink.update(func(s *Status) { s.State, s.NextAt = name, time.Time{} })
}

// release closes the stream that s holds, unless the next state goes on with it.
func (r *reflector) release(s, next state) {
	st := streamOf(s)
	if st == nil || next != nil && st == streamOf(next) {
		return
	}
	if _, watched := s.(*watching); watched && st.lived() >= stableAfter {
		r.known.backoff.reset()
	}
	st.end()
}

// follow returns the state that a step leads to, which is waiting if there is a pause before it.
// Every fault is reported once, with what happens next.
func (r *reflector) follow(s state, a answer, to step, err error) state {
	poll, polls := to.next.(*polling)
	_, asked := s.(*asking)
	_, streamed := s.(*streaming)
	err = r.ask.client.Redact(err)
	var pause time.Duration
	waits, when := false, "at once"
	if to.pace != now {
		pause = r.known.backoff.next(a, err)
		r.sink.update(func(s *Status) { s.Failures++ })
		if waits = to.pace == later || !r.known.hurry(); waits {
			when = "in " + pause.Round(time.Millisecond).String()
		}
	}
	fault := func() error {
		return fmt.Errorf("informer %s: %s: %w; next: %s %s", r.name, s.request(), err,
			to.next.request(), when)
	}
	switch {
	case polls: // which reports it
		if poll.why == nil {
			poll.why = err
		}
	case waits:
		return &waiting{why: fault(), pause: pause, then: to.next}
	case !a.isFault() || asked: // the version is checked next
	case streamed && a == refused: // an older server
		r.log.Info(fault().Error())
	default:
		r.sink.report(fault())
	}
	return to.next
}

// answered notes that something came from the server.
func (r *reflector) answered() {
	r.sink.update(func(s *Status) { s.AnsweredAt = time.Now() })
}

// worked notes that a list is complete.
func (r *reflector) worked() {
	r.sink.update(func(s *Status) { s.Lists, s.Failures, s.FailingSince = s.Lists+1, 0, time.Time{} })
}
