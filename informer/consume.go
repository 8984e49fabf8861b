package informer

import (
	"context"
	"strings"

	"github.com/skiff-k8s/skiff/wire"
)

// consume moves the reflector's deltas into the store and queues events for the handlers, until ctx
// ends. It is the only writer of the store.
func (f *feed) consume(ctx context.Context) {
	var batch []delta
	for {
		var err error
		if batch, err = f.fifo.pop(ctx, batch, f.informer.store().Rest); err != nil {
			return
		}
		f.work(batch)
	}
}

// work takes in a batch.
func (f *feed) work(batch []delta) {
	s := f.informer
	s.turn.Lock()
	defer s.turn.Unlock()
	version, restored, first := f.apply(batch)
	f.fifo.recycle(batch)
	if version != "" || first {
		f.progress.advance(version, restored)
	}
	if s.unanswered == 0 && !s.HasSynced() {
		close(s.synced)
	}
}

// apply applies a batch. It returns the version that the store now contains, "" if that has not
// changed or is not known; whether the server was restored to it from a backup; and whether the batch
// completed the initial list.
func (f *feed) apply(batch []delta) (version string, restored, first bool) {
	s := f.informer
	s.mu.Lock()
	s.applying = true
	s.mu.Unlock()
	listed := f.listed.Load()
	for i := range batch {
		switch d := &batch[i]; d.kind {
		case deltaSet, deltaGone:
			keep := s.transform == nil || s.transform(&d.object)
			if keep && d.kind == deltaSet {
				f.set(&d.object)
			} else {
				f.gone(&d.object, keep)
			}
		case deltaListBegin:
			s.store().BeginReplace(f.scope)
			f.listing = true
		case deltaListEnd:
			f.endList()
			version, restored = d.version, restored || d.restored
		case deltaProgress:
			version = d.version
		case deltaUnserved:
			s.config.served.unserve(f)
		}
		// While a list arrives, versions do not show progress: its items come in any order.
		if d := &batch[i]; !f.listing && (d.kind == deltaSet || d.kind == deltaGone) {
			version = d.object.Meta.ResourceVersion
		}
	}
	s.settle()
	return strings.Clone(version), restored, f.listed.Load() && !listed // the object's memory is reused
}

// tell queues e for every handler. Until the initial list is complete it does nothing, because
// endList queues the whole list.
//
//go:noinline // to keep programs small
func (f *feed) tell(e event) {
	if f.listed.Load() {
		f.informer.events = append(f.informer.events, e)
	}
}

// set stores an object's state. Handlers are called if its bytes differ from the cached ones: lists
// repeat objects, streams repeat events, and both may change an object at the same version.
func (f *feed) set(o *wire.Object) {
	cache := f.informer.store()
	if f.listed.Load() && cache.Touch(*o) {
		return
	}
	now, was := cache.Set(*o)
	switch {
	case was.IsZero():
		f.tell(event{kind: eventAdd, new: now})
	case !was.SameObject(now):
		f.tell(event{kind: eventDelete, old: was})
		f.tell(event{kind: eventAdd, new: now})
	default:
		f.tell(event{kind: eventUpdate, old: was, new: now})
	}
}

// gone removes an object that was deleted, or that the transform drops. The last state of a deleted one
// is o. That of another one is the cached state: of a dropped object, and of one that o only has the
// name of.
func (f *feed) gone(o *wire.Object, deleted bool) {
	cache := f.informer.store()
	last, had := cache.Delete(o.Meta.Key())
	if !had {
		return
	}
	if deleted && last.HasUID(o.Meta.UID) {
		last = cache.Pack(*o)
	}
	f.tell(event{kind: eventDelete, old: last})
}

// endList removes the objects that a complete list did not have. The first list makes the feed's
// part of the cache readable and only then starts the handlers, so that a handler may read it in
// its first call.
func (f *feed) endList() {
	s := f.informer
	for _, last := range s.store().EndReplace(f.scope) {
		f.tell(event{kind: eventDelete, old: last})
	}
	f.listing = false
	if f.listed.Load() {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	f.listed.Store(true)
	f.absent.Store(nil)
	f.answer()
	s.listed++
	s.readable.Store(s.listed == len(s.feeds))
	if len(s.processors) == 0 {
		return
	}
	initial := s.store().ItemsOf(f.scope)
	for _, p := range s.processors {
		if p.joined {
			p.begin(initial, s.unanswered == 0)
		}
	}
}
