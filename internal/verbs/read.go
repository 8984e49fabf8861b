package verbs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/internal/ctxerr"
	"github.com/skiff-k8s/skiff/wire"
)

const (
	// pageSize is the default of opts.Limit in All. kubectl asks for as many. A page of pods takes
	// some megabytes.
	pageSize = 500

	// listTries is how often a list is requested that breaks off while it arrives. Package rest
	// retries requests that fail before the answer begins; after that only the reader can.
	listTries = 3
)

// Get returns one object, or a subresource of it.
func (r Resource) Get(ctx context.Context, name string, opts *metav1.GetOptions,
	sub []string) (wire.Object, error) {
	r, err := r.one("get", name)
	if err != nil {
		return wire.Object{}, err
	}
	return r.to(r.Rest.Get()).Name(name).SubResource(sub...).VersionedParams(opts).Do(ctx).
		Object(r.optionsOf(sub))
}

// List calls item for each object of one page, as it arrives. If the list breaks off, List asks for
// it again. It calls begin before each try: items of an earlier try do not count. An error of item
// ends the list and is returned.
func (r Resource) List(ctx context.Context, opts metav1.ListOptions, begin func(),
	item func(wire.Object) error) (wire.ListMeta, error) {
	r, err := r.inScope("list", "", false)
	if err != nil {
		return wire.ListMeta{}, err
	}
	opts.Watch = false
	opts.Limit = max(opts.Limit, 0)
	for try := 1; ; try++ {
		begin()
		meta, again, err := r.listOnce(ctx, &opts, item)
		if err == nil || !again || try == listTries || ctx.Err() != nil {
			return meta, err
		}
	}
}

// listOnce is List without repetition; again reports whether repeating may help.
func (r Resource) listOnce(ctx context.Context, opts *metav1.ListOptions,
	item func(wire.Object) error) (meta wire.ListMeta, again bool, err error) {
	stream, err := r.to(r.Rest.Get()).VersionedParams(opts).List(ctx, r.streamOptions())
	if err != nil {
		return meta, false, err
	}
	defer stream.Close()
	for {
		o, err := stream.Next()
		if err == io.EOF {
			return stream.Meta(), false, nil
		}
		if err != nil {
			return meta, brokeOff(err), err
		}
		if err := item(o); err != nil {
			return meta, false, err
		}
	}
}

// brokeOff reports whether a stream was cut. A stream that is malformed would be malformed again.
func brokeOff(err error) bool {
	var syntax *wire.SyntaxError
	return !errors.As(err, &syntax) || errors.Is(err, io.ErrUnexpectedEOF)
}

// All yields the objects of every page of opts.Limit objects; 0 means 500, and negative means one
// page of all objects. At most one page is in memory, undecoded: it is read as fast as it comes and
// not as fast as it is consumed, because the server gives up on a list that takes more than a
// minute to send.
func (r Resource) All(ctx context.Context, opts metav1.ListOptions) iter.Seq2[wire.Object, error] {
	if opts.Limit == 0 {
		opts.Limit = pageSize
	}
	return func(yield func(wire.Object, error) bool) {
		opts := opts // each use of the iterator begins anew
		var page []wire.Object
		for count := 0; ; {
			meta, err := r.List(ctx, opts,
				func() { page = page[:0] },
				func(o wire.Object) error { page = append(page, o); return nil })
			if err != nil {
				yield(wire.Object{}, r.expired(err, opts.Continue, count))
				return
			}
			for i, o := range page {
				page[i] = wire.Object{} // so that only the consumer keeps it alive
				if ctx.Err() != nil {
					yield(wire.Object{}, fmt.Errorf("list %s, after %d objects: %w", r, count,
						ctxerr.Of(ctx)))
					return
				}
				if !yield(o, nil) {
					return
				}
				count++
			}
			switch meta.Continue {
			case "":
				return
			case opts.Continue:
				yield(wire.Object{}, fmt.Errorf("list %s, after %d objects: the server repeats a continue token, "+
					"so the list has no end", r, count))
				return
			}
			opts.Continue = meta.Continue
			// The token contains the resourceVersion of the first page. The server refuses a
			// request with both (API concepts, "Retrieving large results sets in chunks").
			opts.ResourceVersion, opts.ResourceVersionMatch = "", ""
		}
	}
}

// AllOrAgain is All for consumers who may take longer than the server keeps the state of a list:
// then it lists again, and yields those objects that it has not yielded, by namespace and name. A
// list that brings nothing new before it expires, too, is repeated listTries times.
func (r Resource) AllOrAgain(ctx context.Context,
	opts metav1.ListOptions) iter.Seq2[wire.Object, error] {
	return func(yield func(wire.Object, error) bool) {
		opts := opts
		yielded := map[string]struct{}{}
		for try := 1; ; try++ {
			var expired error
			for o, err := range r.All(ctx, opts) {
				if errors.As(err, new(*expiredError)) && try < listTries {
					expired = err
					break
				}
				if err == nil {
					if _, ok := yielded[o.Meta.Key()]; ok {
						continue
					}
					yielded[strings.Clone(o.Meta.Key())] = struct{}{}
					try = 0
				}
				if !yield(o, err) {
					return
				}
			}
			if expired == nil {
				return
			}
			r.Rest.Logger().WarnContext(ctx, "skiff: a list has expired", "resource", r.String(),
				"namespace", r.Namespace, "error", expired, "next",
				"list again for those that are missing")
			opts.ResourceVersion, opts.ResourceVersionMatch, opts.Continue = "", "", ""
		}
	}
}

// expiredError is the error of a list whose continue token has expired.
type expiredError struct{ error }

func (e *expiredError) Unwrap() error { return e.error }

// expired explains the error of a paged list that takes longer than the server keeps its state.
func (r Resource) expired(err error, token string, count int) error {
	if token == "" || !apierrors.IsResourceExpired(err) && !apierrors.IsGone(err) {
		return err
	}
	return &expiredError{fmt.Errorf(
		"list %s: the server no longer has the state that the first %d objects were read from "+
			"(it keeps about five minutes): begin again, with a larger Limit if the pages were "+
			"small: %w", r, count, err)}
}
