// Package columns prints rows of text in aligned columns.
package columns

import (
	"io"
	"strings"
	"unicode/utf8"
)

// gap is the space between two columns.
const gap = 3

// A Table is rows of cells. The zero Table is empty.
type Table struct {
	rows   [][]string
	widths []int
}

// Add adds a row.
func (t *Table) Add(cells ...string) {
	t.rows = append(t.rows, cells)
	for i, cell := range cells {
		if i == len(t.widths) {
			t.widths = append(t.widths, 0)
		}
		t.widths[i] = max(t.widths[i], utf8.RuneCountInString(cell))
	}
}

// Write writes the rows. Lines have no spaces at their end.
func (t *Table) Write(w io.Writer) error {
	var line []byte
	for _, row := range t.rows {
		line = line[:0]
		spaces := 0
		for i, cell := range row {
			if cell != "" {
				line = append(line, strings.Repeat(" ", spaces)...)
				line = append(line, cell...)
				spaces = 0
			}
			spaces += t.widths[i] - utf8.RuneCountInString(cell) + gap
		}
		if _, err := w.Write(append(line, '\n')); err != nil {
			return err
		}
	}
	return nil
}
