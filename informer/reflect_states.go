package informer

import (
	"context"
	"time"
)

// state is what a reflector is doing, with the data of doing it.
type state interface {
	// String returns the state's name, for Status.State.
	String() string
	// request returns the name of the request that the state sends, for errors.
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
}

// pace is when the next state is entered.
type pace uint8

const (
	now     pace = iota // nothing failed that a pause would help
	onceNow             // a failure: at once if that was not done within a minute, else later
	later               // a failure: after a pause, which grows
)

const (
	// maxCutShort is how many watch-lists in a row may end before their bookmark until the server
	// is taken not to do them.
	maxCutShort = 3
	// maxTries is how many watches in a row from one version may fail before a list takes their
	// place, and how many pages may break off before smaller ones are asked for.
	maxTries = 5
	// maxRefusals is how many watches in a row a server may refuse, with lists and growing pauses
	// between them, until the resource is taken not to be watchable: after half a minute.
	maxRefusals = 6
	// noStreamFor is how long no watch-list is asked for after the server was found not to do it.
	noStreamFor = 30 * time.Minute
)

// streaming: a watch that begins with the objects that exist (watch-list, KEP-3157) has been asked
// for, and they are coming. Entered at first, and whenever a list is needed. Left for watching, with
// the same stream, when the bookmark that ends the list comes.
type streaming struct {
	cutShort int     // how many in a row ended before their bookmark
	instead  *paging // the list in pages that takes its place if the server does not do watch-list
	stream   *stream // set by work when the watch has begun
}

func (s *streaming) String() string  { return "streaming" }
func (s *streaming) request() string { return "list by a watch" }

func (s *streaming) after(a answer, k *known) step {
	again := &streaming{cutShort: s.cutShort, instead: s.instead}
	switch a {
	case complete:
		return step{next: &watching{stream: s.stream}}
	case versionless:
		return step{next: &polling{why: errVersionless}}
	case ended, unanswered:
		if s.stream == nil {
			return step{next: again, pace: later}
		}
		if again.cutShort++; again.cutShort < maxCutShort {
			return step{next: again, pace: later}
		}
	case busy, tooLarge, unauthorized:
		return step{next: again, pace: later}
	case expired:
		return step{next: &paging{from: mostRecent, expired: true}}
	}
	k.noStreamUntil = time.Now().Add(noStreamFor)
	return step{next: s.instead}
}

// What paging.from may be beside a version.
const (
	anyState   = "0" // any state that the server has
	mostRecent = ""  // the most recent state, at any price
)

// paging: a list is being read, page by page. Entered instead of streaming where the server does
// not do that. Left for watching at its end. A list that fails is asked for again in a simpler way.
type paging struct {
	from    string // the version that the list must not be older than, or a constant above
	whole   bool   // it is asked for in one page
	expired bool   // an attempt was answered by 410
	behind  bool   // the last attempt was answered by "too large"
	broken  int    // how many attempts in a row broke off
	opened  bool   // an answer has begun; set by work
}

func (s *paging) String() string  { return "paging" }
func (s *paging) request() string { return "list" }

func (s *paging) after(a answer, k *known) step {
	again := &paging{from: s.from, whole: s.whole, expired: s.expired}
	switch a {
	case complete:
		return step{next: &watching{}}
	case versionless:
		return step{next: &polling{why: errVersionless}}
	case unanswered:
		if again.broken = s.broken; s.opened {
			again.broken++
		}
		if again.broken >= maxTries { // what is too long for the connection may pass in pages
			again = &paging{from: mostRecent}
		}
	case busy, unauthorized:
	case tooLarge:
		// The server is behind what has been read: for a while, or for good if its data was
		// restored. A list of its present state is right in both cases.
		if again.behind = !s.behind; s.behind {
			again.from = mostRecent
		}
	case expired:
		// Either the version that the list was not to be older than, or the pages took too long.
		again.from, again.expired = mostRecent, true
		if !s.expired {
			return step{next: again}
		}
		again.whole = true
	default:
		if s.whole {
			again.from = mostRecent
		}
		if again.whole = true; k.mayStream() {
			return step{next: &streaming{instead: again}, pace: later}
		}
	}
	return step{next: again, pace: later}
}

// watching: changes are coming. Entered after a list, and again from where the last watch ended.
// known.at is the version that it goes on from.
type watching struct {
	stream *stream // the stream to go on with; nil means to open one. Set by work.
	short  bool    // the watch is asked to end soon, because the server sends a bookmark before
	tries  int     // how many in a row from this version failed
	due    string  // the version to ask for, of the answer due; set by work
}

