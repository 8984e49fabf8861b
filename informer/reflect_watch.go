package informer

import (
	"context"
	"errors"
	"fmt"
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
	// healthyAfter is how long a watch lives without an event until it counts as a success. One
	// that the server ends sooner, with events or without, is a failure for the backoff.
	healthyAfter = 5 * time.Second
	// shortWatch is how long a watch lasts that is to show soon how far the server is: a server
	// sends a bookmark two seconds before the end that it was asked for.
	shortWatch = 4 * time.Second
	// askTimeout bounds a question about the server's version. A server whose cache is behind
	// answers after three seconds.
	askTimeout = 10 * time.Second
)

// watchTimeout returns how long a watch is asked to last, in whole seconds.
func watchTimeout() time.Duration {
	return (minWatch + rand.N(maxWatch-minWatch)).Truncate(time.Second)
}

// stream is an open watch. One goroutine uses it; cancel may be called from any.
type stream struct {
	watch   *rest.WatchStream
	ctx     context.Context
	cancel  context.CancelCauseFunc
	sink    sink
	guard   *time.Timer // cancels it when it has outlived its time
	healthy *time.Timer // notes that it has lived for healthyAfter
	opened  time.Time
	lasts   time.Duration // as the server was asked
	events  int           // that were as they should be
	over    bool          // guarded by sink.update
}

// open opens a watch that was asked to last for a time.
func (r *reflector) open(
	ctx context.Context, req *rest.Request, lasts time.Duration,
) (*stream, error) {
	st := &stream{sink: r.sink, lasts: lasts}
	st.ctx, st.cancel = context.WithCancelCause(ctx)
	silence := time.AfterFunc(answerWithin, func() { st.cancel(errNoAnswer) })
	defer silence.Stop()
	var err error
	if st.watch, err = req.Watch(st.ctx, r.options()); err != nil {
		err = cause(st.ctx, err)
		st.cancel(nil)
		return nil, err
	}
	st.opened = time.Now()
	st.guard = time.AfterFunc(lasts+watchSlack, func() { st.cancel(errOutlived) })
	st.healthy = time.AfterFunc(healthyAfter, st.works)
	r.sink.update(func(s *Status) {
		s.Watches++
		s.AnsweredAt = time.Now()
		if s.State == "watching" { // a watch-list succeeds at its end
			s.FailingSince = time.Time{}
		}
	})
	return st, nil
}

// works notes that the server lets the resource be watched.
func (st *stream) works() {
	st.sink.update(func(s *Status) {
		if !st.over {
			s.Failures, s.Unwatchable = 0, nil
		}
	})
}

// isHealthy reports whether the watch was a success.
func (st *stream) isHealthy() bool { return st.events > 0 || st.lived() >= healthyAfter }

// next waits for the next event. The end of the watch by the server is errEnded.
func (st *stream) next() (wire.Event, error) {
	event, err := st.watch.Next()
	switch {
	case err == io.EOF:
		err = errEnded
	case err != nil:
		err = cause(st.ctx, err)
	}
	return event, err
}

// lived returns for how long the watch has been open.
func (st *stream) lived() time.Duration { return time.Since(st.opened) }

// endedAs returns how the server ended the watch.
func (st *stream) endedAs() error {
	switch lived := st.lived(); {
	case lived >= st.lasts-min(st.lasts/4, healthyAfter):
		return errEnded
	case lived >= healthyAfter:
		return errEndedEarly
	}
	return errAtOnce
}

func (st *stream) end() {
	st.guard.Stop()
	st.healthy.Stop()
	st.sink.update(func(*Status) { st.over = true })
	st.cancel(nil)
	_ = st.watch.Close()
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
	for {
		event, err := st.next()
		if err == nil {
			err = s.changed(ctx, r, event)
		}
		switch {
		case err == nil:
		case err == errEnded:
			return st.endedAs()
		default:
			if errors.Is(err, errDue) {
				s.due = r.waits.overdue(string(r.known.at))
			}
			return err
		}
	}
}

