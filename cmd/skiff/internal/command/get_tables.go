package command

import (
	"bufio"
	"context"
	"errors"
	"io"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/cmd/skiff/internal/cli"
	"github.com/skiff-k8s/skiff/cmd/skiff/internal/columns"
	"github.com/skiff-k8s/skiff/cmd/skiff/internal/list"
	"github.com/skiff-k8s/skiff/cmd/skiff/internal/scan"
	"github.com/skiff-k8s/skiff/cmd/skiff/internal/table"
	"github.com/skiff-k8s/skiff/discovery"
)

// tables prints objects in the server's columns, one table for each resource.
func (o *get) tables(ctx context.Context, targets []cli.Target, queries [][]list.Query) error {
	var errs []error
	printed := 0
	progress := o.f.Progress("objects")
	defer progress.Close()
	out := bufio.NewWriterSize(progress.Writer(o.f.Out), 64<<10)
	for i, target := range targets {
		rows := o.rows(out, target.Resource, len(targets) > 1)
		rows.separate = printed > 0
		var sorted *sorter
		if o.sort != nil {
			sorted = &sorter{path: o.sort}
		}
		for _, q := range queries[i] {
			if !rows.needMeta() && o.sort == nil {
				q.Include = metav1.IncludeNone
			}
			q.Progress = progress.Count
			for page, err := range q.Tables(ctx) {
				if err != nil {
					errs = append(errs, o.keep(err))
					break
				}
				if len(page.Columns) > 0 {
					rows.columns = page.Columns
				}
				printed += len(page.Rows)
				for _, row := range page.Rows {
					if sorted == nil {
						rows.print("", row)
					} else if err := sorted.addRow(rows.cells("", row), row.Object); err != nil {
						return err
					}
				}
			}
		}
		if sorted != nil {
			for _, cells := range sorted.rows() {
				rows.printCells(cells)
			}
		}
		if err := rows.out.Flush(); err != nil {
			return err
		}
	}
	if err := out.Flush(); err != nil {
		return err
	}
	err := errors.Join(errs...)
	if printed == 0 && err == nil {
		o.nothing(queries)
	}
	return err
}

// rowPrinter prints the rows of one resource.
type rowPrinter struct {
	out     *columns.Writer
	columns []table.Column

	events       bool
	namespace    bool
	wide         bool
	prefix       string // before the name
	labelColumns []string
	labels       bool

	noHeaders bool
	separate  bool // an empty line comes first
	begun     bool
}

// rows returns a printer for a resource. several says that there are other resources.
func (o *get) rows(w io.Writer, r discovery.Resource, several bool) *rowPrinter {
	p := &rowPrinter{
		out:          columns.New(w),
		events:       o.watchEvents,
		namespace:    o.allNamespaces && r.Info.Namespaced,
		wide:         o.output == "wide",
		labelColumns: o.labelColumns,
		labels:       o.showLabels,
		noHeaders:    o.noHeaders,
	}
	if several || o.showKind {
		p.prefix = cli.ObjectName(r, "")
	}
	return p
}

// needMeta reports whether the rows show something of the metadata.
func (p *rowPrinter) needMeta() bool {
	return p.namespace || p.labels || len(p.labelColumns) > 0
}

func (p *rowPrinter) print(event string, row table.Row) { p.printCells(p.cells(event, row)) }

// printCells prints the cells of a row, after the header if they are the first.
func (p *rowPrinter) printCells(cells []string) {
	if !p.begun {
		p.begun = true
		if p.separate {
			p.out.Row()
		}
		if !p.noHeaders {
			p.out.Row(p.header()...)
		}
	}
	p.out.Row(cells...)
}

func (p *rowPrinter) header() []string {
	var cells []string
	if p.events {
		cells = append(cells, "EVENT")
	}
	if p.namespace {
		cells = append(cells, "NAMESPACE")
	}
	for _, c := range p.columns {
		if p.shows(c) {
			cells = append(cells, strings.ToUpper(c.Name))
		}
	}
	for _, key := range p.labelColumns {
		cells = append(cells, strings.ToUpper(key[strings.LastIndex(key, "/")+1:]))
	}
	if p.labels {
		cells = append(cells, "LABELS")
	}
	return cells
}

func (p *rowPrinter) shows(c table.Column) bool { return c.Priority == 0 || p.wide }

func (p *rowPrinter) cells(event string, row table.Row) []string {
	cells := make([]string, 0, len(p.columns)+4)
	if p.events {
		cells = append(cells, event)
	}
	var m table.Meta
	if p.needMeta() {
		m = table.ReadMeta(row.Object)
	}
	if p.namespace {
		cells = append(cells, m.Namespace)
	}
	prefix := p.prefix
	for i, c := range p.columns {
		if !p.shows(c) {
			continue
		}
		text := ""
		if i < len(row.Cells) {
			text = scan.Text(row.Cells[i])
		}
		cells = append(cells, prefix+text) // the name is in the first column
		prefix = ""
	}
	for _, key := range p.labelColumns {
		cells = append(cells, orNone(m.Label(key)))
	}
	if p.labels {
		pairs := make([]string, len(m.Labels))
		for i, l := range m.Labels {
			pairs[i] = l.Key + "=" + l.Value
		}
		cells = append(cells, orNone(strings.Join(pairs, ",")))
	}
	return cells
}

func orNone(s string) string {
	if s == "" {
		return "<none>"
	}
	return s
}
