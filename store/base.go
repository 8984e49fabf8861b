package store

import (
	"bytes"

	"github.com/klauspost/compress/s2"

	"github.com/skiff-k8s/skiff/store/internal/near"
	"github.com/skiff-k8s/skiff/wire"
)

// Objects are packed against one that is like them, a base. There are two steps of them:
//
//   - The root of a kind is the first of its objects that is fit for it, as it came.
//   - A scope's base is one of the scope's objects, packed against the root: the Pods of one owner
//     are a scope; of what nobody owns, those with the same labels in a namespace are one, and all
//     that the namespace has of a kind.
//
// A scope has a base from its fourth object on, for a base costs as much as packing three objects
// against the root does. So there are hardly more bases than a quarter of the objects, and each goes
// with the last object that needs it.
//
// No base is kept prepared but the last one used, and none unpacked for long (athand.go): to do both
// takes a few microseconds, where to keep 400 ready would take more memory than they save.
type base struct {
	root *base  // that data is packed against; nil for a root
	data []byte // with room behind it for near.Unpack
	size int    // of the object

	halved bool // data's digits are: see block.go

	opened bool // at least once, to pack against it; Store.write
	atHand int  // where it stands in the workshop's bases at hand, plus one; Store.write

	scope *scope // whose base it is or was
	refs  int    // entries packed against it, and bases; Store.write
	known bool   // it is on the books; Store.write

	packs int // how many objects were packed, or would have been, against it
	first int // bytes that one took at first, on average
	now   int // bytes that one takes now, on average, times averageOver
	raw   int // bytes that one has unpacked, likewise
}

// scope is what has a base. All of it is guarded by Store.write.
type scope struct {
	objects int
	base    *base // the one that is used now
	old     int   // bases that it had and that some objects still need
}

// root is the scope of a kind.
type root struct {
	scope
	id       string
	lineages int
}

const (
	bornAt = 4 // objects a scope has when it gets a base

	// What is smaller than minBase is not worth a base; what is larger than maxBase costs more than
	// it saves, and has most in common with itself. maxNear keeps base, header and object within
	// near.MaxBytes.
	minBase = 128
	maxBase = 16 << 10
	maxNear = 40 << 10

	// adoptAtMost bounds how many objects are packed anew when their scope gets a base.
	adoptAtMost = 4 * bornAt

	averageOver = 16
)

// rootOf returns the root for a lineage's kind. s.write is held.
func (s *Store) rootOf(l *lineage) *root {
	id := string(l.format) + l.apiVersion + "/" + l.kind
	if r, ok := s.roots.get(id); ok {
		return r
	}
	return &root{id: id} // enter makes it known
}

// baseFor returns what an object of a family is to be packed against, or nil; bear says whether the
// object may become a base for it. s.write is held.
func (s *Store) baseFor(f *family, data []byte, bear bool) *base {
	if len(data) < minBase || len(data) > maxNear {
		return nil
	}
	l := f.lineage
	own := func(c *scope, root *base, at int) *base {
		if !bear || c.objects+1 < at || len(data) > maxBase {
			return c.base
		}
		if l.owner.UID != "" && c == &l.scope && c.outgrown(len(data)) {
			s.retire(c)
		}
		if c.base == nil {
			s.bear(c, root, data)
		}
		return c.base
	}
	root := own(&l.root.scope, nil, 1)
	if root == nil {
		return nil
	}
	if l.owner.UID == "" && f.labels.Len() > 0 {
		if b := own(&f.scope, root, bornAt); b != nil {
			return b
		}
	}
	if b := own(&l.scope, root, bornAt); b != nil {
		return b
	}
	return root
}

// bear makes an object the base of a scope.
func (s *Store) bear(c *scope, root *base, data []byte) {
	b := &base{root: root, scope: c, size: len(data)}
	if root != nil {
		s.scratch = s.near(root).Pack(s.scratch[:0], nil, data)
		s.scratch, s.other, b.halved = halve(s.scratch, s.other)
		b.data = bytes.Clone(s.scratch)
	} else {
		b.data = append(near.Room(nil, len(data)), data...)
	}
	c.base = b
	s.settle(b)
}

// adopt packs those of the scope's objects against its base that were there before it: a few, for
// a scope has its base soon. s.write is held.
func (s *Store) adopt(f *family, b *base) {
	groups := f.groups
	if b.scope == &f.lineage.scope {
		groups = f.lineage.groups
	}
	var orphans []*entry
	for _, g := range groups {
		if g.base != nil && (g.base.scope == b.scope || g.base.scope == &g.family.scope) {
			continue // it has a base of its own already, even if that is an old one
		}
		for _, e := range g.entries {
			if n := rawLen(e.state); n >= minBase && n <= maxNear && len(orphans) < adoptAtMost {
				orphans = append(orphans, e)
			}
		}
	}
	for _, e := range orphans {
		var state string
		if err := (Item{e.group, e.state}).Use(func(o wire.Object) error {
			state = s.pack(b, &o)
			return nil
		}); err != nil {
			return // it stays as it is
		}
		was := Item{e.group, e.state}
		s.mu.Lock()
		s.exchange(e, Item{e.group.family.group(b), state})
		s.mu.Unlock()
		s.forget(was)
	}
}

