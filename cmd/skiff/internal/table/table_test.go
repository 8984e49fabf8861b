package table_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/skiff-k8s/skiff/cmd/skiff/internal/scan"
	"github.com/skiff-k8s/skiff/cmd/skiff/internal/table"
)

func cells(row table.Row) string {
	var text []string
	for _, c := range row.Cells {
		text = append(text, scan.Text(c))
	}
	return strings.Join(text, "|")
}

func TestRead(t *testing.T) {
	p, err := table.Read([]byte(`{"kind":"Table","apiVersion":"meta.k8s.io/v1","metadata":{"resourceVersion":"7","continue":"c","remainingItemCount":12},
		"columnDefinitions":[{"name":"Name","type":"string","priority":0},{"name":"Node","priority":1}],
		"rows":[{"cells":["a","n\u0031"],"object":{"kind":"PartialObjectMetadata","metadata":{"name":"a","namespace":"ns","uid":"u","resourceVersion":"5",
			"creationTimestamp":"2020-01-02T03:04:05Z","labels":{"k\"ey":"v","x":"y"},"managedFields":[{"fieldsV1":{"f:a":{}}}]}}},
		{"cells":[3,null],"object":null},{"cells":[true,1.5]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(p.Columns, p.Version, p.Continue, p.Remaining); got != "[{Name 0} {Node 1}]7c12" {
		t.Errorf("the page is %s", got)
	}
	for i, want := range []string{"a|n1", "3|", "true|1.5"} {
		if got := cells(p.Rows[i]); got != want {
			t.Errorf("row %d: %s, want %s", i, got, want)
		}
	}
	m := table.ReadMeta(p.Rows[0].Object)
	if m.Key() != "ns/a" || m.UID != "u" || m.Version != "5" || m.Created != "2020-01-02T03:04:05Z" || m.Label(`k"ey`) != "v" || m.Label("x") != "y" || m.Label("no") != "" {
		t.Errorf("metadata %+v", m)
	}
	if p.Rows[1].Object != nil || p.Rows[2].Object != nil || table.ReadMeta(nil).Key() != "" {
		t.Error("a row without an object has one")
	}
}

// Objects in place of a table become one of names and ages; what is neither is an error.
func TestReadWithoutTables(t *testing.T) {
	p, err := table.Read([]byte(`{"kind":"BoatList","metadata":{"resourceVersion":"7"},"items":[{"metadata":{"name":"a","creationTimestamp":"2020-01-02T03:04:05Z"}},{"metadata":{"name":"b"}}]}`))
	if err != nil || len(p.Rows) != 2 || !strings.HasPrefix(cells(p.Rows[0]), "a|") || strings.Contains(cells(p.Rows[0]), "unknown") || cells(p.Rows[1]) != "b|<unknown>" {
		t.Errorf("a list: %+v, %v", p, err)
	}
	p, err = table.Read([]byte(`{"kind":"Boat","metadata":{"name":"a","resourceVersion":"7"}}`))
	if err != nil || len(p.Rows) != 1 || cells(p.Rows[0]) != "a|<unknown>" {
		t.Errorf("an object: %+v, %v", p, err)
	}
	p, err = table.Read([]byte(`{"kind":"BoatList","metadata":{"resourceVersion":"7"},"items":[]}`))
	if err != nil || len(p.Rows) != 0 {
		t.Errorf("an empty list: %+v, %v", p, err)
	}
	for _, body := range []string{``, `[]`, `{}`, `{"kind":"Status","metadata":{}}`, `{"kind":"Table","rows":[{"cells":["a"`, `{"kind":"Table","rows":{}}`} {
		if p, err := table.Read([]byte(body)); err == nil {
			t.Errorf("%s is a page: %+v", body, p)
		}
	}
}

// A page takes no memory for what is not printed: less than one allocation for each row.
func TestReadAllocatesLittle(t *testing.T) {
	const rows = 500
	row := `{"cells":["a","b","c","d","e"],"object":{"metadata":{"name":"a","managedFields":[` + strings.Repeat(`{"f":{"g":["h"]}},`, 50) + `{}]}}}`
	body := []byte(`{"kind":"Table","metadata":{"resourceVersion":"1"},"columnDefinitions":[],"rows":[` + strings.Repeat(row+",", rows-1) + row + `]}`)
	allocations := testing.AllocsPerRun(5, func() {
		if p, err := table.Read(body); err != nil || len(p.Rows) != rows {
			t.Fatal(err)
		}
	})
	t.Logf("%.1f allocations a row", allocations/rows)
	if allocations > rows {
		t.Errorf("%.0f allocations for %d rows", allocations, rows)
	}
}
