package dynamic_test

import (
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/dynamic"
	"github.com/skiff-k8s/skiff/kind"
)

func TestTables(t *testing.T) {
	c, ctx := connect(t), soon(t)
	ns := controlplane.Start(t).Namespace(t)
	maps := client.Of[corev1.ConfigMap](c).In(ns)
	for i := range 5 {
		if _, err := maps.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprint("m", i), Labels: map[string]string{"a": "b"}},
			Data: map[string]string{"k": "v"}}, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	r := dynamic.New(c).Resource(configMaps).In(ns)
	mine := metav1.ListOptions{LabelSelector: "a=b"}

	table, err := r.Table(ctx, mine, "")
	if err != nil {
		t.Fatal(err)
	}
	var columns []string
	for _, d := range table.ColumnDefinitions {
		columns = append(columns, d.Name)
	}
	if got := strings.Join(columns, " "); got != "Name Data Age" || len(table.Rows) != 5 || table.ResourceVersion == "" || table.Kind != "Table" {
		t.Fatalf("the columns are %q of %d rows, %+v %+v", got, len(table.Rows), table.TypeMeta, table.ListMeta)
	}
	for i, row := range table.Rows {
		meta, ok := row.Object.Object.(*metav1.PartialObjectMetadata)
		if !ok || meta.Name != fmt.Sprint("m", i) || meta.Labels["a"] != "b" || row.Cells[0] != meta.Name || fmt.Sprint(row.Cells[1]) != "1" {
			t.Errorf("row %d is %v of %+v", i, row.Cells, row.Object.Object)
		}
	}
	if table, err = r.Table(ctx, mine, metav1.IncludeNone); err != nil || table.Rows[0].Object.Object != nil || table.Rows[0].Object.Raw != nil {
		t.Errorf("without objects: %v, %v", table, err)
	}
	if table, err = r.Table(ctx, mine, metav1.IncludeObject); err != nil || table.Rows[0].Object.Object != nil || !strings.Contains(string(table.Rows[0].Object.Raw), `"data":{"k":"v"}`) {
		t.Errorf("with objects: %v, %v", table, err)
	}
	if table, err = r.GetTable(ctx, "m3", metav1.GetOptions{}, ""); err != nil || len(table.Rows) != 1 || table.Rows[0].Cells[0] != "m3" {
		t.Errorf("of one object: %v, %v", table, err)
	}
	if _, err := r.GetTable(ctx, "m9", metav1.GetOptions{}, ""); !apierrors.IsNotFound(err) {
		t.Errorf("of an object that is not there: %v", err)
	}
	if _, err := r.GetTable(ctx, "", metav1.GetOptions{}, ""); !misused(err) {
		t.Errorf("of no name: %v", err)
	}
	if _, err := dynamic.New(c).Resource(nodes).In(ns).Table(ctx, metav1.ListOptions{}, ""); !misused(err) {
		t.Errorf("of nodes in a namespace: %v", err)
	}
	for limit, pages := range map[int64]string{0: "5", -1: "5", 2: "2 2 1", 5: "5", 4: "4 1"} {
		var got []string
		opts := mine
		opts.Limit = limit
		for table, err := range r.Tables(ctx, opts, "") {
			if err != nil {
				t.Fatal(err)
			}
			if len(table.ColumnDefinitions) != 3 {
				t.Errorf("limit %d: a page has %d columns", limit, len(table.ColumnDefinitions))
			}
			got = append(got, fmt.Sprint(len(table.Rows)))
		}
		if strings.Join(got, " ") != pages {
			t.Errorf("limit %d: the pages have %v rows, want %s", limit, got, pages)
		}
	}
}

func TestWatchOfTables(t *testing.T) {
	c, ctx := connect(t), soon(t)
	ns := controlplane.Start(t).Namespace(t)
	maps := client.Of[corev1.ConfigMap](c).In(ns)
	r := dynamic.New(c).Resource(configMaps).In(ns)
	w, err := r.WatchTable(ctx, metav1.ListOptions{FieldSelector: "metadata.name=m", AllowWatchBookmarks: true}, "")
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	is := func(typ string, data string) {
		t.Helper()
		for {
			e, err := w.Next()
			if err != nil {
				t.Fatal(err)
			}
			if e.Type == client.Bookmark {
				continue
			}
			meta, ok := e.Table.Rows[0].Object.Object.(*metav1.PartialObjectMetadata)
			if !ok || meta.Name != "m" || string(e.Type) != typ || fmt.Sprint(e.Table.Rows[0].Cells[1]) != data || len(e.Table.ColumnDefinitions) != 3 {
				t.Errorf("the event is %s %+v, want %s with %s data", e.Type, e.Table, typ, data)
			}
			return
		}
	}
	if _, err := maps.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "m"}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	is("ADDED", "0")
	if _, err := maps.Patch(ctx, "m", types.MergePatchType, []byte(`{"data":{"k":"v"}}`), metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	is("MODIFIED", "1")
	if err := maps.Delete(ctx, "m", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	is("DELETED", "1")
	w.Close()
	for _, err := range w.Events() {
		if err == nil {
			t.Error("a closed watch has an event")
		}
	}
}

func misused(err error) bool { _, ok := err.(*kind.MisuseError); return ok }
