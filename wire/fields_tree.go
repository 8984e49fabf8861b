package wire

import (
	"cmp"
	"slices"
)

// jsonNode is where paths lead to in JSON.
type jsonNode struct {
	whole   bool // a path ends here
	members []jsonMember
	each    *jsonNode // elements of an array, and members that are not among the above
}

type jsonMember struct {
	name string
	node *jsonNode
}

// protobufNode is where paths lead to in protobuf: to all the fields of one number in a message.
type protobufNode struct {
	whole  bool    // a path ends here, or at what is nearly all of it: the value of a map's entry
	scalar *scalar // how to read the value that a path ends at, if it is one
	fields []protobufField

	// Of a map, whose entries are these fields. An entry is a message, its value a field in it.
	entries []protobufEntry
	each    *protobufNode // entries of other keys
	isEntry bool          // it is such a message
}

type protobufField struct {
	number int
	node   *protobufNode
}

type protobufEntry struct {
	key  string
	node *protobufNode
}

// newTrees makes trees of paths.
func newTrees(paths []fieldPath, protobuf bool) trees {
	t := trees{json: &jsonNode{}}
	if protobuf {
		t.protobuf = &protobufNode{}
	}
	for _, p := range paths {
		t.json.add(p.steps)
		if protobuf {
			t.protobuf.add(p)
		}
	}
	t.json = t.json.resolved()
	if protobuf {
		t.protobuf = t.protobuf.resolved()
	}
	return t
}

// member is where a member of an object leads to; nil if that is nowhere.
func (n *jsonNode) member(name []byte) *jsonNode {
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

func (n *jsonNode) add(steps []step) {
	for _, s := range steps {
		if s.kind == stepEach {
			if n.each == nil {
				n.each = &jsonNode{}
			}
			n = n.each
			continue
		}
		i := slices.IndexFunc(n.members, func(m jsonMember) bool { return m.name == s.name })
		if i < 0 {
			i = len(n.members)
			n.members = append(n.members, jsonMember{s.name, &jsonNode{}})
		}
		n = n.members[i].node
	}
	n.whole = true
}

// resolved is the tree with what is said of each member said of those that are named too.
func (n *jsonNode) resolved() *jsonNode {
	if n == nil {
		return nil
	}
	r := &jsonNode{whole: n.whole, each: n.each.resolved()}
	for _, m := range n.members {
		r.members = append(r.members, jsonMember{m.name, m.node.with(n.each).resolved()})
	}
	return r
}

// with is both trees in one.
func (n *jsonNode) with(other *jsonNode) *jsonNode {
	if n == nil {
		return other
	}
	if other == nil {
		return n
	}
	both := &jsonNode{whole: n.whole || other.whole, members: slices.Clone(n.members), each: n.each.with(other.each)}
	for _, m := range other.members {
		i := slices.IndexFunc(both.members, func(b jsonMember) bool { return b.name == m.name })
		if i < 0 {
			both.members = append(both.members, m)
		} else {
			both.members[i].node = both.members[i].node.with(m.node)
		}
	}
	return both
}

// field is where the fields of a number lead to; nil if that is nowhere.
func (n *protobufNode) field(number int) *protobufNode {
	for i := range n.fields {
		if n.fields[i].number == number {
			return n.fields[i].node
		}
	}
	return nil
}

// entry is where the field that f has read leads to: n itself, but of a map the entry of that key; nil
// if that is nowhere.
func (n *protobufNode) entry(f *fields) *protobufNode {
	if n == nil || n.entries == nil && n.each == nil {
		return n
	}
	if f.wireType != wireBytes {
		return nil
	}
	var key text
	e := f.message()
	for e.next() {
		if e.num == mapKey {
			key = e.text()
		}
	}
	if f.inner(&e); f.err != nil {
		return nil
	}
	for i := range n.entries {
		if n.entries[i].key == string(f.bytes(key)) {
			return n.entries[i].node
		}
	}
	return n.each
}

func (n *protobufNode) add(p fieldPath) {
	for _, h := range p.hops {
		n = n.child(h)
	}
	if !p.absent {
		n.whole, n.scalar = true, cmp.Or(p.scalar, n.scalar)
	}
}

// child is where a hop leads to; it is made if there is none.
func (n *protobufNode) child(h hop) *protobufNode {
	switch h.kind {
	case stepEach:
		if n.each == nil {
			n.each = &protobufNode{isEntry: true}
		}
		return n.each
	case stepKey:
		for _, e := range n.entries {
			if e.key == h.key {
				return e.node
			}
		}
		n.entries = append(n.entries, protobufEntry{h.key, &protobufNode{isEntry: true}})
		return n.entries[len(n.entries)-1].node
	}
	if child := n.field(h.number); child != nil {
		return child
	}
	n.fields = append(n.fields, protobufField{h.number, &protobufNode{}})
	return n.fields[len(n.fields)-1].node
}

// resolved is as in JSON. An entry whose value is meant is meant itself.
func (n *protobufNode) resolved() *protobufNode {
	if n == nil {
		return nil
	}
	r := &protobufNode{whole: n.whole, scalar: n.scalar, each: n.each.resolved(), isEntry: n.isEntry}
	for _, f := range n.fields {
		r.fields = append(r.fields, protobufField{f.number, f.node.resolved()})
		if n.isEntry && f.node.whole {
			r.whole = true
		}
	}
	for _, e := range n.entries {
		r.entries = append(r.entries, protobufEntry{e.key, e.node.with(n.each).resolved()})
	}
	return r
}

// with is both trees in one.
func (n *protobufNode) with(other *protobufNode) *protobufNode {
	if n == nil {
		return other
	}
	if other == nil {
		return n
	}
	both := &protobufNode{
		whole: n.whole || other.whole, scalar: cmp.Or(n.scalar, other.scalar), each: n.each.with(other.each), isEntry: n.isEntry,
		fields: slices.Clone(n.fields), entries: slices.Clone(n.entries),
	}
	for _, f := range other.fields {
		i := slices.IndexFunc(both.fields, func(b protobufField) bool { return b.number == f.number })
		if i < 0 {
			both.fields = append(both.fields, f)
		} else {
			both.fields[i].node = both.fields[i].node.with(f.node)
		}
	}
	for _, e := range other.entries {
		i := slices.IndexFunc(both.entries, func(b protobufEntry) bool { return b.key == e.key })
		if i < 0 {
			both.entries = append(both.entries, e)
		} else {
			both.entries[i].node = both.entries[i].node.with(e.node)
		}
	}
	return both
}
