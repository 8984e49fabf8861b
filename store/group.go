package store

import (
	"encoding/binary"
	"slices"
	"strings"

	"github.com/skiff-k8s/skiff/wire"
)

// What many objects have in common is held once, in three steps: the Pods of one ReplicaSet are of
// one lineage, those of them that have the same labels are a family, and those of the family that
// are packed against the same base are a group. Most lineages have one family, and most families
// one group.
//
// Their descriptions are immutable. The lists that lead down to the entries are guarded by Store.mu,
// what counts and chooses by Store.write. The store forgets each with the last of its objects;
// items that are still about keep theirs alive.

// lineage is namespace, owner and kind.
type lineage struct {
	store                       *Store
	id                          string // all of it, encoded; the strings below are parts of it
	number                      uint64 // of this lineage among all that the store ever had
	format                      wire.Format
	apiVersion, kind, namespace string
	owner                       wire.Owner

	groups      []*group // Store.mu
	atNamespace int      // where it stands among its namespace's lineages; Store.mu
	atOwner     int      // among its owner's, if it has one; Store.mu

	scope    // of its objects; Store.write
	families int
	root     *root
}

// family is the labels of objects of one lineage, and whether they are being deleted (which stands
// here because an entry has no bit left for it).
type family struct {
	lineage  *lineage
	id       string // all of it, encoded; the labels are parts of it
	deleting bool
	labels   wire.Labels

	scope  // of its objects, if nobody owns them; Store.write
	groups []*group
}

// group is objects of one family that are packed against one base.
type group struct {
	family *family
	base   *base // nil: against none

	entries []*entry // Store.mu
	at      int      // where it stands among its lineage's groups; Store.mu
}

// appendLineageID appends what tells lineages apart.
func appendLineageID(b []byte, o *wire.Object) []byte {
	m := &o.Meta
	b = append(b, byte(o.Format))
	for _, s := range [...]string{
		o.APIVersion, o.Kind, m.Namespace, m.Owner.APIVersion, m.Owner.Kind, m.Owner.Name, m.Owner.UID,
	} {
		b = appendString(b, s)
	}
	return b
}

// newLineage reads back what appendLineageID wrote.
func newLineage(id string) *lineage {
	l := &lineage{id: id, format: wire.Format(id[0])}
	rest := id[1:]
	for _, s := range [...]*string{
		&l.apiVersion, &l.kind, &l.namespace, &l.owner.APIVersion, &l.owner.Kind, &l.owner.Name, &l.owner.UID,
	} {
		*s, rest = cutString(rest)
	}
	return l
}

// appendFamilyID appends what tells families apart.
func appendFamilyID(b []byte, l *lineage, o *wire.Object) []byte {
	b = binary.AppendUvarint(b, l.number)
	deleting := byte(0)
	if o.Meta.Deleting {
		deleting = 1
	}
	b = append(b, deleting)
	b = binary.AppendUvarint(b, uint64(o.Meta.Labels.Len()))
	for key, value := range o.Meta.Labels.All() {
		b = appendString(b, key)
		b = appendString(b, value)
	}
	return b
}

// newFamily reads back what appendFamilyID wrote.
func newFamily(l *lineage, id string) *family {
	_, rest := cutUvarint(id)
	f := &family{lineage: l, id: id, deleting: rest[0] == 1}
	n, rest := cutUvarint(rest[1:])
	labels := make([]wire.Label, n)
	for i := range labels {
		labels[i].Key, rest = cutString(rest)
		labels[i].Value, rest = cutString(rest)
	}
	f.labels = wire.NewLabels(labels...)
	return f
}

// has says whether o belongs to the family.
func (f *family) has(o *wire.Object) bool {
	l, m := f.lineage, &o.Meta
	return f.deleting == m.Deleting && f.labels.Equal(m.Labels) && l.owner == m.Owner &&
		l.namespace == m.Namespace && l.kind == o.Kind && l.apiVersion == o.APIVersion && l.format == o.Format
}

