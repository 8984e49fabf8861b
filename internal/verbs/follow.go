package verbs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/internal/ctxerr"
	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/wire"
)

const (
	// A watch is asked to last for five to ten minutes, so that watches spread over the servers.
	minWatch = 5 * time.Minute
	maxWatch = 10 * time.Minute

	// healthyAfter is how long a watch lives until it counts as a success.
	healthyAfter = 5 * time.Second

	// The pause after a failure begins at firstPause, doubles up to longestPause, and is spread up
	// to twice that. A Retry-After of the server is waited for, up to maxRetryAfter.
	firstPause    = 800 * time.Millisecond
	longestPause  = 30 * time.Second
	maxRetryAfter = time.Minute
)

// Change is what Follow tells of one object: it was Added, Modified or Deleted. A Bookmark has no
// object: every object of a list has been told of.
type Change struct {
	Type wire.EventType

	// Object is whole, except when an object has gone that Follow learned of by a list: then it has
	// the Meta of what was told last, and no Data.
	Object wire.Object
}

// told is what Follow remembers of an object.
type told struct {
	uid, version string
	round        uint64 // the last list that had it
}

// following is the state of Follow.
type following struct {
	r    Resource
	opts metav1.ListOptions
	tell func(Change) error

	known map[string]told // by key
	round uint64          // lists so far
	at    string          // where the next watch begins; "" if a list is next
	doubt bool            // whether the server still has that version is to be asked first
	whole bool            // a list was complete

	failures int
	stopped  error // of tell
}

// Follow calls tell with the changes of the objects that opts select, those that exist first, until
// tell returns an error, which Follow returns, or ctx ends. It lists, watches, watches again after
// the watch has ended, and lists again if the server has forgotten the version (410 Gone) or was
// restored from a backup. What it has told of an object, its uid and resourceVersion, it remembers,
// and so tells each change once, and a deletion that it did not see, too.
//
// Before the first list is complete, an error that says that the request is wrong or forbidden
// ends it. Each other fault is a line in the log, and after a growing pause Follow goes on.
func (r Resource) Follow(ctx context.Context, opts metav1.ListOptions,
	tell func(Change) error) error {
	f := &following{r: r, opts: opts, tell: tell, known: map[string]told{}}
	if opts.ResourceVersion != "" || opts.ResourceVersionMatch != "" || opts.Continue != "" ||
		opts.SendInitialEvents != nil {
		return r.misuse("follow", "", "the options have a resourceVersion, a continue token or "+
			"sendInitialEvents: leave them out, it begins with all that exists")
	}
	for {
		next, err := f.step(ctx)
		switch {
		case f.stopped != nil:
			return f.stopped
		case ctx.Err() != nil:
			return fmt.Errorf("follow %s: %w", r, ctxerr.Of(ctx))
		case err == nil:
			continue
		case !f.whole && isWrong(err):
			return err
		}
		if err := f.failed(ctx, next, err); err != nil {
			return err
		}
	}
}

// isWrong reports whether the same request would fail again.
func isWrong(err error) bool {
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return errors.As(err, new(*kind.MisuseError)) || errors.As(err, new(*wire.KindError))
	}
	switch code := status.Status().Code; code {
	case http.StatusRequestTimeout, http.StatusConflict, http.StatusGone,
		http.StatusTooManyRequests:
		return false
	default:
		return 400 <= code && code < 500
	}
}

var (
	errEndedEarly = errors.New("the server ended the watch early")
	errVersion    = errors.New("the list has no resourceVersion to watch from")
	errRestored   = errors.New("the server is behind the version that it has sent: it was " +
		"restored from a backup")
)

// step does what is next, and returns what it was.
func (f *following) step(ctx context.Context) (what string, err error) {
	switch {
	case f.at == "":
		return "list", f.list(ctx)
	case f.doubt:
		return "check", f.check(ctx)
	}
	return "watch", f.watch(ctx)
}

// failed decides how to go on after a fault, and pauses.
func (f *following) failed(ctx context.Context, what string, err error) error {
	expired := apierrors.IsResourceExpired(err) || apierrors.IsGone(err)
	next := "list again"
	switch {
	case expired || err == errRestored:
		f.at, f.doubt = "", false
	case f.at != "":
		f.doubt = true // the server may have been restored while it was away
		next = "watch again from resourceVersion " + f.at
	}
	var pause time.Duration
	if f.failures > 0 || !expired {
		pause = firstPause << min(f.failures, 10)
		pause = min(pause, longestPause)
		pause = max(pause+rand.N(pause), retryAfter(err))
	}
	if err == errEndedEarly && f.failures == 0 {
		pause = 0
	}
	f.failures++
	f.r.Rest.Logger().WarnContext(ctx, "skiff: following objects was interrupted", "resource",
		f.r.String(), "namespace", f.r.Namespace, "request", what, "error", err, "next", next, "in",
		pause)
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("follow %s: %w; the last fault: %w", f.r, ctxerr.Of(ctx), err)
	}
}

// retryAfter returns how long the server asked to wait.
func retryAfter(err error) time.Duration {
	seconds, ok := apierrors.SuggestsClientDelay(err)
	if !ok || seconds < 0 {
		return 0
	}
	return min(time.Duration(seconds)*time.Second, maxRetryAfter)
}

