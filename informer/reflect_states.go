package informer

import (
	"context"
	"fmt"
	"time"
)

// state is what a reflector is doing, with the data of doing it.
type state interface {
	// String returns the state's name, for Status.State.
	String() string
	// request returns the kind of request that the state sends, for errors.
	request() string
	// work does what the state is for. It returns nil if that is complete, else why it ended.
	work(ctx context.Context, r *reflector) error
	// after returns where an answer leads.
	after(a answer, k *known) step
}

// step is an edge of the machine.
type step struct {
	next state
	pace pace
	why  string // what the edge means, to be put before the error; may be empty
}

// pace is when the next state is entered.
type pace uint8

const (
	now     pace = iota // nothing failed that a pause would help
	onceNow             // a failure: at once if it is the first one in a row, else after a pause
	later               // a failure: after a pause, which grows
)

const (
	// maxCutShort is how many watch-lists in a row may end before their bookmark until the server
	// is taken not to do them.
	maxCutShort = 3
	// maxUnreadable is how often a watch is tried from a version where it could not be read. What
	// is wrong may be an event that a list does not have.
	maxUnreadable = 3
)

// streaming: a watch that begins with the objects that exist (watch-list, KEP-3157) has been asked
// for, and they are coming. Entered at first, and whenever the server has forgotten the version of
// the watch. Left for watching, with the same stream, when the bookmark that ends the list comes.
type streaming struct {
	cutShort int     // how many in a row ended before their bookmark
	instead  *paging // the list in pages that takes its place if the server does not do watch-list
	stream   *stream // opened by work
}

func (s *streaming) String() string  { return "streaming" }
func (s *streaming) request() string { return "list" }

func (s *streaming) after(a answer, k *known) step {
	again := &streaming{cutShort: s.cutShort, instead: s.instead}
	switch a {
	case complete:
		return step{next: &watching{stream: s.stream}}
	case refused:
		k.noStream = true
		return step{next: s.instead, why: "the server refuses a watch-list"}
	case silent:
		k.noStream = true
		return step{next: s.instead, why: fmt.Sprintf("no bookmark came within %s", endSilence)}
	case ended:
		if again.cutShort++; again.cutShort >= maxCutShort {
			k.noStream = true
			return step{next: s.instead,
				why: fmt.Sprintf("the server ended the watch %d times before the bookmark",
					maxCutShort)}
		}
		return step{next: again, pace: later,
			why: "the server ended the list before it was complete"}
	case tooLarge:
		again.instead = &paging{from: mostRecent}
	}
	return step{next: again, pace: later}
}

// What paging.from may be beside a version.
const (
	anyState   = "0" // any state that the server has
	mostRecent = ""  // the most recent state, at any price
)

// paging: a list is being read, page by page. Entered instead of streaming where the server does
// not do that. Left for watching at its end.
type paging struct {
	from  string // the version that the list must not be older than, or one of the constants above
	whole bool   // it is asked for in one page
}

func (s *paging) String() string  { return "paging" }
func (s *paging) request() string { return "list" }

func (s *paging) after(a answer, _ *known) step {
	switch a {
	case complete:
		return step{next: &watching{}}
	case expired:
		// Either the version that the list was not to be older than, or the pages took too long.
		return step{next: &paging{from: mostRecent, whole: true}, pace: later}
	case tooLarge:
		// The server is behind what has been read, for a while or (its data was restored) for good.
		// A list of its present state is right in both cases.
		return step{next: &paging{from: mostRecent, whole: s.whole}, pace: later}
	}
	return step{next: s, pace: later}
}

// watching: changes are read, from known.at on. Entered after a list. A watch that ends, as each
// does after some minutes, leads here again at once. Left for a list when the server has forgotten
// that version; for asking when somebody waits for a version that does not come.
type watching struct {
	stream     *stream // nil: to be opened; else the list has come on it already
	short      bool    // the watch is asked to end soon, because the server sends a bookmark before
	unreadable int     // how many in a row could not be read, without an event between
	due        string  // the version to ask for, of the answer due; set by work
}

func (s *watching) String() string  { return "watching" }
func (s *watching) request() string { return "watch" }

func (s *watching) after(a answer, k *known) step {
	again := &watching{unreadable: s.unreadable}
	switch a {
	case ended:
		return step{next: &watching{}}
	case outlived:
		return step{next: again}
	case due:
		if s.due == "" { // it came meanwhile
			return step{next: again}
		}
		return step{next: &asking{version: s.due, unreadable: s.unreadable}}
	case expired:
		return step{next: k.list(k.oldest()), pace: onceNow,
			why: fmt.Sprintf("resourceVersion %s expired, listing again", k.at)}
	case tooLarge:
		return step{next: k.list(mostRecent), pace: later}
	case unreadable:
		if again.unreadable++; again.unreadable >= maxUnreadable {
			return step{next: k.list(k.oldest()), pace: later,
				why: fmt.Sprintf("the watch from resourceVersion %s cannot be read, listing again",
					k.at)}
		}
	}
	return step{next: again, pace: later}
}

// asking: the server is asked to come to a version that somebody waits for and that has no event.
// Entered from watching only. Left for a short watch, whatever the answer is: its bookmark shows
// how far the server is. Left for a list if the server sends no bookmarks.
type asking struct {
	version    string
	unreadable int  // kept for watching
	list       bool // questions bring nothing; set by work
}

func (s *asking) String() string  { return "asking" }
func (s *asking) request() string { return "ask for a version" }

func (s *asking) after(_ answer, k *known) step {
	if s.list {
		return step{next: k.list(mostRecent)}
	}
	return step{next: &watching{short: true, unreadable: s.unreadable}}
}

// waiting: a request failed. Left for the state then when the pause is over.
type waiting struct {
	why   error
	pause time.Duration
	then  state
}

func (s *waiting) String() string  { return "waiting" }
func (s *waiting) request() string { return "wait" }

func (s *waiting) work(ctx context.Context, r *reflector) error {
	r.sink.report(s.why)
	timer := time.NewTimer(s.pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (s *waiting) after(answer, *known) step { return step{next: s.then} }

// streamOf returns the open watch that a state holds, or nil.
func streamOf(s state) *stream {
	switch s := s.(type) {
	case *streaming:
		return s.stream
	case *watching:
		return s.stream
	}
	return nil
}
