package dynamic

import (
	"context"
	"iter"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/internal/verbs"
	"github.com/skiff-k8s/skiff/wire"
)

// Table returns the objects that opts select as rows of a table, with the columns that kubectl shows
// (https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables). A
// column whose Priority is not 0 is one of kubectl's -o wide. opts.Limit is the largest number of
// rows; if there are more, the table's Continue is the value for opts.Continue.
//
// objects is what each row holds beside its cells:
//   - metav1.IncludeMetadata, also "": Object.Object is a *metav1.PartialObjectMetadata;
//   - metav1.IncludeObject: Object.Raw is the object's JSON;
//   - metav1.IncludeNone: nothing.
//
// A server that knows no tables, as some aggregated ones, answers 406.
func (d *Resource) Table(ctx context.Context, opts metav1.ListOptions,
	objects metav1.IncludeObjectPolicy) (*metav1.Table, error) {
	return d.r.Table(ctx, "", opts, objects)
}

// GetTable returns one object as a table of one row.
func (d *Resource) GetTable(ctx context.Context, name string, opts metav1.GetOptions,
	objects metav1.IncludeObjectPolicy) (*metav1.Table, error) {
	if name == "" {
		_, err := d.r.Get(ctx, "", &opts, nil)
		return nil, err
	}
	return d.r.Table(ctx, name, metav1.ListOptions{ResourceVersion: opts.ResourceVersion}, objects)
}

// Tables returns an iterator over tables of every object that opts select, a page each. The page
// size is opts.Limit: 0 means 500, and negative means one page of all objects. Each table has the
// column definitions. Errors are as those of All: the last element, with a nil table.
func (d *Resource) Tables(ctx context.Context, opts metav1.ListOptions,
	objects metav1.IncludeObjectPolicy) iter.Seq2[*metav1.Table, error] {
	return d.r.Tables(ctx, opts, objects)
}

// TableEvent is one change of one object.
type TableEvent struct {
	Type wire.EventType

	// Table has the one row of the object, and the column definitions. In a bookmark it has no row,
	// and the ResourceVersion that the watch has reached.
	Table *metav1.Table
}

// TableWatch is an open stream of changes. Next and Events are for one goroutine at a time; Close
// may be called from any.
type TableWatch struct{ w *verbs.TableWatch }

// WatchTable is Watch with tables. Its options are those of Watch, and objects is that of Table.
func (d *Resource) WatchTable(ctx context.Context, opts metav1.ListOptions,
	objects metav1.IncludeObjectPolicy) (*TableWatch, error) {
	w, err := d.r.WatchTable(ctx, opts, objects)
	if err != nil {
		return nil, err
	}
	return &TableWatch{w}, nil
}

// Next waits for the next event and returns it. Its errors are those of Watch.Next.
func (w *TableWatch) Next() (TableEvent, error) {
	event, table, err := w.w.Next()
	if err != nil {
		return TableEvent{}, err
	}
	return TableEvent{Type: event.Type, Table: table}, nil
}

// Events returns an iterator over the events. It ends without an error if the server ends the watch
// in good order, and yields the error of Next otherwise. When the loop ends, it closes the watch.
func (w *TableWatch) Events() iter.Seq2[TableEvent, error] { return verbs.Events(w.Next, w.Close) }

// Close ends the watch: a Next under way returns an error. It may be called more than once.
func (w *TableWatch) Close() error { return w.w.Close() }
