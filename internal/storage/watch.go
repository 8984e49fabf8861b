package storage

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	// watchLasts is how long a watch is open that does not say it.
	watchLasts = 30 * time.Minute
	// bookmarkEvery is how often a watch gets a bookmark that allows them; one more comes
	// bookmarkBefore its end. Both are a real server's.
	bookmarkEvery  = time.Minute
	bookmarkBefore = 2 * time.Second
)

// WatchOptions are the parameters of a watch.
type WatchOptions struct {
	from      uint64 // the version up to which everything is known
	initial   bool   // sendInitialEvents
	bookmarks bool
	lasts     time.Duration
}

// ParseWatch returns the parameters of a watch. Its errors are failed Statuses.
func ParseWatch(q url.Values) (o WatchOptions, err error) {
	o = WatchOptions{bookmarks: isTrue(q.Get("allowWatchBookmarks")), lasts: watchLasts,
		initial: isTrue(q.Get("sendInitialEvents"))}
	if err := CheckVersion(q.Get("resourceVersion")); err != nil {
		return o, err
	}
	o.from, _ = parseVersion(q.Get("resourceVersion"))
	if err := validate(q); err != nil {
		return o, err
	}
	if seconds, err := strconv.Atoi(q.Get("timeoutSeconds")); err == nil && seconds > 0 {
		o.lasts = time.Duration(seconds) * time.Second
	}
	return o, nil
}

// EventType is the type of an event of a watch.
type EventType string

// The types of events.
const (
	Added    EventType = "ADDED"
	Modified EventType = "MODIFIED"
	Deleted  EventType = "DELETED"
	Bookmark EventType = "BOOKMARK"
	Failed   EventType = "ERROR"
)

// Event is an event of a watch.
type Event struct {
	Type    EventType
	Object  *Object        // of Added, Modified and Deleted
	Version string         // of a Bookmark
	Initial bool           // of a Bookmark: the initial objects of a watch-list are complete
	Status  *metav1.Status // of Failed
}

// watching is an open watch.
type watching struct {
	WatchOptions
	store *Store
	in    Collection
	sel   Selection
	send  func(...Event) error
	at    uint64 // the version up to which everything is sent
}

// Watch calls send with the events of the objects that are selected, some at once, until the watch ends,
// ctx ends, or send returns an error. Its own errors are events.
func (s *Store) Watch(ctx context.Context, c Collection, sel Selection, o WatchOptions, send func(...Event) error) {
	w := &watching{WatchOptions: o, store: s, in: c, sel: sel, send: send, at: o.from}
	if o.initial {
		if err := s.waitFor(ctx, o.from); err != nil {
			_ = send(failed(err))
			return
		}
	}
	s.mu.Lock()
	era := s.era
	if s.ends[c] == nil {
		s.ends[c] = make(chan struct{})
	}
	over := s.ends[c]
	var objects []*Object
	if o.initial || o.from == 0 {
		objects = s.at(c, s.version)
		w.at = s.version
	}
	s.mu.Unlock()
	for _, o := range objects {
		if sel.Selects(o) && send(Event{Type: Added, Object: o}) != nil {
			return
		}
	}
	if o.initial && o.bookmarks && send(Event{Type: Bookmark, Version: format(w.at), Initial: true}) != nil {
		return
	}
	w.follow(ctx, era, over)
}

// follow sends what changes until the watch ends.
func (w *watching) follow(ctx context.Context, era, over chan struct{}) {
	end := time.NewTimer(w.lasts)
	defer end.Stop()
	goodbye := time.NewTimer(w.lasts - bookmarkBefore)
	defer goodbye.Stop()
	if w.lasts <= bookmarkBefore {
		goodbye.Stop()
	}
	often := time.NewTicker(bookmarkEvery)
	defer often.Stop()
	for {
		events, changed := w.news()
		if len(events) > 0 && w.send(events...) != nil || changed == nil {
			return
		}
		select {
		case <-changed:
			continue
		case <-often.C:
		case <-goodbye.C:
		case <-end.C:
			return
		case <-era:
			return
		case <-over:
			return
		case <-ctx.Done():
			return
		}
		if w.bookmarks && w.send(Event{Type: Bookmark, Version: format(w.at)}) != nil {
			return
		}
	}
}

// news returns the events since the last call, and a channel that is closed when there are more; it is
// nil if the watch has to end.
func (w *watching) news() (events []Event, changed chan struct{}) {
	w.store.mu.Lock()
	defer w.store.mu.Unlock()
	if w.at < w.store.oldest {
		return []Event{failed(gone(
			fmt.Sprintf("too old resource version: %d (%d)", w.at, w.store.oldest)))}, nil
	}
	for _, step := range w.store.since(w.in, w.at) {
		switch was, is := w.sel.Selects(step.before), w.sel.Selects(step.after); {
		case is && !was:
			events = append(events, Event{Type: Added, Object: step.after})
		case is:
			events = append(events, Event{Type: Modified, Object: step.after})
		case was && step.after == nil:
			events = append(events, Event{Type: Deleted, Object: step.last})
		case was: // it is no longer selected
			last := step.before.Thaw()
			last.SetMeta("resourceVersion", format(step.version))
			events = append(events, Event{Type: Deleted, Object: last.Freeze()})
		}
	}
	w.at = max(w.at, w.store.version)
	return events, w.store.changed
}

// failed returns an error of this package as an event.
func failed(err error) Event {
	return Event{Type: Failed, Status: &err.(*apierrors.StatusError).ErrStatus}
}
