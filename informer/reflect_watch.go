package informer

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
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
	// tooShort is how soon a watch must not end without an event.
	tooShort = time.Second
	// shortWatch is how long a watch lasts that is to show soon how far the server is: a server
	// sends a bookmark two seconds before the end that it was asked for.
	shortWatch = 4 * time.Second
	// askTimeout bounds asking the server to come to a version.
	askTimeout = 10 * time.Second
)

func watchTimeout() time.Duration { return minWatch + rand.N(maxWatch-minWatch) }

// stream is an open watch. One goroutine uses it; cancel may be called from any.
type stream struct {
	watch  *rest.WatchStream
	ctx    context.Context
	cancel context.CancelCauseFunc
	guard  *time.Timer // cancels it when it has outlived its time
	opened time.Time
	events int
}

// open opens a watch that was asked to last for a time.
func (r *reflector) open(
	ctx context.Context, req *rest.Request, lasts time.Duration,
) (*stream, error) {
	st := &stream{opened: time.Now()}
	st.ctx, st.cancel = context.WithCancelCause(ctx)
	st.guard = time.AfterFunc(lasts+watchSlack, func() { st.cancel(errOutlived) })
	var err error
	if st.watch, err = req.Watch(st.ctx, r.options()); err != nil {
		err = cause(st.ctx, err)
		st.end()
		return nil, err
	}
	r.sink.update(func(s *Status) { s.Watches++; s.AnsweredAt = time.Now() })
	return st, nil
}

// next waits for the next event. The end of the watch by the server is errEnded.
func (st *stream) next() (wire.Event, error) {
	event, err := st.watch.Next()
	switch {
	case err == nil:
		st.events++
	case err == io.EOF:
		err = errEnded
	default:
		err = cause(st.ctx, err)
	}
	return event, err
}

// lived returns for how long the watch has been open.
func (st *stream) lived() time.Duration { return time.Since(st.opened) }

func (st *stream) end() {
	st.guard.Stop()
	st.cancel(nil)
	if st.watch != nil {
		_ = st.watch.Close()
	}
}

// work reads changes until the watch ends.
func (s *watching) work(ctx context.Context, r *reflector) (err error) {
	if s.stream == nil {
		if s.due = r.waits.overdue(string(r.known.at)); s.due != "" {
			return errDue
		}
		lasts := watchTimeout()
		if s.short {
			lasts = shortWatch
		}
		s.stream, err = r.open(ctx, r.ask.watch(string(r.known.at), lasts), lasts)
		if err != nil {
			return err
		}
	}
	st := s.stream
	if s.due = r.waits.watch(string(r.known.at), func() { st.cancel(errDue) }); s.due != "" {
		return errDue
	}
	defer r.waits.unwatch()
	before := st.events
	for {
		event, err := st.next()
		switch {
		case err == nil:
			if err := s.changed(ctx, r, event); err != nil {
				return err
			}
		case err == errEnded:
			if st.events == before && st.lived() < tooShort {
				return errEndedAtOnce
			}
			r.worked()
			return err
		default:
			if errors.Is(err, errDue) {
				s.due = r.waits.overdue(string(r.known.at))
			}
			return err
		}
	}
}

// changed takes in an event.
func (s *watching) changed(ctx context.Context, r *reflector, event wire.Event) error {
	if event.Type == wire.Error {
		return statusOf(event)
	}
	o := event.Object
	if event.Type != wire.Bookmark {
		if err := named(&o); err != nil {
			return err
		}
	}
	if o.Meta.ResourceVersion != "" {
		r.known.moveTo(o.Meta.ResourceVersion) // now, for what is pushed may be gone at once
		s.unreadable = 0
		r.sink.update(func(s *Status) { s.Events++; s.Failures, s.AnsweredAt = 0, time.Now() })
	}
	switch event.Type {
	case wire.Added, wire.Modified:
		return r.push(ctx, deltaSet, o)
	case wire.Deleted:
		return r.push(ctx, deltaGone, o)
	default: // a bookmark
		return r.sink.push(ctx, delta{kind: deltaProgress, version: o.Meta.ResourceVersion})
	}
}

// work asks the server to come to a version. If that fails, the watch that follows shows how far
// the server is all the same, and progress asks again. If questions bring nothing, it asks nothing:
// a list takes their place.
func (s *asking) work(ctx context.Context, r *reflector) error {
	if s.list = r.waits.useless(); s.list {
		r.waits.wasAsked(s.version)
		return nil
	}
	ask, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	if err := r.ask.comeTo(s.version).Do(ask).Error(); err != nil {
		r.log.Debug("informer "+r.name+": ask the server to come to a version",
			"resourceVersion", s.version, "err", err)
	}
	r.waits.wasAsked(s.version)
	return nil
}