// familyOf returns the family that o belongs to; a new one, which nobody knows of yet, if it is the
// first. s.write is held.
func (s *Store) familyOf(o *wire.Object) *family {
	s.scratch = appendLineageID(s.scratch[:0], o)
	l, ok := getBytes(&s.lineages, s.scratch)
	if !ok {
		l = newLineage(string(s.scratch))
		l.store, l.number = s, s.numbers
		s.numbers++
		l.root = s.rootOf(l)
	}
	s.scratch = appendFamilyID(s.scratch[:0], l, o)
	f, ok := getBytes(&s.families, s.scratch)
	if !ok {
		f = newFamily(l, string(s.scratch))
	}
	return f
}

// group returns the group of f with that base; a new one, which nobody knows of yet, if there is
// none.
func (f *family) group(b *base) *group {
	for _, g := range f.groups {
		if g.base == b {
			return g
		}
	}
	return &group{family: f, base: b}
}

// enter puts e into the group g. Who was not known becomes known. Both locks are held.
func (s *Store) enter(e *entry, g *group, state string) {
	e.group, e.state, e.at = g, state, uint32(len(g.entries))
	g.entries = append(g.entries, e)
	s.count(g, state, +1)
	if len(g.entries) > 1 {
		return
	}
	f := g.family
	l := f.lineage
	s.groups++
	g.at = len(l.groups)
	l.groups = append(l.groups, g)
	if f.groups = append(f.groups, g); len(f.groups) > 1 {
		return
	}
	s.families.put(f.id, f)
	if l.families++; l.families > 1 {
		return
	}
	s.lineages.put(l.id, l)
	if l.root.lineages++; l.root.lineages == 1 {
		s.roots.put(l.root.id, l.root)
	}
	l.atNamespace = s.namespaces.enter(l.namespace, l)
	if l.owner.UID != "" {
		l.atOwner = s.owners.enter(l.owner.UID, l)
	}
}

// leave takes out the entry that stands in g at a place, with the state that it had there. Who has
// no object left is forgotten. Both locks are held.
func (s *Store) leave(g *group, at uint32, state string) {
	s.count(g, state, -1)
	g.entries = without(g.entries, int(at), func(moved *entry) { moved.at = at })
	if len(g.entries) > 0 {
		return
	}
	f := g.family
	l := f.lineage
	s.groups--
	l.groups = without(l.groups, g.at, func(moved *group) { moved.at = g.at })
	f.groups = without(f.groups, slices.Index(f.groups, g), func(*group) {})
	if len(f.groups) > 0 {
		return
	}
	s.families.delete(f.id)
	s.retire(&f.scope)
	if l.families--; l.families > 0 {
		return
	}
	s.lineages.delete(l.id)
	s.retire(&l.scope)
	s.namespaces.leave(l.namespace, l.atNamespace, func(moved *lineage) { moved.atNamespace = l.atNamespace })
	if l.owner.UID != "" {
		s.owners.leave(l.owner.UID, l.atOwner, func(moved *lineage) { moved.atOwner = l.atOwner })
	}
	if l.root.lineages--; l.root.lineages == 0 {
		s.roots.delete(l.root.id)
		s.retire(&l.root.scope)
	}
}

// lineagesBy are lineages by something that they have in common.
type lineagesBy struct {
	table[string, *[]*lineage]
}

func (t *lineagesBy) enter(value string, l *lineage) (at int) {
	list, ok := t.get(value)
	if !ok {
		list = new([]*lineage)
		t.put(strings.Clone(value), list) // not to pin the lineage that it came from
	}
	*list = append(*list, l)
	return len(*list) - 1
}

func (t *lineagesBy) leave(value string, at int, moved func(*lineage)) {
	list, _ := t.get(value)
	if *list = without(*list, at, moved); len(*list) == 0 {
		t.delete(value)
	}
}

// without returns list without the one at a place, to which the last one moves; moved is told which.
// It gives memory back when most of it is not needed any more.
func without[T any](list []*T, at int, moved func(*T)) []*T {
	last := len(list) - 1
	if at != last {
		list[at] = list[last]
		moved(list[at])
	}
	list[last] = nil
	list = list[:last]
	if last == 0 {
		return nil
	}
	if cap(list) > shrinkAbove && last < cap(list)/shrinkAt {
		list = append(make([]*T, 0, last), list...)
	}
	return list
}
