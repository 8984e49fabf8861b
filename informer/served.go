package informer

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/wire"
)

// WhenServed makes the informer one of a resource that the server may not serve: of a
// CustomResourceDefinition that is installed later or removed, or of an aggregated API. Its stream begins
// when the resource is served, ends when it is not any more, and begins again when it is back.
//
//	widgets := informer.For[Widget](factory, informer.WhenServed())
//
// While the resource is not served:
//
//   - The informer counts as synced, so that WaitForSync, Run of a controller and the other informers
//     do not wait for it. A controller with such a source starts; the source names no keys.
//   - Reading it is a [NotServedError], which IsNotFound does not hold for, and so is WaitFor.
//     Status.State is [StateUnserved].
//   - Handlers have had a deletion, with its last state, for each object that was cached when the
//     resource went. A handler that is added now knows no object.
//
// When the resource is served (again), its list has to be complete. Then it can be read, and handlers
// get its objects, for which Item.Initial is true.
//
// Whether the resource is served is asked when a request for it is answered by 404, and then after 1 to 2
// seconds, and more seldom each time, up to every 30 to 60 seconds. The question is for the lists of
// groups and of resources (discovery), which every account may read; no right to read
// CustomResourceDefinitions is needed. Only a list that lacks the resource counts; an error does
// not. If objects are cached, a second answer must confirm it before they are deleted. If a 404 comes for a
// resource that is served, it is a fault as any other.
//
// The default, without this option: a resource that is not served is a fault, and is asked for
// again with growing pauses. Its informer is not synced, and cached objects stay.
func WhenServed() Option {
	return option(func(c *config) { c.served = &served{next: nextIfServed, unserve: unserve} })
}

// NotServedError is the error of reading an informer of [WhenServed] while the server does not serve
// its resource. It is not a NotFound.
type NotServedError struct {
	Informer string // as its String method names it
	Resource string // "widgets in example.com/v1"
}

// Error returns the informer's name and what it waits for.
func (e *NotServedError) Error() string {
	return fmt.Sprintf("informer %s: not served: the server has no %s; waiting for its "+
		"CustomResourceDefinition or APIService", e.Informer, e.Resource)
}

// served is what WhenServed sets. Its functions are fields, so that programs without the option do
// not link them.
type served struct {
	// next returns the state that follows the end of a request, nil if it is not for it to decide.
	next func(r *reflector, s state, err error) state
	// unserve empties the feed's part of the cache.
	unserve func(f *feed)
}

var errUnserved = errors.New("the server does not serve the resource")

// nextIfServed asks for the resource after a 404.
func nextIfServed(r *reflector, s state, err error) state {
	switch s.(type) {
	case *discovering, *unserved, *waiting:
		return nil
	}
	if !apierrors.IsNotFound(err) {
		return nil
	}
	return &discovering{fault: fmt.Errorf("%s: %w", s.request(), err),
		cached: len(r.known.at) > 0}
}

// discovering: a request was answered by 404, or it is time to ask again: the server is asked
// whether it serves the resource. Entered from each state that sends a request, and from unserved.
// Left for a list if it does, else for unserved.
type discovering struct {
	fault  error // of the request that was answered by 404; nil from unserved
	cached bool  // objects may be cached: the answer that there is no resource must be confirmed
	pauses int   // how many pauses of unserved there were
	served bool  // the answer; set by work
	known  bool  // there was an answer; set by work
}

func (s *discovering) String() string  { return "discovering" }
func (s *discovering) request() string { return "ask whether the resource is served" }

func (s *discovering) work(ctx context.Context, r *reflector) (err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, askTimeout, fmt.Errorf(
		"the server did not answer within %v", askTimeout))
	defer cancel()
	s.served, err = r.ask.served(ctx)
	if err != nil {
		return cause(ctx, err)
	}
	s.known = true
	r.answered()
	switch {
	case s.served && s.fault != nil:
		return s.fault
	case s.served:
		r.log.Info("informer " + r.name + ": the resource is served; next: list")
	case s.pauses == 0:
		return errUnserved // which is reported
	}
	return nil
}