func (s *watching) String() string  { return "watching" }
func (s *watching) request() string { return "watch" }

func (s *watching) after(a answer, k *known) step {
	if s.stream != nil && s.stream.isHealthy() {
		k.refusals = 0
	}
	switch a {
	case ended:
		return step{next: &watching{}}
	case endedEarly, outlived:
		return step{next: &checking{tries: s.tries}}
	case due:
		if s.due == "" { // it came meanwhile
			return step{next: &watching{tries: s.tries}}
		}
		return step{next: &asking{version: s.due, tries: s.tries}}
	case unanswered, endedAtOnce:
		return (&checking{tries: s.tries}).again(k)
	case tooLarge:
		if s.tries+1 >= maxTries {
			return step{next: k.list(mostRecent), pace: later}
		}
		return step{next: &checking{tries: s.tries + 1}, pace: later}
	case busy, unauthorized: // the server may be another one after the pause
		return step{next: &checking{tries: s.tries}, pace: later}
	case expired:
		return step{next: k.relist(), pace: onceNow}
	}
	if k.refusals++; k.refusals >= maxRefusals {
		return step{next: &polling{}}
	}
	return step{next: k.relist(), pace: later}
}

// checking: a watch broke off or was put off, and the server is asked whether it has come to the
// version from which the watch is to go on. Entered from watching. Left for watching if it has.
//
// If the server's data was restored from a backup, it has not: a watch from a version that the
// server has not come to yet would wait in silence (kubernetes/kubernetes#107457).
type checking struct {
	tries int  // kept for watching, and counted on
	short bool // kept for watching
}

func (s *checking) String() string  { return "checking" }
func (s *checking) request() string { return "check the server's version" }

func (s *checking) after(a answer, k *known) step {
	switch a {
	case complete:
		return step{next: &watching{tries: s.tries, short: s.short}}
	case tooLarge:
		return step{next: k.list(mostRecent)}
	case unanswered:
		return s.again(k)
	case busy, unauthorized:
		return step{next: &checking{tries: s.tries}, pace: later}
	case expired:
		return step{next: k.relist(), pace: onceNow}
	}
	return step{next: k.relist(), pace: later}
}

// again returns the step after one more failure from one version.
func (s *checking) again(k *known) step {
	if s.tries+1 >= maxTries {
		return step{next: k.relist(), pace: later}
	}
	return step{next: &checking{tries: s.tries + 1}, pace: later}
}

// asking: the server is asked to come to a version that somebody waits for and that has no event.
// Entered from watching only. Left for a short watch: its bookmark shows how far the server is. If
// the server is behind that version, it may be behind the cache too, and checking is next. If the
// server sends no bookmarks, a list is next.
type asking struct {
	version string
	tries   int  // kept for watching
	list    bool // questions bring nothing; set by work
}

func (s *asking) String() string  { return "asking" }
func (s *asking) request() string { return "ask for a version" }

func (s *asking) after(a answer, k *known) step {
	if s.list {
		return step{next: k.list(mostRecent)}
	}
	if a == tooLarge {
		return step{next: &checking{tries: s.tries, short: true}}
	}
	return step{next: &watching{short: true, tries: s.tries}}
}

// polling: the resource can be listed and not watched, and the time of the next list is waited for.
// Entered after a list without a resourceVersion, and when the server refused every watch. Left for
// a list of the most recent state. After that list, a watch is tried again.
//
// After a list without a resourceVersion no watch is tried. Without a version, a watch begins with
// a state of its own: it does not tell what was deleted between the list and that state.
type polling struct {
	why error // why the resource cannot be watched; set by the machine if the answer says it
}

func (s *polling) String() string  { return "polling" }
func (s *polling) request() string { return "list" }

func (s *polling) after(_ answer, k *known) step { return step{next: k.list(mostRecent)} }

// waiting: a request failed. Left for the state then when the pause is over.
type waiting struct {
	why   error
	pause time.Duration
	then  state
}

func (s *waiting) String() string  { return "waiting" }
func (s *waiting) request() string { return s.then.request() }

func (s *waiting) work(ctx context.Context, r *reflector) error {
	r.sink.report(s.why)
	r.sink.update(func(status *Status) {
		now := time.Now()
		status.NextAt = now.Add(s.pause)
		if status.FailingSince.IsZero() {
			status.FailingSince = now
		}
	})
	return sleep(ctx, s.pause, nil)
}

func (s *waiting) after(answer, *known) step { return step{next: s.then} }

// sleep waits for d, or until early is closed. The error is the cause of ctx's end.
func sleep(ctx context.Context, d time.Duration, early <-chan struct{}) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-early:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

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
