// Package columns prints rows of text in aligned columns.
package columns

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

const (
	// gap is the space between two columns.
	gap = 3
	// held is how much text a Writer holds to align it: about 40,000 pods. A longer table is aligned
	// by what has been read so far, so that a list of any size needs no more memory.
	held = 4 << 20
)

// A Writer aligns rows. It holds them until Flush, or until there are too many; from then on columns
// grow but never shrink.
type Writer struct {
	w      io.Writer
	limit  int
	text   []byte // cells, each with cellEnd or, the last of a row, rowEnd behind it
	widths []int
	line   []byte
	err    error
}

// The ends of cells, which Clean leaves in no cell.
const (
	cellEnd = '\t'
	rowEnd  = '\n'
)

// New returns a writer to w.
func New(w io.Writer) *Writer { return &Writer{w: w, limit: held} }

// Row adds a row. Control characters in cells are shown as escapes: they come from objects, and a
// terminal would obey them.
func (t *Writer) Row(cells ...string) {
	for i, cell := range cells {
		begin := len(t.text)
		t.text = appendClean(t.text, cell)
		if i == len(t.widths) {
			t.widths = append(t.widths, 0)
		}
		t.widths[i] = max(t.widths[i], utf8.RuneCount(t.text[begin:]))
		t.text = append(t.text, cellEnd)
	}
	if len(cells) == 0 {
		t.text = append(t.text, cellEnd)
	}
	t.text[len(t.text)-1] = rowEnd
	if len(t.text) > t.limit {
		_ = t.Flush() // the error stays
	}
}

// Flush writes what is held. Lines have no spaces at their end. The first error stays.
func (t *Writer) Flush() error {
	rest := t.text
	for len(rest) > 0 && t.err == nil {
		end := bytes.IndexByte(rest, rowEnd)
		t.line = t.line[:0]
		spaces := 0
		for i, row := 0, rest[:end]; ; i++ {
			cell, more, found := bytes.Cut(row, []byte{cellEnd})
			if len(cell) > 0 {
				for range spaces {
					t.line = append(t.line, ' ')
				}
				t.line = append(t.line, cell...)
				spaces = 0
			}
			if !found {
				break
			}
			spaces += t.widths[i] - utf8.RuneCount(cell) + gap
			row = more
		}
		_, t.err = t.w.Write(append(t.line, '\n'))
		rest = rest[end+1:]
	}
	t.text = t.text[:0]
	return t.err
}

// Clean returns text for one cell: the first line, with dots in place of the others, and control
// characters as escapes.
func Clean(text string) string { return string(appendClean(nil, text)) }

func appendClean(dst []byte, text string) []byte {
	more := false
	if i := strings.IndexAny(text, "\n\r\f"); i >= 0 {
		text, more = text[:i], true
	}
	for i, r := range text {
		switch {
		case r >= ' ' && r < 0x7f:
			dst = append(dst, byte(r))
		case r == utf8.RuneError && !strings.HasPrefix(text[i:], "\ufffd"):
			dst = append(dst, "\ufffd"...)
		case r < ' ' || r < 0xa0:
			dst = fmt.Appendf(dst, "\\x%02x", r)
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	if more {
		dst = append(dst, "..."...)
	}
	return dst
}