// served asks for the group's versions, and for the version's resources.
func (q *requests) served(ctx context.Context) (bool, error) {
	get := func(into any, path ...string) error {
		return q.client.Get().AbsPath(path...).MaxRetries(-1).Format(wire.JSON).Do(ctx).Into(into)
	}
	root := []string{"/api"}
	if q.kind.Group != "" {
		root = []string{"/apis", q.kind.Group}
		var groups metav1.APIGroupList
		if err := get(&groups, "/apis"); err != nil {
			return false, err
		}
		if !slices.ContainsFunc(groups.Groups, func(g metav1.APIGroup) bool {
			return g.Name == q.kind.Group && slices.ContainsFunc(g.Versions,
				func(v metav1.GroupVersionForDiscovery) bool { return v.Version == q.kind.Version })
		}) {
			return false, nil
		}
	}
	var resources metav1.APIResourceList
	if err := get(&resources, append(root, q.kind.Version)...); err != nil {
		return false, err
	}
	return slices.ContainsFunc(resources.APIResources, func(r metav1.APIResource) bool {
		return r.Name == q.kind.Resource
	}), nil
}

func (s *discovering) after(_ answer, k *known) step {
	switch {
	case !s.known:
		again := *s
		return step{next: &again, pace: later}
	case s.served && s.fault != nil: // the resource is served: a fault as any other
		return step{next: k.relist(), pace: later}
	case s.served:
		k.at, k.backoff = nil, backoff{}
		return step{next: k.list(mostRecent)}
	case s.cached:
		return step{next: &discovering{}, pace: later}
	}
	return step{next: &unserved{pauses: s.pauses}}
}

// unserved: the server does not serve the resource. Entered from discovering. Left for discovering
// after a pause, which grows.
type unserved struct{ pauses int }

func (s *unserved) String() string  { return StateUnserved }
func (s *unserved) request() string { return "wait until the resource is served" }

const (
	unservedBase = time.Second
	maxUnserved  = 30 * time.Second
)

func (s *unserved) work(ctx context.Context, r *reflector) error {
	r.sink.update(func(status *Status) { // also after an outage
		status.Failures, status.FailingSince, status.Unwatchable = 0, time.Time{}, nil
	})
	if s.pauses == 0 {
		r.known.at = nil
		if err := r.sink.push(ctx, delta{kind: deltaUnserved}); err != nil {
			return err
		}
	}
	pause := min(unservedBase<<min(s.pauses, 10), maxUnserved)
	return sleep(ctx, pause+rand.N(pause), nil)
}

func (s *unserved) after(answer, *known) step {
	return step{next: &discovering{pauses: s.pauses + 1}}
}

// unserve takes in that the resource is not served. informer.turn is held.
func unserve(f *feed) {
	s := f.informer
	s.store().BeginReplace(f.scope)
	for _, last := range s.store().EndReplace(f.scope) {
		f.tell(event{kind: eventDelete, old: last})
	}
	f.listing = false
	var why error = &NotServedError{Informer: f.String(),
		Resource: s.kind.Resource + " in " + s.kind.APIVersion()}
	f.absent.Store(&why)
	f.progress.end(why)
	s.mu.Lock()
	if f.listed.Swap(false) {
		s.listed--
	}
	s.readable.Store(false)
	first := f.answer()
	s.mu.Unlock()
	s.settle() // the deletions, before what comes next
	s.mu.Lock()
	defer s.mu.Unlock()
	s.applying = true
	if first {
		for _, p := range s.processors {
			p.begin(nil, s.unanswered == 0)
		}
	}
}

// end ends all waits with an error: the cache contains nothing.
func (p *progress) end(why error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, w := range p.waiting {
		w.done <- why
	}
	p.waiting, p.hurried = nil, nil
	p.version, p.read, p.polled, p.asked, p.asks, p.due = "", "", "", "", 0, time.Time{}
	p.unversioned = false
	p.schedule()
}