// near returns the packer, ready to pack against b.
func (s *Store) near(b *base) *near.Packer {
	if s.ready != b {
		s.packer.Base(s.text(b))
		s.ready = b
	}
	return &s.packer
}

// open returns the base as it came, in the memory of into if it has room, with room behind it for
// near.Unpack. It works in spare, which it returns for the next time. It is safe for concurrent use.
func (b *base) open(into, spare []byte) (open, forNextTime []byte) {
	if b.root == nil {
		return append(near.Room(into, len(b.data)), b.data...), spare
	}
	data, err := b.data, error(nil)
	if b.halved {
		spare, err = restore(spare, data)
		data = spare
	}
	if err == nil {
		into, err = near.Unpack(near.Room(into, b.size), b.root.data, data)
	}
	if err != nil {
		panic("store: a base cannot be unpacked, the memory of this process is damaged: " + err.Error())
	}
	return into, spare
}

// helps says whether it is worth while to pack the next object against b. Where objects have little
// in common (EndpointSlices: it is all addresses and UIDs), b is tried now and then only.
func (b *base) helps() bool {
	return b != nil && (b.packs < averageOver || b.now <= b.raw/2 || b.packs%averageOver == 0)
}

// packed notes how an object was packed against b, and lets go of b when it has ceased to be like
// the objects of its scope: what comes next is then a base like them. There are at most so many
// bases that objects still need that their number follows that of the objects.
func (b *base) packed(bytes, raw int) {
	if b.packs < averageOver {
		b.now += bytes
		b.raw += raw
		b.first = b.now / (b.packs + 1)
		return
	}
	b.now += bytes - b.now/averageOver
	b.raw += raw - b.raw/averageOver
	const slack = 64
	c := b.scope
	if c.base == b && b.now/averageOver > b.first*3/2+slack && b.packs > 2*c.objects && c.mayChange() {
		c.base = nil
		c.old++
	}
}

// outgrown says whether an owner's object has become so much larger than the base that it is to be
// the base. The first Pods that a cache sees of a new ReplicaSet are pending: they have no node and
// no status, and are a poor likeness of what they will be.
func (c *scope) outgrown(size int) bool {
	return c.base != nil && size > c.base.size+c.base.size/8 && c.mayChange()
}

// mayChange says whether the scope may take another base while objects still need this one: what old
// bases cost follows the number of objects.
func (c *scope) mayChange() bool { return c.old <= c.objects/64 }

// retire lets go of a scope's base: the scope is no more, or is to have another. s.write is held.
func (s *Store) retire(c *scope) {
	if b := c.base; b != nil {
		c.base = nil
		c.old++
		s.settle(b)
	}
}

// settle brings the books up to date about b: it counts while its scope or an object uses it.
func (s *Store) settle(b *base) {
	needed := b.refs > 0 || b.scope.base == b
	if needed == b.known {
		return
	}
	b.known = needed
	by := 1
	if !needed {
		by = -1
		b.scope.old--
		if s.workshop != nil {
			s.workshop.forget(b)
		}
	}
	s.bases.Add(int64(by))
	s.baseBytes.Add(int64(by * cap(b.data)))
	if b.root != nil {
		b.root.refs += by
		s.settle(b.root)
	}
}

// count counts an entry in or out. Both locks are held.
func (s *Store) count(g *group, state string, by int) {
	f := g.family
	f.objects += by
	f.lineage.objects += by
	f.lineage.root.objects += by
	s.packed += int64(by * len(state))
	s.raw += int64(by * rawLen(state))
	if b := g.base; b != nil {
		b.refs += by
		s.settle(b)
	}
}

// pack makes the state of an object that is to stand in a group with that base. s.write is held.
func (s *Store) pack(b *base, o *wire.Object) string {
	m := &o.Meta
	s.key = appendKey(s.key[:0], m)
	out := appendState(s.scratch[:0], s.key, m.ResourceVersion, m.UID, m.Generation)
	head := len(out)
	form := formPlain
	if b.helps() {
		p := parseState(unsafeString(out))
		s.header = p.appendHeader(s.header[:0])
		out = s.near(b).Pack(out, s.header, o.Data)
		form = formNear
		b.packed(len(out)-head, len(o.Data))
	}
	if b != nil {
		b.packs++
	}
	// What has little in common with its base may have more with itself.
	if size := len(out) - head; form == formPlain || size > len(o.Data)/2 {
		s.other = s2.Encode(s.other[:cap(s.other)], o.Data)
		if form == formPlain || len(s.other) < size {
			out, form = append(out[:head], s.other...), formS2
		}
	}
	if len(out)-head >= len(o.Data) {
		out, form = append(out[:head], o.Data...), formPlain
	} else {
		var block []byte
		var ok bool
		if block, s.other, ok = halve(out[head:], s.other); ok {
			out, form = out[:head+len(block)], form|halved
		}
	}
	out[0] |= byte(form)
	state := string(out)
	s.scratch = small(out)
	s.other = small(s.other)
	s.scratchBytes.Store(s.workshop.bytes())
	return state
}