// send calls tell, and keeps its error.
func (f *following) send(t wire.EventType, o wire.Object) error {
	f.stopped = f.tell(Change{Type: t, Object: o})
	return f.stopped
}

// list tells of what has changed since the last list. One page is in memory at a time.
func (f *following) list(ctx context.Context) error {
	opts := f.opts
	if opts.Limit == 0 {
		opts.Limit = pageSize
	}
	opts.TimeoutSeconds = nil
	f.round++
	version := ""
	for {
		var page []wire.Object
		meta, err := f.r.List(ctx, opts, func() { page = page[:0] },
			func(o wire.Object) error { page = append(page, o); return nil })
		if err != nil {
			return err
		}
		for i, o := range page {
			page[i] = wire.Object{} // so that only the consumer keeps it alive
			if err := f.set(o); err != nil {
				return err
			}
			if ctx.Err() != nil {
				return ctxerr.Of(ctx)
			}
		}
		if version == "" {
			version = meta.ResourceVersion
		}
		if meta.Continue == "" {
			break
		}
		if meta.Continue == opts.Continue {
			return fmt.Errorf("list %s: the server repeats a continue token, so the list has "+
				"no end", f.r)
		}
		opts.Continue = meta.Continue
	}
	for key, was := range f.known {
		if was.round != f.round {
			if err := f.gone(key, was); err != nil {
				return err
			}
		}
	}
	if version == "" {
		return errVersion
	}
	f.at, f.whole = version, true
	return f.send(wire.Bookmark, wire.Object{})
}

// gone tells that an object is not there any more whose deletion was not seen.
func (f *following) gone(key string, was told) error {
	delete(f.known, key)
	namespace, name, ok := strings.Cut(key, "/")
	if !ok {
		namespace, name = "", key
	}
	return f.send(wire.Deleted, wire.Object{Format: f.r.Format, APIVersion: f.r.Kind.APIVersion(),
		Kind: f.r.Kind.Kind, Meta: wire.Meta{Namespace: namespace, Name: name, UID: was.uid,
			ResourceVersion: was.version}})
}

// set tells of an object that exists, if that is news.
func (f *following) set(o wire.Object) error {
	key := o.Meta.Key()
	was, ok := f.known[key]
	if ok && was.uid != o.Meta.UID {
		if err := f.gone(key, was); err != nil {
			return err
		}
		ok = false
	}
	news := !ok || was.version != o.Meta.ResourceVersion
	if news { // the strings are parts of the object, which is not to be kept alive
		key, was.uid, was.version = strings.Clone(key), strings.Clone(o.Meta.UID),
			strings.Clone(o.Meta.ResourceVersion)
	}
	was.round = f.round
	f.known[key] = was
	switch {
	case !news:
		return nil
	case ok:
		return f.send(wire.Modified, o)
	}
	return f.send(wire.Added, o)
}

// removed tells of a deletion, unless nobody was told of the object.
func (f *following) removed(o wire.Object) error {
	key := o.Meta.Key()
	if was, ok := f.known[key]; !ok || was.uid != o.Meta.UID {
		return nil
	}
	delete(f.known, key)
	return f.send(wire.Deleted, o)
}

// check asks whether the server still has what it has sent.
func (f *following) check(ctx context.Context) error {
	opts := f.opts
	opts.Limit, opts.TimeoutSeconds = 1, nil
	meta, err := f.r.List(ctx, opts, func() {}, func(wire.Object) error { return nil })
	if err != nil {
		return err
	}
	if isOlder(meta.ResourceVersion, f.at) {
		return errRestored
	}
	f.doubt = false
	return nil
}

// isOlder reports whether resourceVersion a precedes b. They can be compared since Kubernetes 1.35
// (KEP-5504). Those of aggregated servers that are no numbers never do.
func isOlder(a, b string) bool {
	x, err := strconv.ParseUint(a, 10, 64)
	y, err2 := strconv.ParseUint(b, 10, 64)
	return err == nil && err2 == nil && x < y
}

// watch tells of changes until the watch ends.
func (f *following) watch(ctx context.Context) error {
	opts := f.opts
	opts.Limit = 0
	opts.ResourceVersion, opts.AllowWatchBookmarks = f.at, true
	if opts.TimeoutSeconds == nil {
		opts.TimeoutSeconds = new(int64((minWatch + rand.N(maxWatch-minWatch)) / time.Second))
	}
	w, err := f.r.Watch(ctx, opts)
	if err != nil {
		return err
	}
	defer func() { _ = w.Close() }()
	opened := time.Now()
	lasts := time.Duration(*opts.TimeoutSeconds) * time.Second
	for {
		event, err := w.Next(func(wire.Object) error { return nil })
		lived := time.Since(opened)
		if lived >= healthyAfter { // an event alone proves nothing: the next watch may end after one, too
			f.failures = 0
		}
		switch {
		case err == io.EOF && lived >= lasts-min(lasts/4, healthyAfter):
			return nil
		case err == io.EOF:
			return errEndedEarly
		case err != nil:
			return err
		}
		o := event.Object
		if o.Meta.ResourceVersion != "" {
			f.at = strings.Clone(o.Meta.ResourceVersion)
		}
		switch event.Type {
		case wire.Added, wire.Modified:
			err = f.set(o)
		case wire.Deleted:
			err = f.removed(o)
		}
		if err != nil {
			return err
		}
	}
}
