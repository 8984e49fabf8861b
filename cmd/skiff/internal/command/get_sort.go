package command

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
	utiljson "k8s.io/apimachinery/pkg/util/json"

	"github.com/skiff-k8s/skiff/cmd/skiff/internal/output"
)

// sorter sorts what get prints by a field. It holds rows or objects, all of them.
type sorter struct {
	path  *output.Path
	items []sortable
}

type sortable struct {
	key    sortKey
	cells  []string
	object output.Object
}

// addRow adds a row of the object that is its JSON.
func (s *sorter) addRow(cells []string, object []byte) error {
	key, err := s.key(object)
	s.items = append(s.items, sortable{key: key, cells: cells})
	return err
}

func (s *sorter) addObject(o output.Object) error {
	key, err := s.key(o.JSON)
	s.items = append(s.items, sortable{key: key, object: o})
	return err
}

func (s *sorter) key(object []byte) (sortKey, error) {
	var v any
	if err := utiljson.Unmarshal(object, &v); err != nil {
		return sortKey{}, fmt.Errorf("read the field of --sort-by: %w", err)
	}
	values, err := s.path.Values(v)
	if err != nil {
		return sortKey{}, fmt.Errorf("read the field of --sort-by: %w", err)
	}
	if len(values) == 0 {
		return sortKey{}, nil
	}
	return keyOf(values[0]), nil
}

// sorted sorts; what is equal stays in the server's order.
func (s *sorter) sorted() []sortable {
	slices.SortStableFunc(s.items, func(a, b sortable) int { return a.key.compare(b.key) })
	return s.items
}

func (s *sorter) rows() [][]string {
	rows := make([][]string, len(s.items))
	for i, item := range s.sorted() {
		rows[i] = item.cells
	}
	return rows
}

func (s *sorter) objects() []output.Object {
	objects := make([]output.Object, len(s.items))
	for i, item := range s.sorted() {
		objects[i] = item.object
	}
	return objects
}

// A sortKey is the value of a field to sort by. Objects without the field come first, then numbers and
// quantities ("500m", "1Gi"), then text, whose digits count as numbers: web-9 precedes web-10.
type sortKey struct {
	class    int
	quantity resource.Quantity
	text     string
}

const (
	classNone = iota
	classNumber
	classText
)

func keyOf(v any) sortKey {
	if v == nil {
		return sortKey{}
	}
	text := fmt.Sprint(v)
	if q, err := resource.ParseQuantity(text); err == nil {
		return sortKey{class: classNumber, quantity: q, text: text}
	}
	return sortKey{class: classText, text: text}
}

func (k sortKey) compare(o sortKey) int {
	switch {
	case k.class != o.class:
		return k.class - o.class
	case k.class == classNumber:
		return k.quantity.Cmp(o.quantity)
	}
	return compareNatural(k.text, o.text)
}

// compareNatural compares text, in which a run of digits counts as a number.
func compareNatural(a, b string) int {
	for a != "" && b != "" {
		digitsA, digitsB := leadingDigits(a), leadingDigits(b)
		if digitsA == 0 || digitsB == 0 {
			if a[0] != b[0] {
				return int(a[0]) - int(b[0])
			}
			a, b = a[1:], b[1:]
			continue
		}
		x, y := strings.TrimLeft(a[:digitsA], "0"), strings.TrimLeft(b[:digitsB], "0")
		if len(x) != len(y) {
			return len(x) - len(y)
		}
		if c := strings.Compare(x, y); c != 0 {
			return c
		}
		a, b = a[digitsA:], b[digitsB:]
	}
	return len(a) - len(b)
}

func leadingDigits(s string) int {
	n := 0
	for n < len(s) && '0' <= s[n] && s[n] <= '9' {
		n++
	}
	return n
}
