package informer

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/rest"
	"github.com/skiff-k8s/skiff/wire"
)

// reflector reads what the server says about one resource into a deltaFIFO: all that there is, then
// every change, for as long as its context lives. It is a machine of the states below; run goes
// from one to the next, and failed decides where an error leads.
type reflector struct {
	informer *shared
	fifo     *deltaFIFO
	backoff  backoff

	state state
	// at is up to which version the stream has been read into the FIFO: a watch goes on from there.
	// It is empty before the first list. (It is not a string because it changes with each event, and
	// the event's own is in memory that is used again.)
	at   []byte
	then state         // where waiting leads
	wait time.Duration // how long

	noStream   bool // the server does not do watch-list: lists are paged
	cutShort   int  // watch-lists in a row that ended before their bookmark
	mostRecent bool // the next paged list asks for the most recent state, at any price
	whole      bool // the next paged list is asked for in one page
	malformed  int  // watches in a row that could not be read, from the same version

	mu     sync.Mutex // guards what follows
	stream *stream    // the open watch, if any; only run's goroutine sets it
	hurry  bool       // the next watch is asked to say soon how far it is
}

// state is what a reflector is doing.
type state uint8

const (
	// streaming: a watch that begins with the objects that there are (KEP-3157) has been asked for,
	// and they are coming. Entered at first, and whenever the server has forgotten where the watch
	// stood. Left for watching, on the same stream, when the bookmark that ends the list comes; for
	// paging if the server does not do this; for waiting on an error.
	streaming state = iota + 1
	// paging: a list is being read, page by page. Entered instead of streaming where the server
	// does not do that. Left for watching at its end; for waiting on an error.
	paging
	// watching: changes are read. A watch that ends, as each does after some minutes, leads here
	// again at once, from where it ended; an error does so after waiting. Left for streaming or
	// paging when the server has forgotten that version.
	watching
	// waiting: something failed, and is tried again after a while: state then.
	waiting
	// stopped: the context has ended.
	stopped
)

func (s state) String() string {
	return [...]string{"idle", "streaming", "paging", "watching", "waiting", "stopped"}[s]
}

// version is at as text.
func (r *reflector) version() string { return string(r.at) }

func (r *reflector) moveTo(version string) { r.at = append(r.at[:0], version...) }

func newReflector(s *shared) *reflector {
	r := &reflector{informer: s, fifo: s.fifo, noStream: s.config.noWatchList}
	s.progress.hurry = r.hurryUp
	return r
}

// run reflects until ctx ends.
func (r *reflector) run(ctx context.Context) {
	defer r.closeStream()
	for next := r.list(); next != stopped; {
		r.enter(next)
		var err error
		switch r.state {
		case streaming:
			next, err = r.streamList(ctx)
		case paging:
			next, err = r.pageList(ctx)
		case watching:
			next, err = r.watch(ctx)
		case waiting:
			next = r.pause(ctx)
		}
		switch {
		case ctx.Err() != nil:
			next = stopped // whatever else went wrong for it
		case err != nil:
			r.closeStream()
			next = r.failed(err)
		}
	}
	r.enter(stopped)
}

func (r *reflector) enter(s state) {
	r.state = s
	r.informer.health.update(func(status *Status) { status.State = s.String() })
}

// list returns the state that lists.
func (r *reflector) list() state {
	if r.noStream {
		return paging
	}
	return streaming
}

// errNoWatchList says that a server does not do watch-list.
var errNoWatchList = errors.New("the server does not send the initial objects in a watch (watch-list)")

// failed decides where an error of the present state leads.
func (r *reflector) failed(err error) state {
	what := map[state]string{streaming: "list", paging: "list", watching: "watch"}[r.state]
	again := r.state // after waiting
	atOnce := false
	switch {
	case errors.Is(err, errNoWatchList):
		r.informer.config.logger.Debug("informer "+r.informer.String()+": listing by pages instead", "why", err)
		r.noStream = true
		return paging
	case expired(err) && r.state == watching:
		again = r.list()
		err = fmt.Errorf("resourceVersion %s expired, listing again: %w", r.version(), err)
		atOnce = r.backoff.failures == 0
	case expired(err) && r.state == paging:
		// Either the version that the list was not to be older than, or the pages took too long.
		r.mostRecent, r.whole = true, true
	case tooLarge(err):
		// The server is behind what we have seen, for a while or (its data was restored) for good.
		// A list of its present state is right in both cases.
		r.mostRecent = true
		again = r.list()
	case malformed(err) && r.state == watching:
		if r.malformed++; r.malformed >= maxMalformed {
			r.malformed = 0
			again = r.list()
			err = fmt.Errorf("the watch from resourceVersion %s cannot be read, listing again: %w", r.version(), err)
		}
	}
	r.informer.health.update(func(s *Status) { s.Failures++ })
	r.wait, r.then = r.backoff.next(err), again
	if atOnce {
		r.wait = 0
	}
	r.informer.report(fmt.Errorf("informer %s: %s: %w", r.informer, what, err))
	return waiting
}

// maxMalformed is how often a watch is tried from a version where it could not be read. What is
// wrong may be an event that a list does not have.
const maxMalformed = 3

// worked notes that the server answers.
func (r *reflector) worked() {
	r.malformed = 0
	r.informer.health.update(func(s *Status) { s.Failures = 0 })
}

// pause is the state waiting.
func (r *reflector) pause(ctx context.Context) state {
	timer := time.NewTimer(r.wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return r.then
	case <-ctx.Done():
		return stopped
	}
}

// expired says that the server has forgotten a version (410; "410 Gone responses" among the API
// concepts).
func expired(err error) bool { return apierrors.IsResourceExpired(err) || apierrors.IsGone(err) }

// tooLarge says that the server has not come to a version yet.
func tooLarge(err error) bool {
	return apierrors.HasStatusCause(err, metav1.CauseTypeResourceVersionTooLarge)
}

func malformed(err error) bool {
	var syntax *wire.SyntaxError
	return errors.As(err, &syntax)
}

// request begins a request for the resource. The reflector itself tries again, where others can see
// it, so the client does not.
func (r *reflector) request() *rest.Request {
	s := r.informer
	req := s.client.Get().GroupVersion(s.kind.GroupVersion()).Namespace(s.config.namespace).
		Resource(s.kind.Resource).Format(s.format()).MaxRetries(-1)
	if s.config.labelSelector != "" {
		req.Param("labelSelector", s.config.labelSelector)
	}
	if s.config.fieldSelector != "" {
		req.Param("fieldSelector", s.config.fieldSelector)
	}
	return req
}

func (s *shared) format() wire.Format {
	if s.kind.Protobuf && !s.config.json {
		return wire.Protobuf
	}
	return wire.JSON
}

func (r *reflector) options() wire.Options {
	s := r.informer
	return wire.Options{
		KeepManagedFields: s.config.keepManagedFields,
		Drop:              s.config.dropFields,
		APIVersion:        s.kind.APIVersion(),
		Kind:              s.kind.Kind,
		Arena:             r.fifo.arena,
	}
}