// checkEvent returns an error if an event is one, or its object has no name.
func checkEvent(event *wire.Event) error {
	switch event.Type {
	case wire.Error:
		return statusOf(*event)
	case wire.Bookmark:
		return nil
	}
	return checkName(&event.Object)
}

// changed takes in an event.
func (s *watching) changed(ctx context.Context, r *reflector, event wire.Event) error {
	if err := checkEvent(&event); err != nil {
		return err
	}
	o := event.Object
	if s.stream != nil {
		s.stream.events++
	}
	if o.Meta.ResourceVersion != "" {
		r.known.moveTo(o.Meta.ResourceVersion) // now, for what is pushed may be gone at once
		s.tries = 0
	}
	r.sink.update(func(s *Status) {
		s.Events++
		s.Failures, s.Unwatchable, s.AnsweredAt = 0, nil, time.Now()
	})
	switch event.Type {
	case wire.Added, wire.Modified:
		return r.sink.push(ctx, delta{kind: deltaSet, object: o})
	case wire.Deleted:
		return r.sink.push(ctx, delta{kind: deltaGone, object: o})
	default: // a bookmark
		return r.sink.push(ctx, delta{kind: deltaProgress, version: o.Meta.ResourceVersion})
	}
}

// work asks for one object of a list that must not be older than what has been read. Only a list of
// the resource whose version is not behind shows that the server has come there.
func (s *checking) work(ctx context.Context, r *reflector) error {
	at := string(r.known.at)
	ctx, cancel := context.WithTimeoutCause(ctx, askTimeout, fmt.Errorf(
		"the server did not answer within %v whether it has come to resourceVersion %s",
		askTimeout, at))
	defer cancel()
	version, err := r.versionOf(ctx, r.ask.check(at))
	if err == nil && r.known.isBehind(version) {
		err = errBehind
	}
	return err
}

// versionOf returns the version of a list of one object.
func (r *reflector) versionOf(ctx context.Context, req *rest.Request) (string, error) {
	list, err := req.List(ctx, r.ask.options)
	if err != nil {
		return "", cause(ctx, err)
	}
	defer func() { _ = list.Close() }()
	r.answered()
	for err == nil {
		var object wire.Object
		if object, err = list.Next(); err == nil {
			err = checkName(&object)
		}
	}
	if err != io.EOF {
		return "", cause(ctx, err)
	}
	if version := list.Meta().ResourceVersion; version != "" {
		return version, nil
	}
	return "", &malformedError{"the server did not tell its version"}
}

// work asks the server to come to a version. If that fails, the watch that follows shows how far
// the server is all the same, and progress asks again. If questions bring nothing, it asks nothing:
// a list takes their place.
//
// If the server has not come there, and its data was restored from a backup once, the version may
// be of before the restore. Then the server is asked for its newest version. Who had begun to wait
// for a later one before that waits in vain.
func (s *asking) work(ctx context.Context, r *reflector) error {
	if s.list = r.waits.useless(); s.list {
		r.waits.wasAsked(s.version)
		return nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, askTimeout, fmt.Errorf(
		"the server did not answer within %v", askTimeout))
	defer cancel()
	doubtful := r.waits.doubtful()
	err := r.ask.comeTo(s.version).Do(ctx).Error()
	r.waits.wasAsked(s.version)
	if err == nil {
		return nil
	}
	err = cause(ctx, err)
	r.log.Debug("informer "+r.name+": ask the server to come to a version",
		"resourceVersion", s.version, "err", r.ask.client.Redact(err))
	if len(doubtful) > 0 && answerOf(err) == tooLarge {
		newest, err := r.versionOf(ctx, r.ask.newest())
		if err != nil {
			r.log.Debug("informer "+r.name+": ask the server for its newest version",
				"err", r.ask.client.Redact(err))
		} else {
			r.waits.lose(doubtful, newest)
		}
	}
	return err
}
