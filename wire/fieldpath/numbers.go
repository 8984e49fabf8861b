package fieldpath

import (
	"cmp"
	"slices"

	"github.com/skiff-k8s/skiff/wire/internal/scan"
)

// Numbers is where paths lead to in a protobuf message, field by field: to all the fields of one
// number. A list has no message of its own there: its elements are the fields of one number. A map
// is the fields of one number too, one for each entry. nil leads nowhere. Numbers never change, and
// are safe for concurrent use.
type Numbers struct {
	whole  bool    // a path ends here, or at what is nearly all of it: the value of a map's entry
	scalar *scalar // how to read the value that a path ends at, if it is one
	fields []numbered

	// Of a map, whose entries are these fields. An entry is a message, its value a field in it.
	entries []keyed
	each    *Numbers // entries of other keys
	isEntry bool     // it is such a message
}

type numbered struct {
	number int
	node   *Numbers
}

type keyed struct {
	key  string
	node *Numbers
}

// Whole reports whether a path ends at the field, so that all of it is chosen.
func (n *Numbers) Whole() bool { return n != nil && n.whole }

// Field returns where the fields of a number lead to in a message.
func (n *Numbers) Field(number int) *Numbers {
	if n == nil {
		return nil
	}
	for i := range n.fields {
		if n.fields[i].number == number {
			return n.fields[i].node
		}
	}
	return nil
}

// IsMap reports whether the field is an entry of a map, so that Entry tells where it leads to.
func (n *Numbers) IsMap() bool { return n != nil && (n.entries != nil || n.each != nil) }

// Entry returns where a map's entry with that key leads to.
func (n *Numbers) Entry(key []byte) *Numbers {
	if n == nil {
		return nil
	}
	for i := range n.entries {
		if n.entries[i].key == string(key) {
			return n.entries[i].node
		}
	}
	return n.each
}

// at returns where the field that f has read leads to: n, or of a map the entry with its key. An
// entry that is malformed is an error of f.
func (n *Numbers) at(f *scan.Protobuf) *Numbers {
	if !n.IsMap() {
		return n
	}
	if f.Type != scan.Bytes {
		return nil
	}
	key := f.MapKey()
	if f.Err != nil {
		return nil
	}
	return n.Entry(f.Bytes(key))
}

// add adds a path to the tree.
func (n *Numbers) add(p fieldPath) {
	for _, h := range p.hops {
		n = n.child(h)
	}
	if !p.absent {
		n.whole, n.scalar = true, cmp.Or(p.scalar, n.scalar)
	}
}

// child returns where a hop leads to. If that is nowhere, child adds it.
func (n *Numbers) child(h hop) *Numbers {
	switch h.kind {
	case stepEach:
		if n.each == nil {
			n.each = &Numbers{isEntry: true}
		}
		return n.each
	case stepKey:
		for _, e := range n.entries {
			if e.key == h.key {
				return e.node
			}
		}
		n.entries = append(n.entries, keyed{h.key, &Numbers{isEntry: true}})
		return n.entries[len(n.entries)-1].node
	}
	if child := n.Field(h.number); child != nil {
		return child
	}
	n.fields = append(n.fields, numbered{h.number, &Numbers{}})
	return n.fields[len(n.fields)-1].node
}

// resolved is as in JSON. An entry whose value is chosen is chosen itself.
func (n *Numbers) resolved() *Numbers {
	if n == nil {
		return nil
	}
	r := &Numbers{whole: n.whole, scalar: n.scalar, each: n.each.resolved(), isEntry: n.isEntry}
	for _, f := range n.fields {
		r.fields = append(r.fields, numbered{f.number, f.node.resolved()})
		if n.isEntry && f.node.whole {
			r.whole = true
		}
	}
	for _, e := range n.entries {
		r.entries = append(r.entries, keyed{e.key, e.node.with(n.each).resolved()})
	}
	return r
}

// with returns both trees in one.
func (n *Numbers) with(other *Numbers) *Numbers {
	if n == nil {
		return other
	}
	if other == nil {
		return n
	}
	both := &Numbers{
		whole: n.whole || other.whole, scalar: cmp.Or(n.scalar, other.scalar),
		each: n.each.with(other.each), isEntry: n.isEntry,
		fields: slices.Clone(n.fields), entries: slices.Clone(n.entries),
	}
	for _, f := range other.fields {
		i := slices.IndexFunc(both.fields, func(b numbered) bool { return b.number == f.number })
		if i < 0 {
			both.fields = append(both.fields, f)
		} else {
			both.fields[i].node = both.fields[i].node.with(f.node)
		}
	}
	for _, e := range other.entries {
		i := slices.IndexFunc(both.entries, func(b keyed) bool { return b.key == e.key })
		if i < 0 {
			both.entries = append(both.entries, e)
		} else {
			both.entries[i].node = both.entries[i].node.with(e.node)
		}
	}
	return both
}
