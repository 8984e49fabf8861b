package informer

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/skiff-k8s/skiff/wire"
)

// A reflector reads one resource from the server into a sink: every object that exists, then every
// change, until its context ends. It is a state machine. Each state is a type that carries its own
// data, sends one request (or waits), and ends with one answer; the state's method after maps the
// answer to the next state. What outlives the states is in known, and nothing else is remembered.
//
// The states are in reflect_states.go, the answers in reflect_answers.go, the requests in
// reflect_requests.go, and the work of the states in reflect_list.go and reflect_watch.go.
//
//	               refused, silent, or cut short three times
//	(start)──▶ streaming ──────────────────────────────▶ paging
//	            │      ▲                                 ▲    │
//	            │      │ expired, too large,             │    │
//	   complete │      │ unreadable three times          │    │ complete
//	            │      └─────────┐   (one of the two)    │    │
//	            │                ├───────────────────────┘    │
//	            ▼                │                            │
//	         watching ───────────┘ ◀──────────────────────────┘
//	          │  ▲  │▲
//	      due │  │  └┘ ended, outlived
//	          ▼  │
//	         asking
//
// On the way of each edge below that is marked "after a pause", the machine is in the state
// waiting. In every state, the end of the context leads to stopped.
//
//	state      answer                         next state               when
//	streaming  complete                       watching (same stream)   at once
//	           refused, silent                paging                   at once; known.noStream
//	           ended, the third time in a row paging                   at once; known.noStream
//	           ended                          streaming                after a pause
//	           too large                      streaming; its pages     after a pause
//	                                            are the most recent
//	           any other                      streaming                after a pause
//	paging     complete                       watching                 at once
//	           expired                        paging, most recent,     after a pause
//	                                            in one page
//	           too large                      paging, most recent      after a pause
//	           any other                      paging                   after a pause
//	watching   ended, outlived                watching                 at once
//	           due                            asking                   at once
//	           ended at once                  watching                 after a pause
//	           expired                        list                     at once if it is the first
//	                                                                     failure, else after a pause
//	           too large                      list, most recent        after a pause
//	           unreadable, the third time     list                     after a pause
//	           any other                      watching                 after a pause
//	asking     any                            watching (short)         at once
//	           useless, not asked             list, most recent        at once
//	waiting    the pause is over              the state that it holds  at once
//
// "list" is streaming, or paging if known.noStream is set.
type reflector struct {
	name  string // of the informer, in errors and logs
	log   *slog.Logger
	ask   requests
	sink  sink
	waits *progress // who waits for a version that the stream does not bring
	known known
}

// sink is what a reflector feeds. One goroutine calls its methods.
type sink interface {
	// arena returns the memory that the next object is read into. The reflector owns it until it
	// calls push.
	arena() *wire.Arena
	// push takes a delta, in the order of the stream, and waits while there is no room for it. It
	// returns the cause of ctx's end.
	push(ctx context.Context, d delta) error
	// update calls change with the status of the stream.
	update(change func(*Status))
	// report takes an error that the reflector recovers from.
	report(err error)
}

// known is what a reflector remembers from one state to the next.
type known struct {
	// at is the version up to which the stream has been read into the sink: a watch goes on from
	// there. It is empty before the first list. (It is not a string because it changes with each
	// event, and the event's own is in memory that is used again.)
	at []byte
	// noStream is set when the server has been found not to do watch-list.
	noStream bool
	backoff  backoff
}

// list returns the state that begins a list. If it has to be read in pages, it is asked for as of
// from.
func (k *known) list(from string) state {
	pages := &paging{from: from}
	if k.noStream {
		return pages
	}
	return &streaming{instead: pages}
}

// oldest returns the version that a list must not be older than, so that what is cached does not go
// back.
func (k *known) oldest() string {
	if len(k.at) == 0 {
		return anyState
	}
	return string(k.at)
}

func (k *known) moveTo(version string) { k.at = append(k.at[:0], version...) }

// run reflects until ctx ends.
func (r *reflector) run(ctx context.Context) {
	for s := r.known.list(anyState); s != nil; {
		r.enter(s.String())
		err := s.work(ctx, r)
		if isAnswer(err) {
			r.answered()
		}
		to := s.after(answerOf(err), &r.known)
		if ctx.Err() != nil { // whatever else went wrong for it
			to, err = step{}, nil
		}
		r.release(s, to.next)
		s = r.follow(s, to, err)
	}
	r.enter("stopped")
}

func (r *reflector) enter(name string) {
	r.sink.update(func(s *Status) { s.State = name })
}

// release closes the stream that s holds, unless the next state goes on with it.
func (r *reflector) release(s, next state) {
	if st := streamOf(s); st != nil && st != streamOf(next) {
		if st.lived() >= stableAfter {
			r.known.backoff.reset()
		}
		st.end()
	}
}

// follow returns the state that a step leads to, which is waiting if there is a pause before it.
func (r *reflector) follow(s state, to step, err error) state {
	if to.why != "" {
		err = fmt.Errorf("%s: %w", to.why, err)
	}
	if to.pace == now {
		if err != nil && to.why != "" {
			r.log.Debug("informer "+r.name+": listing by pages instead", "err", err)
		}
		return to.next
	}
	first := r.known.backoff.failures == 0
	pause := r.known.backoff.next(err)
	if first && to.pace == onceNow {
		pause = 0
	}
	r.sink.update(func(s *Status) { s.Failures++ })
	return &waiting{
		why:   fmt.Errorf("informer %s: %s: %w", r.name, s.request(), err),
		pause: pause,
		then:  to.next,
	}
}

// answered notes that something came from the server.
func (r *reflector) answered() {
	r.sink.update(func(s *Status) { s.AnsweredAt = time.Now() })
}

// worked notes that the server answers.
func (r *reflector) worked() {
	r.sink.update(func(s *Status) { s.Failures = 0 })
}
