// Package list reads the objects of a resource: in pages, as tables or as objects, and then what
// changes.
package list

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/cmd/skiff/internal/cli"
	"github.com/skiff-k8s/skiff/cmd/skiff/internal/table"
	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/rest"
	"github.com/skiff-k8s/skiff/wire"
)

// DefaultChunk is how many objects a request asks for: as many as kubectl's.
const DefaultChunk = 500

// A Query says which objects are read.
type Query struct {
	Client    *rest.Client
	Kind      kind.Info
	Namespace string // "" for all
	// Name is that of one object. "" means those that Labels and Fields select.
	Name        string
	Subresource string // of the object with that name
	Labels      string // a label selector
	Fields      string // a field selector
	// Chunk is how many objects a request asks for; 0 means all.
	Chunk int64
	// ManagedFields keeps metadata.managedFields in objects.
	ManagedFields bool
	// Metadata asks for objects as PartialObjectMetadata, which in protobuf is a part of their size.
	Metadata bool
	// Include is what a row of a table has beside its cells.
	Include metav1.IncludeObjectPolicy
	// Warn is called if the list is not of one moment. nil means nothing is called.
	Warn func(string)
	// Progress is called with the number of objects so far. It may be nil.
	Progress func(int)
}

// acceptTable asks for a table, or for objects if the server knows no tables.
const acceptTable = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"

// acceptMetadata asks for metadata of many objects or of one (the parameter is the kind), or for
// objects if the server knows no such kind.
const acceptMetadata = "application/vnd.kubernetes.protobuf;as=%[1]s;v=v1;g=meta.k8s.io," +
	"application/json;as=%[1]s;v=v1;g=meta.k8s.io,application/json"

// request returns the request for the objects. kind is that of the answer, if it is not the objects.
func (q *Query) request(kind string) *rest.Request {
	req := q.Client.GroupVersion(q.Kind.GVK().GroupVersion()).Get().Resource(q.Kind.Resource).
		Format(wire.JSON)
	if q.Metadata && kind != "Table" {
		req = req.SetHeader("Accept", fmt.Sprintf(acceptMetadata, kind))
	}
	if q.Kind.Namespaced {
		req = req.Namespace(q.Namespace)
	}
	if q.Name != "" {
		req = req.Name(q.Name)
	}
	if q.Subresource != "" {
		req = req.SubResource(q.Subresource)
	}
	return req
}

// asTable makes a request ask for a table.
func (q *Query) asTable(req *rest.Request) *rest.Request {
	req = req.SetHeader("Accept", acceptTable)
	if q.Include != "" {
		req = req.Param("includeObject", string(q.Include))
	}
	return req
}

// describe names the request in an error of the server.
func (q *Query) describe(err error) error {
	verb := "list"
	if q.Name != "" {
		verb = "get"
	}
	return cli.Describe(verb, q.Kind, q.Name, err)
}

// options returns the options that are wire's.
func (q *Query) options() wire.Options {
	return wire.Options{APIVersion: q.Kind.APIVersion(), Kind: q.Kind.Kind,
		KeepManagedFields: q.ManagedFields}
}

// Tables returns an iterator over the objects as tables, one for each page. A page is valid until the
// next one. An error ends the iteration, and comes with a nil page.
func (q *Query) Tables(ctx context.Context) iter.Seq2[*table.Page, error] {
	return func(yield func(*table.Page, error) bool) {
		more := true
		err := q.pages(ctx, func(opts metav1.ListOptions) (position, error) {
			page, err := q.tablePage(ctx, opts)
			if err != nil {
				return position{}, err
			}
			more = yield(page, nil)
			return position{page.Continue, page.Version, len(page.Rows), !more}, nil
		})
		if err != nil && more {
			yield(nil, err)
		}
	}
}

func (q *Query) tablePage(ctx context.Context, opts metav1.ListOptions) (*table.Page, error) {
	req := q.request("Table")
	if q.Name == "" {
		req = req.VersionedParams(&opts)
	}
	body, err := q.asTable(req).DoRaw(ctx)
	if err != nil {
		return nil, q.describe(err)
	}
	return table.Read(body)
}

// Objects returns an iterator over the objects as JSON with their apiVersion and kind. One object is
// in memory at a time. An error ends the iteration.
func (q *Query) Objects(ctx context.Context) iter.Seq2[wire.Object, error] {
	return func(yield func(wire.Object, error) bool) {
		more := true
		err := q.pages(ctx, func(opts metav1.ListOptions) (at position, err error) {
			if q.Name != "" {
				o, err := q.request("PartialObjectMetadata").Do(ctx).Object(q.options())
				if err != nil {
					return at, q.describe(err)
				}
				more = yield(withType(o), nil)
				return position{count: 1, stop: !more}, nil
			}
			at, err = q.objectPage(ctx, opts, func(o wire.Object) bool {
				more = yield(withType(o), nil)
				return more
			})
			at.stop = !more
			return at, err
		})
		if err != nil && more {
			yield(wire.Object{}, err)
		}
	}
}

// objectPage calls visit with the objects of a page until it returns false.
func (q *Query) objectPage(ctx context.Context, opts metav1.ListOptions,
	visit func(wire.Object) bool) (position, error) {
	stream, err := q.request("PartialObjectMetadataList").VersionedParams(&opts).
		List(ctx, q.options())
	if err != nil {
		return position{}, q.describe(err)
	}
	defer func() { _ = stream.Close() }()
	for count := 0; ; count++ {
		o, err := stream.Next()
		if err == io.EOF {
			m := stream.Meta()
			return position{next: m.Continue, version: m.ResourceVersion, count: count}, nil
		}
		if err != nil {
			return position{}, q.describe(err)
		}
		if !visit(o) {
			return position{}, nil
		}
	}
}

// position is where a list is after a page.
type position struct {
	next    string // the token for the next page
	version string // of the list
	count   int    // objects of the page
	stop    bool   // the caller wants no more
}

// pages calls read for each page. If the server's snapshot of the list has expired, it goes on with
// the token that the server gives for that: the rest of the list is newer than its beginning (API
// concepts, "Retrieving large results sets in chunks").
func (q *Query) pages(ctx context.Context,
	read func(metav1.ListOptions) (position, error)) error {
	opts := metav1.ListOptions{LabelSelector: q.Labels, FieldSelector: q.Fields, Limit: q.Chunk}
	total, refused := 0, ""
	for {
		at, err := read(opts)
		if err != nil && opts.Continue != "" && apierrors.IsResourceExpired(err) {
			next := continueOf(err)
			if next == "" || opts.Continue == refused {
				return fmt.Errorf("%w (after %d objects); run it again, or read all at once with "+
					"--chunk-size 0", err, total)
			}
			opts.Continue, refused = next, next
			if q.Warn != nil {
				q.Warn(fmt.Sprintf("list %s, after %d objects: the server's snapshot has expired; the "+
					"rest is newer than the beginning", q.Kind.GVR().GroupResource(), total))
			}
			continue
		}
		total += at.count
		if q.Progress != nil {
			q.Progress(total)
		}
		if err != nil || at.stop || at.next == "" {
			return err
		}
		if at.next == opts.Continue {
			return fmt.Errorf("list %s, after %d objects: the server repeats a continue token, so the "+
				"list has no end", q.Kind.GVR().GroupResource(), total)
		}
		opts.Continue = at.next
	}
}

// continueOf returns the token that an expired list's error has for the rest of a list.
func continueOf(err error) string {
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return ""
	}
	return status.Status().Continue
}
