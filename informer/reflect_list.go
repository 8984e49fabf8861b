package informer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

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
	// maxCutShort is how many watch-lists in a row may end before their bookmark until the server
	// is taken not to do them.
	maxCutShort = 3
)

var errSilent = errors.New("nothing came for too long")

// streamList is the state streaming. It asks for the most recent state (no resourceVersion), so
// that what comes is never older than what is cached.
func (r *reflector) streamList(ctx context.Context) (state, error) {
	req := r.request().
		Param("sendInitialEvents", "true").
		Param("resourceVersionMatch", "NotOlderThan").
		Param("allowWatchBookmarks", "true")
	st, err := r.open(ctx, req, watchTimeout())
	if err != nil {
		if refused(err) {
			err = fmt.Errorf("%w: %w", errNoWatchList, err)
		}
		return 0, err
	}
	silence := time.AfterFunc(endSilence, func() { st.cancel(errSilent) })
	defer silence.Stop()
	if err := r.fifo.push(ctx, delta{kind: deltaListBegin}); err != nil {
		return 0, err
	}
	for {
		event, err := st.next()
		if err != nil {
			return 0, r.explainCut(err)
		}
		silence.Reset(endSilence)
		switch event.Type {
		case wire.Added, wire.Modified:
			err = r.push(ctx, deltaSet, event.Object)
		case wire.Deleted:
			err = r.push(ctx, deltaGone, event.Object)
		case wire.Bookmark:
			if !event.InitialEventsEnd() {
				continue
			}
			r.cutShort = 0
			return watching, r.endList(ctx, event.Object.Meta.ResourceVersion)
		case wire.Error:
			err = statusOf(event)
			if refused(err) {
				err = fmt.Errorf("%w: %w", errNoWatchList, err)
			}
		}
		if err != nil {
			return 0, err
		}
	}
}

// explainCut tells what it means that a watch-list ended before its bookmark.
func (r *reflector) explainCut(err error) error {
	switch {
	case errors.Is(err, errSilent):
		return fmt.Errorf("%w: no bookmark came within %s", errNoWatchList, endSilence)
	case err != io.EOF:
		return err
	}
	if r.cutShort++; r.cutShort >= maxCutShort {
		return fmt.Errorf("%w: it ended the watch %d times before the bookmark", errNoWatchList, r.cutShort)
	}
	return fmt.Errorf("the server ended the list before it was complete: %w", io.ErrUnexpectedEOF)
}

// refused says that an answer is about the parameters of a watch-list: servers that know them but
// have the feature off, and older ones, call them invalid.
func refused(err error) bool {
	return apierrors.IsInvalid(err) || apierrors.IsBadRequest(err)
}

// pageList is the state paging.
//
// The first list takes any state that the server has at hand (resourceVersion=0), as the field
// does: it spares etcd, and the watch soon brings what is newer. The server then ignores the limit
// and sends all in one stream, of which one object at a time is held. A later list must not be
// older than what is cached. Only where a server cannot do that is the most recent state asked
// for, in pages.
func (r *reflector) pageList(ctx context.Context) (state, error) {
	if err := r.fifo.push(ctx, delta{kind: deltaListBegin}); err != nil {
		return 0, err
	}
	next := ""
	for {
		meta, err := r.page(ctx, next)
		switch {
		case err != nil:
			return 0, err
		case meta.Continue != "":
			next = meta.Continue
		case meta.ResourceVersion == "":
			return 0, errors.New("the list has no resourceVersion, so that it cannot be watched")
		default:
			r.mostRecent, r.whole = false, false
			return watching, r.endList(ctx, meta.ResourceVersion)
		}
	}
}

// page reads one page.
func (r *reflector) page(ctx context.Context, next string) (wire.ListMeta, error) {
	req := r.request()
	if !r.whole {
		req.Param("limit", strconv.FormatInt(r.informer.config.pageSize, 10))
	}
	switch {
	case next != "":
		req.Param("continue", next)
	case r.mostRecent:
	case len(r.at) == 0:
		req.Param("resourceVersion", "0")
	default:
		req.Param("resourceVersion", r.version()).Param("resourceVersionMatch", "NotOlderThan")
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silence := time.AfterFunc(listSilence, func() { cancel(errSilent) })
	defer silence.Stop()
	list, err := req.List(ctx, r.options())
	if err != nil {
		return wire.ListMeta{}, cause(ctx, err)
	}
	defer list.Close()
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
	r.moveTo(version)
	r.worked()
	r.informer.health.update(func(s *Status) { s.Lists++ })
	return r.fifo.push(ctx, delta{kind: deltaListEnd, version: version})
}

// push hands on what the stream says of an object.
func (r *reflector) push(ctx context.Context, k deltaKind, o wire.Object) error {
	if err := named(&o); err != nil {
		return err
	}
	return r.fifo.push(ctx, delta{kind: k, object: o})
}

// named says what is wrong with an object that has no name.
func named(o *wire.Object) error {
	if o.Meta.Name == "" {
		return fmt.Errorf("the server sent a %s without a name", o.Kind)
	}
	return nil
}

// statusOf returns the error that an ERROR event is.
func statusOf(event wire.Event) error {
	status, err := event.Status()
	if err != nil {
		return fmt.Errorf("the server ended the watch with an error that cannot be read: %w", err)
	}
	if status.Code == 0 {
		status.Code = http.StatusInternalServerError
	}
	return &apierrors.StatusError{ErrStatus: *status}
}

// cause returns why ctx ended where that is behind err.
func cause(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}
