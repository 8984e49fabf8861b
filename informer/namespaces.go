package informer

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/skiff-k8s/skiff/kind"
)

// Namespaces confines the informer to several namespaces. It is for programs that may not list a
// resource in all namespaces, but may in these. The informer has a stream for each namespace, and one
// cache, lister and set of handlers:
//
//	factory := informer.NewFactory(c, informer.Namespaces("web", "db"))
//
// Each stream lists, watches and fails for itself:
//
//   - The informer is synced when the lists of all namespaces are in the cache. Until then WaitForSync's
//     error names each namespace that is missing, with its last error. So does the error of a controller
//     after its SyncTimeout.
//   - A namespace whose list is complete does not wait for the others: it can be read (a read of all
//     namespaces is a NotSyncedError that names one that is missing), and handlers are called for its
//     objects. Registration.Synced is for the lists of all namespaces.
//   - If a namespace is forbidden, or becomes so, its error is in Status.Namespaces and is reported as
//     any error of a stream, with growing pauses. The other namespaces go on. What was cached of it
//     stays, as after any other fault.
//   - A namespace that does not exist is empty, because the server answers so. When it is made, its
//     objects come.
//
// Versions are those of each stream. ResourceVersion returns the lowest, and Contains and WaitFor
// answer for all namespaces. After a write, wait for the stream of its namespace, which takes
// milliseconds: pods.In("web").WaitFor(ctx, version). A controller does so by itself.
//
// The order of the names does not matter, and names that are repeated count once. With one name it is
// [Namespace]. No name at all, "", and a name that cannot be one are refused (see [For]): a list that
// is empty by mistake must not mean all namespaces. A stream is a request that stays open, so for
// hundreds of namespaces an informer of all of them is better.
//
// Among options, the last of Namespace and Namespaces holds.
func Namespaces(names ...string) Option {
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	var misuse error
	wrong := slices.IndexFunc(names, func(name string) bool {
		return name == "" || strings.ContainsAny(name, ",/ \t\n")
	})
	problem := ""
	switch {
	case len(names) == 0:
		problem = "Namespaces has no name; for all namespaces, leave the option out"
	case wrong >= 0:
		problem = fmt.Sprintf("Namespaces has the name %q: give each name as an argument of its own; "+
			"for all namespaces, leave the option out", names[wrong])
	}
	if problem != "" {
		misuse, names = &kind.MisuseError{Verb: "make", Resource: "informer", Problem: problem}, nil
	}
	return option(func(c *config) {
		c.namespace, c.several, c.misuse = strings.Join(names, ","), nil, misuse
		if len(names) > 1 {
			c.several = &several{combine: combine, check: checkNamespace}
		}
	})
}

// several is what Namespaces sets for more than one name. Its functions are fields, so that programs
// without the option do not link them.
type several struct {
	combine func(*shared, *Status)
	check   func(*feed, *delta) error
}

// checkNamespace returns an error for an object of another namespace than the stream's.
func checkNamespace(f *feed, d *delta) error {
	if (d.kind == deltaSet || d.kind == deltaGone) && d.object.Meta.Namespace != f.scope {
		return &malformedError{"the server sent an object of another namespace: " +
			d.object.Meta.Key()}
	}
	return nil
}

// combine adds the states of an informer's streams to its Status.
func combine(s *shared, status *Status) {
	status.State = ""
	status.Namespaces = make(map[string]Status, len(s.feeds))
	for _, f := range s.feeds {
		one := f.health.current()
		one.Synced, one.ResourceVersion = f.listed.Load(), f.progress.current()
		status.Namespaces[f.namespace] = one
		if status.State == "" || status.State == "watching" {
			status.State, status.NextAt = one.State, one.NextAt
		}
		status.Lists += one.Lists
		status.Watches += one.Watches
		status.Events += one.Events
		status.Failures = max(status.Failures, one.Failures)
		if one.LastErrorAt.After(status.LastErrorAt) {
			status.LastError, status.LastErrorAt = one.LastError, one.LastErrorAt
			status.LastErrorOfFunction = one.LastErrorOfFunction
		}
		if since := one.FailingSince; !since.IsZero() &&
			(status.FailingSince.IsZero() || since.Before(status.FailingSince)) {
			status.FailingSince = since
		}
		if one.AnsweredAt.After(status.AnsweredAt) {
			status.AnsweredAt = one.AnsweredAt
		}
		if status.Unwatchable == nil {
			status.Unwatchable = one.Unwatchable
		}
	}
}

// Stream is the stream by which an informer gets the objects of a namespace. It is a small value,
// safe for concurrent use.
type Stream struct {
	handle *handle
	feeds  feeds // one; none if the informer does not cache the namespace
	err    error // why there is none
}

// In returns the informer's stream of a namespace: of an informer of [Namespaces] the namespace's
// own, of any other the only one. If the informer does not cache the namespace, Contains returns
// false and WaitFor a *kind.MisuseError.
func (i *Informer[T]) In(namespace string) Stream {
	h := &i.handle
	if f := h.feeds.of(namespace); f != nil {
		return Stream{handle: h, feeds: feeds{f}}
	}
	return Stream{err: &kind.MisuseError{Verb: "wait for", Resource: h.String(),
		Problem: h.wrongNamespace(namespace)}}
}

// Streams returns all streams of the informer: one for each namespace of [Namespaces], else one.
func (i *Informer[T]) Streams() []Stream {
	h := &i.handle
	all := make([]Stream, 0, len(h.feeds))
	for n := range h.feeds {
		all = append(all, Stream{handle: h, feeds: h.feeds[n : n+1]})
	}
	return all
}

// Covers reports whether the objects of a namespace come by the stream.
func (s Stream) Covers(namespace string) bool {
	return len(s.feeds) > 0 && s.feeds[0].covers(namespace)
}

// ResourceVersion returns the newest version that the cache contains of the stream's objects (see
// Informer.ResourceVersion).
func (s Stream) ResourceVersion() string {
	if len(s.feeds) == 0 {
		return ""
	}
	return s.feeds.version()
}

// Contains reports, without waiting, whether the cache contains all changes of the stream's objects
// up to that version (see Informer.Contains).
func (s Stream) Contains(resourceVersion string) bool {
	return len(s.feeds) > 0 && s.feeds.contain(resourceVersion)
}

// WaitFor waits until the cache contains all changes of the stream's objects up to that version. Its
// errors are those of Informer.WaitFor.
func (s Stream) WaitFor(ctx context.Context, resourceVersion string) error {
	if s.err != nil {
		return s.err
	}
	return s.handle.wait(ctx, func(ctx context.Context) error {
		return s.feeds.waitFor(ctx, resourceVersion)
	})
}

// OnProgress calls f each time that the cache has moved on with the stream's objects (see
// Informer.OnProgress).
func (s Stream) OnProgress(f func(resourceVersion string)) (stop func()) {
	if len(s.feeds) == 0 {
		return func() {}
	}
	return s.handle.onProgress(s.feeds, f)
}
