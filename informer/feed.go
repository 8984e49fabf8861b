package informer

import (
	"context"
	"strings"
	"sync/atomic"

	"k8s.io/apimachinery/pkg/util/resourceversion"

	"github.com/skiff-k8s/skiff/wire"
)

// feed is one stream of an informer, and what is known of it: the sink of its reflector, and the
// consumer of what the reflector reads.
type feed struct {
	informer  *shared
	namespace string // of the stream's objects; "" is all
	scope     string // the part of the cache that the stream fills: the namespace, or "" if it is the only one
	fifo      *deltaFIFO
	progress  *progress
	health    *health     // the informer's own if the stream is the only one
	listed    atomic.Bool // the initial list is complete; changed with informer.turn and informer.mu held
	listing   bool        // a list is arriving; guarded by informer.turn
	// answered is set when the initial list was complete, or the resource was not served (WhenServed);
	// guarded by informer.mu.
	answered bool
	absent   atomic.Pointer[error] // why there is no list: a NotServedError; nil if there is another reason
}

func (f *feed) arena() *wire.Arena          { return f.fifo.arena() }
func (f *feed) update(change func(*Status)) { f.health.update(change) }

// push takes a delta. One of several streams refuses an object of another one's namespace: only the
// list of its own namespace would ever remove it.
func (f *feed) push(ctx context.Context, d delta) error {
	if several := f.informer.config.several; several != nil {
		if err := several.check(f, &d); err != nil {
			return err
		}
	}
	return f.fifo.push(ctx, d)
}

// answer notes that the initial list is complete, or will not come, and reports whether that is the
// first answer. informer.mu is held.
func (f *feed) answer() (first bool) {
	if first = !f.answered; first {
		f.answered = true
		f.informer.unanswered--
	}
	return first
}

// String names the part of the informer that the stream fills.
func (f *feed) String() string { return f.informer.named(f.namespace) }

// covers reports whether the objects of a namespace come by this stream.
func (f *feed) covers(namespace string) bool {
	return f.namespace == "" || f.namespace == namespace
}

// feeds are some streams of one informer.
type feeds []*feed

// newFeeds returns the streams of an informer: one for each of its namespaces.
func newFeeds(s *shared) (all feeds) {
	names := strings.Split(s.config.namespace, ",")
	for _, namespace := range names {
		f := &feed{informer: s, namespace: namespace, fifo: newDeltaFIFO(), progress: newProgress(),
			health: &s.health}
		if len(names) > 1 {
			f.scope, f.health = namespace, new(health)
		}
		all = append(all, f)
	}
	return all
}

// of returns the stream that brings the objects of a namespace, nil if there is none.
func (all feeds) of(namespace string) *feed {
	for _, f := range all {
		if f.covers(namespace) {
			return f
		}
	}
	return nil
}

// version returns the newest version that the cache contains of all of the streams, "" if one has
// none.
func (all feeds) version() string {
	lowest := all[0].progress.current()
	for _, f := range all[1:] {
		version := f.progress.current()
		if order, err := resourceversion.CompareResourceVersion(version, lowest); err != nil || order < 0 {
			lowest = version
		}
	}
	return lowest
}

// contain reports whether the cache contains all changes of all of the streams up to a version.
func (all feeds) contain(version string) bool {
	contains := true
	for _, f := range all {
		has, _ := f.progress.has(version) // which awaits it, if it is not there
		contains = contains && has
	}
	return contains
}
