package informer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/skiff-k8s/skiff/rest"
	"github.com/skiff-k8s/skiff/wire"
)

const (
	// A watch is asked to last for five to ten minutes: long enough to cost nothing, short enough
	// that watches spread over the servers again after one was away.
	minWatch = 5 * time.Minute
	maxWatch = 10 * time.Minute
	// watchSlack is how much longer than that it may last before it is cut from here, because the
	// server's end of it did not come.
	watchSlack = 30 * time.Second
	// tooShort is how soon a watch must not end without having said anything.
	tooShort = time.Second
	// hurriedWatch is how long a watch lasts that is to say soon how far it is: a server sends a
	// bookmark two seconds before the end that it was asked for.
	hurriedWatch = 4 * time.Second
	// probeTimeout bounds asking the server to come to a version.
	probeTimeout = 10 * time.Second
)

var (
	errOutlived = errors.New("the watch outlived its time")
	errHurry    = errors.New("a watch that hurries takes its place")
)

func watchTimeout() time.Duration { return minWatch + rand.N(maxWatch-minWatch) }

// stream is an open watch.
type stream struct {
	*rest.WatchStream
	ctx    context.Context
	cancel context.CancelCauseFunc
	guard  *time.Timer
	opened time.Time
	events int

	changes atomic.Bool // its list is over, so that it may be ended at any event
}

// open opens a watch that lasts for a time.
func (r *reflector) open(ctx context.Context, req *rest.Request, lasts time.Duration) (*stream, error) {
	st := &stream{opened: time.Now()}
	st.ctx, st.cancel = context.WithCancelCause(ctx)
	st.guard = time.AfterFunc(lasts+watchSlack, func() { st.cancel(errOutlived) })
	req.Param("timeoutSeconds", strconv.Itoa(int(lasts/time.Second)))
	var err error
	if st.WatchStream, err = req.Watch(st.ctx, r.options()); err != nil {
		err = cause(st.ctx, err)
		st.end()
		return nil, err
	}
	r.informer.health.update(func(s *Status) { s.Watches++ })
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stream = st
	return st, nil
}

// next waits for the next event.
func (st *stream) next() (wire.Event, error) {
	event, err := st.Next()
	if err != nil && err != io.EOF {
		err = cause(st.ctx, err)
	}
	st.events++
	return event, err
}

func (st *stream) end() {
	st.guard.Stop()
	st.cancel(nil)
	if st.WatchStream != nil {
		_ = st.Close()
	}
}

// closeStream closes the watch that is open, if any.
func (r *reflector) closeStream() {
	r.mu.Lock()
	st := r.stream
	r.stream = nil
	r.mu.Unlock()
	if st == nil {
		return
	}
	if time.Since(st.opened) >= stableAfter {
		r.backoff.reset()
	}
	st.end()
}

// watch is the state watching.
func (r *reflector) watch(ctx context.Context) (state, error) {
	st := r.stream // from streaming
	if st == nil {
		lasts := watchTimeout()
		if r.takeHurry() {
			r.askForVersion(ctx)
			lasts = hurriedWatch
		}
		var err error
		st, err = r.open(ctx, r.request().
			Param("resourceVersion", r.version()).
			Param("allowWatchBookmarks", "true"), lasts)
		if err != nil {
			return 0, err
		}
	}
	began := st.events
	st.changes.Store(true)
	for {
		event, err := st.next()
		switch {
		case err == nil:
			if err := r.changed(ctx, event); err != nil {
				return 0, err
			}
		case errors.Is(err, errHurry), errors.Is(err, errOutlived):
			r.closeStream()
			return watching, nil
		case err == io.EOF:
			if st.events == began+1 && time.Since(st.opened) < tooShort {
				return 0, fmt.Errorf("the server ended it at once, without an event: %w", io.ErrUnexpectedEOF)
			}
			r.worked()
			r.closeStream()
			return watching, nil
		default:
			return 0, err
		}
	}
}

// changed takes in an event.
func (r *reflector) changed(ctx context.Context, event wire.Event) error {
	if event.Type == wire.Error {
		return statusOf(event)
	}
	o := event.Object
	if err := named(&o); err != nil && event.Type != wire.Bookmark {
		return err
	}
	if o.Meta.ResourceVersion != "" {
		r.moveTo(o.Meta.ResourceVersion) // now, for what is pushed may be gone at once
		r.noteEvent()
	}
	switch event.Type {
	case wire.Added, wire.Modified:
		return r.push(ctx, deltaSet, o)
	case wire.Deleted:
		return r.push(ctx, deltaGone, o)
	default: // a bookmark
		return r.fifo.push(ctx, delta{kind: deltaProgress, version: o.Meta.ResourceVersion})
	}
}

func (r *reflector) noteEvent() {
	r.malformed = 0
	r.informer.health.update(func(s *Status) { s.Events++; s.Failures = 0 })
}

// hurryUp has the reflector find out how far the server is, because somebody has been waiting for a
// version whose event does not come: the watch ends and another one begins that soon sends a
// bookmark. It is called by a timer.
func (r *reflector) hurryUp() {
	if r.informer.progress.overdue() == "" {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hurry = true
	if r.stream != nil && r.stream.changes.Load() {
		r.stream.cancel(errHurry)
	}
}

func (r *reflector) takeHurry() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	hurry := r.hurry
	r.hurry = false
	return hurry
}

// askForVersion lets the server's cache of the resource come to the version that is waited for: it
// would say how far it is, but while the resource is idle it is not much further than the last
// change. A list that must not be older than a version makes it ask etcd; one of a name that no
// object has is empty.
func (r *reflector) askForVersion(ctx context.Context) {
	version := r.informer.progress.overdue()
	if version == "" {
		return
	}
	defer r.informer.progress.giveUp() // or until somebody asks again
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	s := r.informer
	err := s.client.Get().GroupVersion(s.kind.GroupVersion()).Namespace(s.config.namespace).
		Resource(s.kind.Resource).MaxRetries(-1).
		Param("fieldSelector", "metadata.name=-").
		Param("resourceVersion", version).Param("resourceVersionMatch", "NotOlderThan").
		Do(ctx).Error()
	if err != nil {
		s.config.logger.Debug("informer "+s.String()+": asking the server to come to a version", "resourceVersion", version, "err", err)
	}
}
