package informer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/skiff-k8s/skiff/wire"
)

const (
	// listSilence is how long a list may deliver nothing. The server gives up after a minute
	// itself; what is silent for longer is a connection that is open at one end only.
	listSilence = 90 * time.Second
	// endSilence is how long a watch-list may deliver nothing before the bookmark that ends it. A
	// server that does watch-list sends it as soon as its cache is fresh, for which it waits a few
	// seconds at most; one that does not know the parameters never does.
	endSilence = 20 * time.Second
)

// work reads a watch-list up to the bookmark that ends it.
func (s *streaming) work(ctx context.Context, r *reflector) (err error) {
	lasts := watchTimeout()
	if s.stream, err = r.open(ctx, r.ask.watchList(lasts), lasts); err != nil {
		return err
	}
	silence := time.AfterFunc(endSilence, func() { s.stream.cancel(errSilent) })
	defer silence.Stop()
	if err := r.sink.push(ctx, delta{kind: deltaListBegin}); err != nil {
		return err
	}
	for {
		event, err := s.stream.next()
		if err != nil {
			return err
		}
		silence.Reset(endSilence)
		switch event.Type {
		case wire.Added, wire.Modified:
			err = r.push(ctx, deltaSet, event.Object)
		case wire.Deleted:
			err = r.push(ctx, deltaGone, event.Object)
		case wire.Bookmark:
			if event.InitialEventsEnd() {
				return r.endList(ctx, event.Object.Meta.ResourceVersion)
			}
		case wire.Error:
			err = statusOf(event)
		}
		if err != nil {
			return err
		}
	}
}

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
	token := ""
	for {
		meta, err := r.page(ctx, s, token)
		switch {
		case err != nil:
			return err
		case meta.Continue != "":
			token = meta.Continue
		case meta.ResourceVersion == "":
			return errors.New("the list has no resourceVersion, so that it cannot be watched")
		default:
			return r.endList(ctx, meta.ResourceVersion)
		}
	}
}

// page reads one page.
func (r *reflector) page(ctx context.Context, s *paging, token string) (wire.ListMeta, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silence := time.AfterFunc(listSilence, func() { cancel(errSilent) })
	defer silence.Stop()
	list, err := r.ask.page(s, token).List(ctx, r.options())
	if err != nil {
		return wire.ListMeta{}, cause(ctx, err)
	}
	defer func() { _ = list.Close() }()
	r.answered()
	for {
		object, err := list.Next()
		if err == io.EOF {
			return list.Meta(), nil
		}
		if err == nil {
			silence.Reset(listSilence)
			err = r.push(ctx, deltaSet, object)
		}
		if err != nil {
			return wire.ListMeta{}, cause(ctx, err)
		}
	}
}

// endList completes a list as of a version.
func (r *reflector) endList(ctx context.Context, version string) error {
	r.known.moveTo(version)
	r.worked()
	r.sink.update(func(s *Status) { s.Lists++ })
	return r.sink.push(ctx, delta{kind: deltaListEnd, version: version})
}

// push hands on an object of the stream.
func (r *reflector) push(ctx context.Context, k deltaKind, o wire.Object) error {
	if err := named(&o); err != nil {
		return err
	}
	return r.sink.push(ctx, delta{kind: k, object: o})
}

// named returns an error if an object has no name.
func named(o *wire.Object) error {
	if o.Meta.Name == "" {
		return fmt.Errorf("the server sent a %s without a name", o.Kind)
	}
	return nil
}

// options returns how answers are read: into the sink's memory.
func (r *reflector) options() wire.Options {
	o := r.ask.options
	o.Arena = r.sink.arena
	return o
}
