package store

import (
	"encoding/binary"
	"weak"

	"github.com/skiff-k8s/skiff/pack"
	"github.com/skiff-k8s/skiff/wire"
)

// Objects have much in common, which the store keeps once, in two steps:
//
//   - Siblings are the objects of one kind, namespace and controller owner: the Pods of a
//     ReplicaSet.
//   - A label set is the siblings that have the same labels too, are all being deleted or all not,
//     and are packed against the same base.
//
// Each step has two parts. What its objects have in common (origin, common) is immutable, so that
// Items refer to it. The record (siblings, labelSet) is the store's: it leads to the objects, and
// leaves the store with the last of them. Store.write guards it, and Store.mu the lists in it.

// origin is what siblings have in common.
type origin struct {
	store                       weak.Pointer[Store] // weak, so that an Item does not keep it
	format                      wire.Format
	apiVersion, kind, namespace string
	owner                       wire.Owner
}

// common is what the objects of a label set have in common.
type common struct {
	origin   *origin
	labels   wire.Labels
	deleting bool
	base     *pack.Base
}

// siblings is the record of siblings.
type siblings struct {
	origin *origin
	id     string // all of origin, encoded; its strings are parts of it
	serial uint64 // the number that no other siblings ever have
	number uint32 // in Store.siblings; 0: the store has none of them
	kind   *kind
	group  *pack.Group

	first                *labelSet // Store.mu
	inNamespace, ofOwner links     // Store.mu
}

// labelSet is the record of a label set.
type labelSet struct {
	common   *common
	id       string // all of common but the base, encoded; the labels are parts of it
	siblings *siblings
	group    *pack.Group
	number   uint32 // in Store.sets; 0: the store has none of its objects
	count    uint32 // of entries; Store.mu
	first    uint32 // entry; Store.mu

	next, prev *labelSet // of the siblings; Store.mu

	// otherBase leads around the label sets that differ in nothing but the base, most often from a
	// label set to itself. For one that is not in the store, it leads to one of them; nil is none.
	otherBase *labelSet
}

// kind is the objects of one API version and kind in one format.
type kind struct {
	id       string
	group    *pack.Group
	siblings int // records
}

// appendOriginID appends what tells siblings from others.
func appendOriginID(b []byte, o *wire.Object) []byte {
	m := &o.Meta
	b = append(b, byte(o.Format))
	for _, s := range [...]string{
		o.APIVersion, o.Kind, m.Namespace, m.Owner.APIVersion, m.Owner.Kind, m.Owner.Name,
		m.Owner.UID,
	} {
		b = appendString(b, s)
	}
	return b
}

// newOrigin reads back what appendOriginID wrote.
func newOrigin(store weak.Pointer[Store], id string) *origin {
	o := &origin{store: store, format: wire.Format(id[0])}
	rest := id[1:]
	for _, s := range [...]*string{
		&o.apiVersion, &o.kind, &o.namespace, &o.owner.APIVersion, &o.owner.Kind, &o.owner.Name,
		&o.owner.UID,
	} {
		*s, rest = cutString(rest)
	}
	return o
}

