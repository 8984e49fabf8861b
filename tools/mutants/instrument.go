package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// helpers is the file that an instrumented package has beside its own. MUTANT is the number of the
// mutant that its process is; 0 means none, and -1 means that it writes the numbers of the mutants
// that it comes by to the file REACHED.
const helpers = `package %s

import (
	"cmp"
	"os"
	"strconv"
	"sync/atomic"
)

var (
	_mutant, _  = strconv.Atoi(os.Getenv("MUTANT"))
	_reached, _ = os.OpenFile(os.Getenv("REACHED"), os.O_APPEND|os.O_WRONLY, 0)
	_seen       [%d]atomic.Bool
)

func _note(id int) {
	if !_seen[id].Swap(true) {
		_reached.WriteString(strconv.Itoa(id) + "\n")
	}
}

func _is(id int) bool {
	if _mutant < 0 {
		_note(id)
	}
	return _mutant == id
}

func _c[T any](v T, id int, other T) T {
	if _is(id) {
		return other
	}
	return v
}

// Of an order, only what it makes of equals is in question.

func _lss[T cmp.Ordered](a, b T, id int) bool { return a < b || a == b && _is(id) }
func _leq[T cmp.Ordered](a, b T, id int) bool { return a < b || a == b && !_is(id) }
func _gtr[T cmp.Ordered](a, b T, id int) bool { return a > b || a == b && _is(id) }
func _geq[T cmp.Ordered](a, b T, id int) bool { return a > b || a == b && !_is(id) }
func _eql[T comparable](a, b T, id int) bool  { return (a == b) != _is(id) }
func _neq[T comparable](a, b T, id int) bool  { return (a != b) != _is(id) }
`

var comparing = map[token.Token]string{
	token.LSS: "_lss", token.LEQ: "_leq", token.GTR: "_gtr", token.GEQ: "_geq",
	token.EQL: "_eql", token.NEQ: "_neq",
}

// overlay is a set of files that stand in place of others while Go builds.
type overlay struct {
	dir     string // where the files are
	Replace map[string]string
}

func newOverlay(dir string) (*overlay, error) {
	return &overlay{dir: dir, Replace: map[string]string{}}, os.MkdirAll(dir, 0o700)
}

func (o *overlay) add(path, text string) error {
	file := filepath.Join(o.dir, fmt.Sprintf("%d.go", len(o.Replace)))
	o.Replace[path] = file
	return os.WriteFile(file, []byte(text), 0o600)
}

// write returns the file that go's flag -overlay takes.
func (o *overlay) write() (string, error) {
	data, err := json.Marshal(o)
	if err != nil {
		return "", err
	}
	file := filepath.Join(o.dir, "overlay.json")
	return file, os.WriteFile(file, data, 0o600)
}

// instrument adds to o the files of p with all mutants in them. total is above each mutant's number.
func (o *overlay) instrument(p *program, places []*place, total int) error {
	bySource := map[*source][]edit{}
	for _, e := range places {
		bySource[e.source] = append(bySource[e.source], e.edits()...)
	}
	for s, edits := range bySource {
		if err := o.add(s.path, rewrite(s.text, edits)); err != nil {
			return err
		}
	}
	return o.add(filepath.Join(p.dir, "zz_mutants.go"), fmt.Sprintf(helpers, p.name, total))
}

// alone adds to o the file of a mutant that has a compile of its own.
func (o *overlay) alone(m *mutant) error {
	text, to := m.source.text, m.to
	if !m.operator {
		to = "(" + to + ")"
	}
	return o.add(m.source.path, string(text[:m.start])+to+string(text[m.end:]))
}

// edit replaces the bytes from start to end. size is that of the expression that it belongs to: of
// two insertions at one place, that of the larger expression is the outer one.
type edit struct {
	start, end int
	text       string
	opens      bool
	size       int
}

func (e *place) edits() []edit {
	size := e.end - e.start
	if e.typ == "" {
		return []edit{
			{e.start, e.start, comparing[e.op] + "(", true, size},
			{e.opStart, e.opEnd, ",", false, 0},
			{e.end, e.end, fmt.Sprintf(", %d)", e.ids[0]), false, size},
		}
	}
	var before, after strings.Builder
	for i, id := range e.ids {
		fmt.Fprintf(&before, "_c[%s](", e.typ)
		fmt.Fprintf(&after, ", %d, %s)", id, e.alts[i])
	}
	return []edit{
		{e.start, e.start, before.String(), true, size},
		{e.end, e.end, after.String(), false, size},
	}
}

func rewrite(text []byte, edits []edit) string {
	slices.SortStableFunc(edits, func(a, b edit) int {
		if c := cmp.Compare(a.start, b.start); c != 0 {
			return c
		}
		if a.opens != b.opens {
			return map[bool]int{false: -1, true: 1}[a.opens]
		}
		if a.opens {
			return b.size - a.size
		}
		return a.size - b.size
	})
	var b strings.Builder
	at := 0
	for _, e := range edits {
		b.Write(text[at:e.start])
		b.WriteString(e.text)
		at = e.end
	}
	b.Write(text[at:])
	return b.String()
}
