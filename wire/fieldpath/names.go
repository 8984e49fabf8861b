package fieldpath

import (
	"iter"
	"slices"
)

// Names is where paths lead to in a JSON value, member by member. nil leads nowhere. Names never
// change, and are safe for concurrent use.
type Names struct {
	whole   bool // a path ends here
	members []named
	each    *Names // elements of an array, and members that are not among the above
}

type named struct {
	name string
	node *Names
}

// Whole reports whether a path ends at the value, so that all of it is chosen.
func (n *Names) Whole() bool { return n != nil && n.whole }

// Member returns where the member of that name leads to in an object.
func (n *Names) Member(name []byte) *Names {
	if n == nil {
		return nil
	}
	for i := range n.members {
		if n.members[i].name == string(name) {
			return n.members[i].node
		}
	}
	return n.each
}

// Named returns an iterator over the names of the members that paths lead to by name.
func (n *Names) Named() iter.Seq[string] {
	return func(yield func(string) bool) {
		if n == nil {
			return
		}
		for _, m := range n.members {
			if !yield(m.name) {
				return
			}
		}
	}
}

// Element returns where the elements of an array lead to.
func (n *Names) Element() *Names {
	if n == nil {
		return nil
	}
	return n.each
}

// add adds a path to the tree.
func (n *Names) add(steps []step) {
	for _, s := range steps {
		if s.kind == stepEach {
			if n.each == nil {
				n.each = &Names{}
			}
			n = n.each
			continue
		}
		i := slices.IndexFunc(n.members, func(m named) bool { return m.name == s.name })
		if i < 0 {
			i = len(n.members)
			n.members = append(n.members, named{s.name, &Names{}})
		}
		n = n.members[i].node
	}
	n.whole = true
}

// resolved returns the tree in which what is chosen of each member is chosen of those with a name
// of their own too.
func (n *Names) resolved() *Names {
	if n == nil {
		return nil
	}
	r := &Names{whole: n.whole, each: n.each.resolved()}
	for _, m := range n.members {
		r.members = append(r.members, named{m.name, m.node.with(n.each).resolved()})
	}
	return r
}

// with returns both trees in one.
func (n *Names) with(other *Names) *Names {
	if n == nil {
		return other
	}
	if other == nil {
		return n
	}
	both := &Names{whole: n.whole || other.whole, members: slices.Clone(n.members),
		each: n.each.with(other.each)}
	for _, m := range other.members {
		i := slices.IndexFunc(both.members, func(b named) bool { return b.name == m.name })
		if i < 0 {
			both.members = append(both.members, m)
		} else {
			both.members[i].node = both.members[i].node.with(m.node)
		}
	}
	return both
}
