package monitoring

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"
)

// dashboard is what the file has of Grafana's format.
type dashboard struct {
	Title, UID, Description, Refresh, Timezone string
	Tags                                       []string
	SchemaVersion, Version, GraphTooltip       int
	Editable                                   bool
	Time                                       struct{ From, To string }
	Annotations                                struct{ List []any }
	Links                                      []any
	Templating                                 struct{ List []variable }
	Panels                                     []panel
}

type variable struct {
	Name, Label, Type, Definition, AllValue string
	Query                                   any
	Datasource                              *source
	Refresh, Sort                           int
	Multi, IncludeAll                       bool
	Current                                 map[string]string
}

type source struct{ Type, UID string }

type panel struct {
	ID                       int
	Type, Title, Description string
	Collapsed                bool
	Panels                   []any
	Datasource               *source
	FieldConfig              struct {
		Defaults struct {
			Unit string
			Min  float64
		}
		Overrides []any
	}
	GridPos struct{ H, W, X, Y int }
	Options map[string]any
	Targets []target
}

type target struct {
	RefID, Expr, LegendFormat string
	Datasource                source
}

func readDashboard(t *testing.T) dashboard {
	t.Helper()
	data, err := os.ReadFile(dashboardFile)
	if err != nil {
		t.Fatal(err)
	}
	var d dashboard
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields() // a field that Grafana would not read either
	if err := dec.Decode(&d); err != nil {
		t.Fatal(err)
	}
	return d
}

var variableIn = regexp.MustCompile(`\$\{?(\w+)\}?`)

// expand replaces the variables of a query as Grafana does with all values chosen.
func expand(t *testing.T, expr string, known map[string]bool) string {
	return variableIn.ReplaceAllStringFunc(expr, func(v string) string {
		switch name := strings.Trim(v, "${}"); {
		case name == "__rate_interval":
			return (4 * scrapeEvery).String()
		case known[name]:
			return ".*"
		default:
			t.Errorf("the query %q has the unknown variable %s", expr, v)
			return ""
		}
	})
}

var labelOf = regexp.MustCompile(`\{\{\s*(\w+)\s*\}\}`)

// wantPanels checks each query of the dashboard: it has samples now, its legend tells them apart, and
// the panel's unit is that of what it asks for.
func (d *database) wantPanels(t *testing.T) {
	t.Helper()
	board := readDashboard(t)
	known := map[string]bool{}
	for _, v := range board.Templating.List {
		known[v.Name] = true
	}
	ids, queries := map[int]bool{}, 0
	for _, p := range board.Panels {
		if ids[p.ID] || p.Title == "" || p.GridPos.W < 1 || p.GridPos.X+p.GridPos.W > 24 {
			t.Errorf("panel %d, %q: its id is taken, it has no title, or is not on the grid: %+v", p.ID, p.Title, p.GridPos)
		}
		ids[p.ID] = true
		legends := map[string]bool{}
		for _, q := range p.Targets {
			queries++
			expr := expand(t, q.Expr, known)
			v, err := d.query(t.Context(), expr, d.end())
			if err != nil {
				t.Errorf("panel %q: %v", p.Title, err)
				continue
			}
			if len(v) == 0 {
				t.Errorf("panel %q: %q has no samples", p.Title, expr)
			}
			for _, s := range v {
				legend := labelOf.ReplaceAllStringFunc(q.LegendFormat, func(l string) string {
					name := labelOf.FindStringSubmatch(l)[1]
					if s.Metric.Get(name) == "" {
						t.Errorf("panel %q: the legend %q has no label %s in %s", p.Title, q.LegendFormat, name, s.Metric)
					}
					return s.Metric.Get(name)
				})
				if legends[legend] {
					t.Errorf("panel %q: two lines are named %q", p.Title, legend)
				}
				legends[legend] = true
			}
			if want := d.unitOf(t, expr); !strings.Contains(want, " "+p.FieldConfig.Defaults.Unit+" ") {
				t.Errorf("panel %q has the unit %q, and its query is one of%s: %s", p.Title, p.FieldConfig.Defaults.Unit, want, expr)
			}
		}
	}
	if queries < 35 {
		t.Errorf("only %d queries: this test does not read the dashboard right", queries)
	}
}

// unitOf returns Grafana's units for a query, each with spaces around it.
func (d *database) unitOf(t *testing.T, expr string) string {
	t.Helper()
	e, err := parser.ParseExpr(expr)
	if err != nil {
		t.Fatal(err)
	}
	d.checkTypes(t, e)
	if b, ok := e.(*parser.BinaryExpr); ok && b.Op == parser.DIV {
		return " percentunit "
	}
	name, called := "", map[string]bool{}
	parser.Inspect(e, func(n parser.Node, _ []parser.Node) error {
		switch n := n.(type) {
		case *parser.VectorSelector:
			name = n.Name
		case *parser.Call:
			called[n.Func.Name] = true
		case *parser.AggregateExpr:
			called[n.Op.String()] = true
		}
		return nil
	})
	rate := called["rate"] && !called["histogram_quantile"]
	switch {
	case name == "process_cpu_seconds_total": // seconds in a second: cores
		return " short "
	case called["avg"]: // of figures that are 0 or 1
		return " percentunit "
	case strings.Contains(name, "_bytes") && rate:
		return " Bps "
	case strings.Contains(name, "_bytes"):
		return " bytes "
	case rate:
		return " ops reqps "
	case strings.Contains(name, "_seconds"):
		return " s "
	}
	return " short "
}

// checkTypes checks that each series of an expression is there, and that rates are of what only grows.
func (d *database) checkTypes(t *testing.T, e parser.Expr) {
	t.Helper()
	parser.Inspect(e, func(n parser.Node, path []parser.Node) error {
		s, ok := n.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		_, kind, ok := d.family(s.Name)
		if !ok {
			t.Errorf("no operator has the series %s: %s", s.Name, e)
			return nil
		}
		grows := kind == model.MetricTypeCounter || kind == model.MetricTypeHistogram
		rated := false
		for _, above := range path {
			if c, ok := above.(*parser.Call); ok {
				rated = rated || c.Func.Name == "rate" || c.Func.Name == "increase"
			}
		}
		if grows != rated {
			t.Errorf("%s is a %s, and its rate is taken: %v: %s", s.Name, kind, rated, e)
		}
		for _, m := range s.LabelMatchers { // a label that no series has selects nothing, or all
			if m.Name != model.MetricNameLabel && m.Name != "code" && !d.has(s.Name, m.Name) {
				t.Errorf("no series of %s has the label %s: %s", s.Name, m.Name, e)
			}
		}
		return nil
	})
}

// has reports whether a series of this name has a label.
func (d *database) has(name, label string) bool {
	for _, s := range d.named[name] {
		if s.labels.Has(label) {
			return true
		}
	}
	return false
}

// The rules name only series that there are, of the right type, and have an id of their own each.
func (d *database) wantRules(t *testing.T, elsewhere ...string) {
	t.Helper()
	names := map[string]bool{}
	for _, rule := range alerts(t) {
		if names[rule.Alert] || rule.Annotations["summary"] == "" || rule.Labels["severity"] == "" {
			t.Errorf("the alert %s comes twice, or has no summary, or no severity", rule.Alert)
		}
		names[rule.Alert] = true
		e, err := parser.ParseExpr(rule.Expr)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(fmt.Sprint(elsewhere), rule.Alert) {
			d.checkTypes(t, e)
		}
	}
}
