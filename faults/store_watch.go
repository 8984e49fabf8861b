package faults

import (
	"fmt"
	"net/http"
	"strconv"
	"time"
)

const (
	// watchLasts is how long a watch is open that does not say it.
	watchLasts = 30 * time.Minute
	// bookmarkEvery is how often a watch gets a bookmark that allows them; one more comes
	// bookmarkBefore its end. Both are a real server's.
	bookmarkEvery  = time.Minute
	bookmarkBefore = 2 * time.Second
)

// watching is an open watch.
type watching struct {
	*call
	selection
	at        uint64 // the version up to which everything is sent
	bookmarks bool
}

// watch answers with a watch, by the rules of the API concepts page: "Efficient detection of changes",
// "Watch bookmarks", "Streaming lists".
func (c *call) watch() error {
	s, err := c.selection()
	if err != nil {
		return err
	}
	q := c.r.URL.Query()
	w := &watching{call: c, selection: s, bookmarks: q.Get("allowWatchBookmarks") == "true"}
	if w.at, err = parseVersion(q.Get("resourceVersion")); err != nil {
		return fail(http.StatusInternalServerError, err.Error(), Reason("")) // so does a real one
	}
	initial := q.Get("sendInitialEvents") == "true"
	switch match := q.Get("resourceVersionMatch"); {
	case initial && match == "":
		return invalidOptions(forbidden, "resourceVersionMatch must be NotOlderThan when sendInitialEvents is set")
	case match != "" && !q.Has("sendInitialEvents"):
		return invalidOptions(forbidden, "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided")
	case match != "" && match != "NotOlderThan":
		text := "resourceVersionMatch: supported values: \"NotOlderThan\""
		return invalidOptions(forbidden, text, Cause(unsupported, text))
	}
	lasts := watchLasts
	if seconds, err := strconv.Atoi(q.Get("timeoutSeconds")); err == nil && seconds > 0 {
		lasts = time.Duration(seconds) * time.Second
	}
	c.w.Header().Set("Content-Type", "application/json")
	c.w.WriteHeader(http.StatusOK)
	flush(c.w)
	return w.run(lasts, initial, initial || w.at == 0)
}

// run sends events until the watch ends. Its errors are events.
func (w *watching) run(lasts time.Duration, initial, all bool) error {
	if initial {
		if err := w.waitFor(w.at); err != nil {
			return w.send(errorEvent(err))
		}
	}
	w.store.mu.Lock()
	era := w.store.era
	var objects []*object
	if all {
		objects = w.store.at(w.in, w.store.version)
		w.at = w.store.version
	}
	w.store.mu.Unlock()
	for _, o := range objects {
		if w.has(o) {
			if err := w.send(eventLine("ADDED", o.json)); err != nil {
				return nil
			}
		}
	}
	if initial && w.bookmarks {
		if err := w.bookmark(`,"annotations":{"k8s.io/initial-events-end":"true"}`); err != nil {
			return nil
		}
	}
	end := time.NewTimer(lasts)
	defer end.Stop()
	goodbye := time.NewTimer(lasts - bookmarkBefore)
	defer goodbye.Stop()
	if lasts <= bookmarkBefore {
		goodbye.Stop()
	}
	often := time.NewTicker(bookmarkEvery)
	defer often.Stop()
	for {
		events, changed := w.news()
		for _, e := range events {
			if err := w.send(e); err != nil {
				return nil
			}
		}
		if changed == nil {
			return nil
		}
		select {
		case <-changed:
			continue
		case <-often.C:
		case <-goodbye.C:
		case <-end.C:
			return nil
		case <-era:
			return nil
		case <-w.r.Context().Done():
			return nil
		}
		if w.bookmarks {
			if err := w.bookmark(""); err != nil {
				return nil
			}
		}
	}
}

// news returns the events since the last call, and a channel that is closed when there are more; it is
// nil if the watch has to end.
func (w *watching) news() (events [][]byte, changed chan struct{}) {
	w.store.mu.Lock()
	defer w.store.mu.Unlock()
	if w.at < w.store.oldest {
		return [][]byte{errorEvent(fail(http.StatusGone,
			fmt.Sprintf("too old resource version: %d (%d)", w.at, w.store.oldest)))}, nil
	}
	for _, step := range w.store.since(w.in, w.at) {
		switch was, is := w.has(step.before), w.has(step.after); {
		case is && !was:
			events = append(events, eventLine("ADDED", step.after.json))
		case is:
			events = append(events, eventLine("MODIFIED", step.after.json))
		case was && step.after == nil:
			events = append(events, eventLine("DELETED", step.last))
		case was: // it is no longer selected
			last := step.before.thaw()
			last.setMeta("resourceVersion", format(step.version))
			events = append(events, eventLine("DELETED", mustJSON(last)))
		}
	}
	w.at = max(w.at, w.store.version)
	return events, w.store.changed
}

// since returns the changes of a collection after a version. s.mu is held.
func (s *Store) since(c collection, version uint64) []change {
	history := s.history[c]
	i := len(history)
	for i > 0 && history[i-1].version > version {
		i--
	}
	return history[i:]
}

func (w *watching) send(event []byte) error {
	if _, err := w.w.Write(event); err != nil {
		return err
	}
	return http.NewResponseController(w.w).Flush()
}

func (w *watching) bookmark(more string) error {
	return w.send(eventLine("BOOKMARK", fmt.Appendf(nil, `{"kind":%q,"apiVersion":%q,"metadata":{"resourceVersion":%q%s}}`,
		w.kind.Kind, w.kind.APIVersion(), format(w.at), more)))
}

// errorEvent returns a failure as an event.
func errorEvent(err error) []byte {
	f := err.(*failure)
	s, _ := newStatus(f.code, f.options...)
	return eventLine("ERROR", mustJSON(s))
}
