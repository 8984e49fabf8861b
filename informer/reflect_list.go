package informer

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/skiff-k8s/skiff/wire"
)

// work reads a watch-list up to the bookmark that ends it. Only the objects that existed when it
// began are progress of the list. If changes of others keep coming and the end does not, the list is
// stuck.
func (s *streaming) work(ctx context.Context, r *reflector) (err error) {
	lasts := watchTimeout()
	if s.stream, err = r.open(ctx, r.ask.watchList(lasts), lasts); err != nil {
		return err
	}
	dog := newWatchdog(s.stream.cancel, limits{endSilence, errNoObject, streamBound, errNoEnd})
	defer dog.stop()
	if err := r.sink.push(ctx, delta{kind: deltaListBegin}); err != nil {
		return err
	}
	for {
		dog.wait()
		event, err := s.stream.next()
		dog.heard(err == nil && event.Type == wire.Added)
		if err == nil {
			err = checkEvent(&event)
		}
		if err != nil {
			return err
		}
		s.stream.events++
		r.answered()
		switch event.Type {
		case wire.Added, wire.Modified:
			err = r.sink.push(ctx, delta{kind: deltaSet, object: event.Object})
		case wire.Deleted:
			err = r.sink.push(ctx, delta{kind: deltaGone, object: event.Object})
		case wire.Bookmark:
			if event.InitialEventsEnd() {
				return r.endList(ctx, event.Object.Meta.ResourceVersion)
			}
		}
		if err != nil {
			return err
		}
	}
}

// maxEmptyPages is how many pages in a row may be empty and announce another one.
const maxEmptyPages = 10

// work reads a list page by page.
//
// The first list takes any state that the server has (resourceVersion=0), as other clients do: it
// spares etcd, and the watch soon brings what is newer. The server then ignores the limit and sends
// everything in one stream, of which one object at a time is held. A later list must not be older
// than what is cached. Only if the server cannot do that is the most recent state asked for, in
// pages.
func (s *paging) work(ctx context.Context, r *reflector) error {
	if err := r.sink.push(ctx, delta{kind: deltaListBegin}); err != nil {
		return err
	}
	// A list is sorted by key, so that no two pages begin with the same object.
	begins := map[string]bool{}
	token, empty := "", 0
	for {
		meta, first, err := r.page(ctx, s, token)
		if err != nil {
			return err
		}
		if meta.Continue == "" {
			return r.endList(ctx, meta.ResourceVersion)
		}
		if first == "" {
			empty++
		} else {
			empty = 0
		}
		switch {
		case meta.Continue == token:
			return &malformedError{"the list has the same continue token twice"}
		case empty > maxEmptyPages:
			return &malformedError{fmt.Sprintf("%d pages in a row are empty", empty)}
		case begins[first]:
			return &malformedError{"two pages begin with the same object, " + first}
		}
		if token = meta.Continue; first != "" {
			begins[first] = true
		}
	}
}

// page reads one page. It returns the key of its first object, "" if there is none.
func (r *reflector) page(
	ctx context.Context, s *paging, token string,
) (meta wire.ListMeta, first string, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	dog := newWatchdog(cancel, limits{listSilence, errSilent, listBound, errLong})
	defer dog.stop()
	dog.wait()
	list, err := r.ask.page(s, token).List(ctx, r.options())
	if err != nil {
		return meta, "", cause(ctx, err)
	}
	defer func() { _ = list.Close() }()
	s.opened = true
	for {
		object, err := list.Next()
		dog.heard(err == nil)
		r.answered()
		switch {
		case err == io.EOF:
			return list.Meta(), first, nil
		case err == nil:
			err = checkName(&object)
		}
		if err != nil {
			return meta, "", cause(ctx, err)
		}
		if first == "" {
			first = strings.Clone(object.Meta.Key())
		}
		if err := r.sink.push(ctx, delta{kind: deltaSet, object: object}); err != nil {
			return meta, "", err
		}
		dog.wait()
	}
}

// endList completes a list as of a version. The error of a list without one is errVersionless.
//
// A list that is older than what had been read means that the server's data was restored from a
// backup: each list after the first one is asked for as of that version or the most recent one.
func (r *reflector) endList(ctx context.Context, version string) error {
	end := delta{kind: deltaListEnd, version: version, restored: r.known.isBehind(version)}
	if end.restored {
		r.sink.report(fmt.Errorf("informer %s: the server's data was restored: "+
			"its list is of resourceVersion %s, and %s had been read; the list replaces the cache",
			r.name, version, r.known.at))
	}
	r.known.moveTo(version)
	r.worked()
	if err := r.sink.push(ctx, end); err != nil {
		return err
	}
	if len(r.known.at) == 0 {
		return errVersionless
	}
	return nil
}

// options returns how answers are read: into the sink's memory.
func (r *reflector) options() wire.Options {
	o := r.ask.options
	o.Arena = r.sink.arena
	return o
}

// pollEvery is the shortest time between two lists of a resource that cannot be watched; the longest
// is twice that.
const pollEvery = 2 * time.Minute

// work waits until the next list is due, or somebody waits for a version that it may bring.
func (s *polling) work(ctx context.Context, r *reflector) error {
	pause := pollEvery + rand.N(pollEvery)
	r.sink.update(func(status *Status) { status.Unwatchable = s.why })
	r.sink.report(fmt.Errorf("informer %s: not watched: %w; next: list in %v", r.name, s.why,
		pause.Round(time.Second)))
	began, at := time.Now(), string(r.known.at)
	early := make(chan struct{})
	version := r.waits.watch(at, func() { close(early) })
	if version == "" {
		if err := sleep(ctx, pause, early); err != nil {
			return err
		}
		r.waits.unwatch()
		version = r.waits.overdue(at)
	}
	if version != "" {
		r.waits.wasAsked(version)
	}
	if time.Since(began) >= stableAfter {
		r.known.backoff.reset()
	}
	return nil
}
