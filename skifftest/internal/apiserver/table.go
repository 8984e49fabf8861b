package apiserver

import (
	"fmt"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/duration"

	"github.com/skiff-k8s/skiff/internal/storage"
)

// column is a printer column of a custom kind.
type column struct {
	metav1.TableColumnDefinition
	path []string
}

// columnsOf returns the columns of a version of a definition. Of JSON paths those are known that name a
// field.
func columnsOf(v content) []column {
	all := []column{{metav1.TableColumnDefinition{
		Name: "Name", Type: "string", Format: "name", Description: metav1.ObjectMeta{}.SwaggerDoc()["name"],
	}, []string{"metadata", "name"}}}
	columns, _ := v["additionalPrinterColumns"].([]any)
	if len(columns) == 0 {
		columns = []any{content{"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp",
			"description": metav1.ObjectMeta{}.SwaggerDoc()["creationTimestamp"]}}
	}
	for _, v := range columns {
		v, _ := v.(content)
		priority, _ := v["priority"].(int64)
		description := str(v, "description")
		if description == "" {
			description = "Custom resource definition column (in JSONPath format): " + str(v, "jsonPath")
		}
		all = append(all, column{metav1.TableColumnDefinition{
			Name: str(v, "name"), Type: str(v, "type"), Format: str(v, "format"), Priority: int32(priority),
			Description: description,
		}, jsonPath(str(v, "jsonPath"))})
	}
	return all
}

// table returns objects of a custom kind as a Table.
func (c *call) table(objects ...*storage.Object) *metav1.Table {
	t := &metav1.Table{
		TypeMeta: metav1.TypeMeta{APIVersion: "meta.k8s.io/v1", Kind: "Table"}, Rows: []metav1.TableRow{},
	}
	for _, col := range c.res.columns {
		t.ColumnDefinitions = append(t.ColumnDefinitions, col.TableColumnDefinition)
	}
	for _, o := range objects {
		object := c.res.fromStored(thaw(o))
		var cells []any
		for _, col := range c.res.columns {
			v := at(object, col.path...)
			if text, ok := v.(string); ok && col.Type == "date" {
				v = c.age(text)
			}
			cells = append(cells, v)
		}
		row := metav1.TableRow{Cells: cells}
		switch include := c.q.Get("includeObject"); strings.ToLower(include) {
		case "none":
		case "object":
			row.Object = runtime.RawExtension{Raw: encodeJSON(object)}
		default:
			if p, err := partial(o.JSON); err == nil {
				row.Object = runtime.RawExtension{Raw: encodeJSON(p)}
			}
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

func (c *call) age(text string) string {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return "<invalid>"
	}
	return fmt.Sprint(duration.HumanDuration(c.s.now().Sub(at)))
}
