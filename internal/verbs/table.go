package verbs

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/internal/ctxerr"
	"github.com/skiff-k8s/skiff/rest"
	"github.com/skiff-k8s/skiff/wire"
)

// asTable returns the resource with answers as tables, of which the API has no protobuf.
func (r Resource) asTable() Resource {
	r.As, r.Format = "Table", wire.JSON
	return r
}

// Table returns one page of the objects, or with a name one object, as a table.
func (r Resource) Table(ctx context.Context, name string, opts metav1.ListOptions,
	objects metav1.IncludeObjectPolicy) (*metav1.Table, error) {
	var err error
	if name != "" {
		r, err = r.one("get", name)
	} else {
		r, err = r.inScope("list", "", false)
	}
	if err != nil {
		return nil, err
	}
	opts.Watch, opts.Limit = false, max(opts.Limit, 0)
	r = r.asTable()
	req := r.to(r.Rest.Get())
	if name != "" {
		req = req.Name(name)
		opts = metav1.ListOptions{ResourceVersion: opts.ResourceVersion}
	}
	o, err := including(req.VersionedParams(&opts), objects).Do(ctx).Object(r.options())
	if err != nil {
		return nil, err
	}
	return r.tableOf(o)
}

func including(req *rest.Request, objects metav1.IncludeObjectPolicy) *rest.Request {
	if objects == "" {
		return req
	}
	return req.Param("includeObject", string(objects))
}

// tableOf decodes a table, and the metadata in its rows.
func (r Resource) tableOf(o wire.Object) (*metav1.Table, error) {
	table := &metav1.Table{}
	if err := wire.Decode(o, table); err != nil {
		return nil, r.Rest.Redact(fmt.Errorf("%s as a table: %w", r, err))
	}
	for i := range table.Rows {
		object := &table.Rows[i].Object
		meta := &metav1.PartialObjectMetadata{}
		if len(object.Raw) == 0 || json.Unmarshal(object.Raw, &meta.TypeMeta) != nil ||
			meta.Kind != "PartialObjectMetadata" {
			continue
		}
		if err := json.Unmarshal(object.Raw, meta); err != nil {
			return nil, r.Rest.Redact(fmt.Errorf("%s as a table: the object of row %d: %w", r, i, err))
		}
		object.Object = meta
	}
	return table, nil
}

// Tables yields the pages of opts.Limit objects, each with the columns; 0 means 500, and negative
// means one page.
func (r Resource) Tables(ctx context.Context, opts metav1.ListOptions,
	objects metav1.IncludeObjectPolicy) iter.Seq2[*metav1.Table, error] {
	if opts.Limit == 0 {
		opts.Limit = pageSize
	}
	return func(yield func(*metav1.Table, error) bool) {
		opts := opts // each use of the iterator begins anew
		var columns []metav1.TableColumnDefinition
		for count := 0; ; {
			if ctx.Err() != nil {
				yield(nil, fmt.Errorf("list %s, after %d objects: %w", r, count, ctxerr.Of(ctx)))
				return
			}
			table, err := r.Table(ctx, "", opts, objects)
			if err != nil {
				yield(nil, r.expired(err, opts.Continue, count))
				return
			}
			if len(table.ColumnDefinitions) == 0 {
				table.ColumnDefinitions = columns
			}
			columns = table.ColumnDefinitions
			next := table.Continue
			count += len(table.Rows)
			if !yield(table, nil) || next == "" {
				return
			}
			if next == opts.Continue {
				yield(nil, fmt.Errorf("list %s, after %d objects: the server repeats a continue "+
					"token, so the list has no end", r, count))
				return
			}
			opts.Continue = next
			opts.ResourceVersion, opts.ResourceVersionMatch = "", "" // the token contains it
		}
	}
}

// TableWatch is an open stream of changes as tables.
type TableWatch struct {
	w       *Watch
	columns []metav1.TableColumnDefinition // the server sends them in the first table only
}

// WatchTable opens the stream of changes as tables.
func (r Resource) WatchTable(ctx context.Context, opts metav1.ListOptions,
	objects metav1.IncludeObjectPolicy) (*TableWatch, error) {
	w, err := r.asTable().watch(ctx, opts, objects)
	if err != nil {
		return nil, err
	}
	return &TableWatch{w: w}, nil
}

// Next returns the next change.
func (t *TableWatch) Next() (wire.Event, *metav1.Table, error) {
	var table *metav1.Table
	event, err := t.w.Next(func(o wire.Object) (err error) {
		table, err = t.w.Resource.tableOf(o)
		return err
	})
	if err != nil {
		return wire.Event{}, nil, err
	}
	if len(table.ColumnDefinitions) == 0 {
		table.ColumnDefinitions = t.columns
	}
	t.columns = table.ColumnDefinitions
	return event, table, nil
}

// Close ends the watch.
func (t *TableWatch) Close() error { return t.w.Close() }