// appendLabelSetID appends what tells label sets from others that differ in more than the base.
func appendLabelSetID(b []byte, serial uint64, o *wire.Object) []byte {
	b = binary.AppendUvarint(b, serial)
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

// newCommon reads back what appendLabelSetID wrote.
func newCommon(o *origin, id string) *common {
	_, rest := cutUvarint(id)
	c := &common{origin: o, deleting: rest[0] == 1}
	n, rest := cutUvarint(rest[1:])
	labels := make([]wire.Label, n)
	for i := range labels {
		labels[i].Key, rest = cutString(rest)
		labels[i].Value, rest = cutString(rest)
	}
	c.labels = wire.NewLabels(labels...)
	return c
}

// fits reports whether o has all that in common, whatever its base.
func (c *common) fits(o *wire.Object) bool {
	from, m := c.origin, &o.Meta
	return c.deleting == m.Deleting && c.labels.Equal(m.Labels) && from.owner == m.Owner &&
		from.namespace == m.Namespace && from.kind == o.Kind && from.apiVersion == o.APIVersion &&
		from.format == o.Format
}

// labelSetFor returns a label set that fits o, whatever its base. It may be a new one, which is not
// in the store. s.write is held.
func (s *Store) labelSetFor(o *wire.Object) *labelSet {
	b := s.buffers
	b.id = appendOriginID(b.id[:0], o)
	var from *siblings
	if number := s.byOrigin.get(unsafeString(b.id)); number != 0 {
		from = s.siblings.at[number]
	} else {
		from = s.newSiblings(string(b.id))
	}
	b.id = appendLabelSetID(b.id[:0], from.serial, o)
	if number := s.byLabels.get(unsafeString(b.id)); number != 0 {
		return s.sets.at[number]
	}
	set := &labelSet{id: string(b.id), siblings: from, group: from.group}
	set.common = newCommon(from.origin, set.id)
	if from.origin.owner.UID == "" && set.common.labels.Len() > 0 {
		// Objects that nobody owns are most alike where their labels are the same.
		set.group = pack.NewGroup(from.group, false)
	}
	return set
}

func (s *Store) newSiblings(id string) *siblings {
	s.serials++
	from := &siblings{origin: newOrigin(s.self, id), id: id, serial: s.serials}
	o := from.origin
	kindID := string(o.format) + o.apiVersion + "/" + o.kind
	if from.kind = s.kinds[kindID]; from.kind == nil {
		from.kind = &kind{id: kindID, group: pack.NewGroup(nil, false)}
	}
	from.group = pack.NewGroup(from.kind.group, o.owner.UID != "")
	return from
}

// withBase returns the label set that differs from set in nothing but that its objects are packed
// against b. It may be a new one, which is not in the store.
func (set *labelSet) withBase(b *pack.Base) *labelSet {
	if set.common.base == b {
		return set
	}
	if set.number == 0 {
		set.common.base = b // nobody has seen it yet
		return set
	}
	for other := set.otherBase; other != set; other = other.otherBase {
		if other.common.base == b {
			return other
		}
	}
	c := *set.common
	c.base = b
	return &labelSet{common: &c, id: set.id, siblings: set.siblings, group: set.group,
		otherBase: set}
}

// link puts an entry into a label set, and the label set into the store if it is not. Both locks
// are held.
func (s *Store) link(e uint32, set *labelSet) {
	if set.number == 0 {
		s.addLabelSet(set)
	}
	if set.first != 0 {
		s.entries.links.at(set.first).prev = e
	}
	*s.entries.links.at(e) = entry{set: set.number, next: set.first}
	set.first = e
	set.count++
}

// unlink takes an entry out of its label set, and the label set out of the store if it was the
// last. Both locks are held.
func (s *Store) unlink(e uint32) {
	at := *s.entries.links.at(e)
	set := s.sets.at[at.set]
	if at.next != 0 {
		s.entries.links.at(at.next).prev = at.prev
	}
	if at.prev != 0 {
		s.entries.links.at(at.prev).next = at.next
	} else {
		set.first = at.next
	}
	if set.count--; set.count == 0 {
		s.removeLabelSet(set)
	}
}

func (s *Store) addLabelSet(set *labelSet) {
	s.changes++
	set.number = s.sets.add(set)
	if other := set.otherBase; other != nil {
		set.otherBase, other.otherBase = other.otherBase, set
	} else {
		set.otherBase = set
		s.byLabels.put(set.number)
	}
	from := set.siblings
	if from.first == nil {
		s.addSiblings(from)
	} else {
		from.first.prev = set
	}
	set.next, from.first = from.first, set
}

func (s *Store) removeLabelSet(set *labelSet) {
	s.changes++
	if set.otherBase == set {
		s.byLabels.remove(set.id)
	} else {
		before := set.otherBase
		for before.otherBase != set {
			before = before.otherBase
		}
		before.otherBase = set.otherBase
		s.byLabels.put(before.number) // in place of set, if it was that
	}
	s.sets.remove(set.number)
	from := set.siblings
	if set.next != nil {
		set.next.prev = set.prev
	}
	if set.prev != nil {
		set.prev.next = set.next
	} else {
		from.first = set.next
	}
	//mutants:equal nobody asks for the number of a label set that was removed
	set.number, set.next, set.prev, set.otherBase = 0, nil, nil, nil
	if from.first == nil {
		s.removeSiblings(from)
	}
}

func (s *Store) addSiblings(from *siblings) {
	from.number = s.siblings.add(from)
	s.byOrigin.put(from.number)
	if from.kind.siblings++; from.kind.siblings == 1 {
		s.kinds[from.kind.id] = from.kind
	}
	s.namespaces.add(from)
	if from.origin.owner.UID != "" {
		s.owners.add(from)
	}
}

func (s *Store) removeSiblings(from *siblings) {
	s.namespaces.remove(from)
	if from.origin.owner.UID != "" {
		s.owners.remove(from)
	}
	s.byOrigin.remove(from.id)
	if from.kind.siblings--; from.kind.siblings == 0 {
		delete(s.kinds, from.kind.id)
	}
	s.siblings.remove(from.number)
	from.number = 0 //mutants:equal nobody asks for that of siblings that were removed
}

// siblingsBy are siblings by a value that some of them have in common: the indexes that every store
// has. They cost nothing for an object.
type siblingsBy struct {
	records *records[siblings]
	value   func(*siblings) string
	links   func(*siblings) *links
	first   table // by value
}

// links are the siblings of the same value.
type links struct{ next, prev *siblings }

func newSiblingsBy(r *records[siblings], value func(*siblings) string,
	l func(*siblings) *links) siblingsBy {
	return siblingsBy{r, value, l,
		newTable(func(number uint32) string { return value(r.at[number]) })}
}

func (t *siblingsBy) get(value string) *siblings {
	if number := t.first.get(value); number != 0 {
		return t.records.at[number]
	}
	return nil
}

func (t *siblingsBy) add(from *siblings) {
	first := t.get(t.value(from))
	if first == nil {
		t.first.put(from.number)
		return
	}
	// Behind the first, which stays the first.
	second := t.links(first).next
	*t.links(from) = links{next: second, prev: first}
	t.links(first).next = from
	if second != nil {
		t.links(second).prev = from
	}
}

func (t *siblingsBy) remove(from *siblings) {
	at := *t.links(from)
	*t.links(from) = links{}
	if at.next != nil {
		t.links(at.next).prev = at.prev
	}
	switch {
	case at.prev != nil:
		t.links(at.prev).next = at.next
	case at.next != nil:
		t.first.put(at.next.number) // in place of from
	default:
		t.first.remove(t.value(from))
	}
}
