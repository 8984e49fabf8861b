package client

import (
	"context"
	"iter"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/wire"
)

// List is a list of T as the API server sends it. It says its apiVersion and kind, and so does each
// of its items.
type List[T any] struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []T `json:"items"`
}

// List returns the objects that opts select: all of them, or a page of opts.Limit and the list's
// Continue to ask for the next one with. The objects are decoded one by one as they arrive; their
// encoded form is never whole in memory.
//
// For lists of any length, All is both easier and smaller.
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

// All yields every object that opts select, each decoded when it is its turn. It asks for pages of
// opts.Limit objects, 500 if that is not set, of which one at a time is in memory, undecoded. All
// pages together are the state of one moment.
//
// An error ends the iteration; it comes with a nil object. The server remembers the moment for
// about five minutes. To take longer than that over the objects gives an error for which
// apierrors.IsResourceExpired holds: what was yielded so far was right, and the rest can only be had
// by beginning again.
//
// The iterator can be used more than once; each use asks the server anew.
func (c *Client[T]) All(ctx context.Context, opts metav1.ListOptions) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		if c.err != nil {
			yield(nil, c.err)
			return
		}
		for o, err := range c.r.All(ctx, opts) {
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
