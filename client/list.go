package client

import (
	"context"
	"iter"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/wire"
)

// List is a list of T as the API server sends it. The list and each of its items have their
// apiVersion and kind set.
type List[T any] struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []T `json:"items"`
}

// List returns the objects that opts select. opts.Limit is the largest number of objects returned:
// 0 and negative mean no limit. If there are more, the list's Continue is the value for
// opts.Continue that returns the next ones. The objects are decoded one by one as they arrive; the
// encoded list is never whole in memory.
//
// [Client.All] takes less memory for long lists.
func (c *Client[T]) List(ctx context.Context, opts metav1.ListOptions) (*List[T], error) {
	if c.err != nil {
		return nil, c.err
	}
	list := &List[T]{}
	meta, err := c.r.List(ctx, opts,
		func() { list.Items = []T{} }, // never nil: as JSON it is [], not null
		func(o wire.Object) error {
			list.Items = append(list.Items, *new(T))
			return decode(c.r, o, &list.Items[len(list.Items)-1])
		})
	if err != nil {
		return nil, err
	}
	list.TypeMeta = metav1.TypeMeta{APIVersion: meta.APIVersion, Kind: meta.Kind}
	list.ListMeta = metav1.ListMeta{
		ResourceVersion:    meta.ResourceVersion,
		Continue:           meta.Continue,
		RemainingItemCount: meta.RemainingItemCount,
	}
	return list, nil
}

// All returns an iterator over every object that opts select. It lists the objects by pages. The
// page size is opts.Limit: 0 means 500, and negative means one page of all objects. One page at a
// time is in memory, not decoded. An object is decoded when it is yielded, and is the caller's own.
// All pages together are the state of one moment.
//
// An error ends the iteration. It is yielded with a nil object. The server keeps the state of the
// moment for about five minutes. If the caller takes longer than that, the error is one for which
// apierrors.IsResourceExpired holds: the objects yielded before it are right, and the others need
// another list from the beginning. [Client.AllOrAgain] lists again by itself.
//
// The iterator can be used more than once. Each use sends the requests again.
func (c *Client[T]) All(ctx context.Context, opts metav1.ListOptions) iter.Seq2[*T, error] {
	return c.each(c.r.All(ctx, opts))
}

// AllOrAgain is [Client.All] for callers that may take longer than five minutes. If the server has
// forgotten the state of the moment that the list began in, AllOrAgain logs that, lists again from
// the beginning, and yields the objects that it has not yielded yet. So each object that existed
// all the time is yielded exactly once. The objects are of several moments: those that were
// created, changed or deleted meanwhile are yielded as one of the lists had them, or not at all.
//
// Beside one page, the names of the objects that were yielded are in memory. After three lists in a
// row that expire before they bring anything new, the error is one for which
// apierrors.IsResourceExpired holds.
func (c *Client[T]) AllOrAgain(ctx context.Context, opts metav1.ListOptions) iter.Seq2[*T, error] {
	return c.each(c.r.AllOrAgain(ctx, opts))
}

// each decodes the objects of a list.
func (c *Client[T]) each(all iter.Seq2[wire.Object, error]) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		if c.err != nil {
			yield(nil, c.err)
			return
		}
		for o, err := range all {
			var item *T
			if err == nil {
				item = new(T)
				err = decode(c.r, o, item)
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(item, nil) {
				return
			}
		}
	}
}
