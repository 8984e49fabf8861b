package pack

import (
	"bytes"

	"github.com/skiff-k8s/skiff/pack/internal/near"
)

const (
	minObjects = 4 // that a group within another has when it gets a base

	// An object below minBase is not worth a base. One above maxBase costs more as a base than it
	// saves. One above maxNear is packed alone, since it has most in common with itself.
	minBase = 128
	maxBase = 16 << 10
	maxNear = 40 << 10

	averageOver = 16 // objects
)

// Base is an object that other objects are stored as differences from. Its object never changes.
//
// The fields of the first block are immutable, and are all that unpacking needs. The others belong
// to the Packer.
type Base struct {
	outer  *Base  // that data is packed against; nil: data is the object as it came
	data   []byte // with room behind it for near.Unpack
	size   uint32 // of the object
	halved bool   // data's digits are: see block.go

	opened bool   // at least once, to pack against it
	open   uint32 // its place among the open bases, plus one; 0: it is not open
	number uint32
	refs   uint32 // objects and inner bases that refer to it, and its group while that uses it
	group  *Group // whose base it is or was

	// The objects that were packed against it, or would have been.
	packs uint32
	first uint32 // bytes that one took at first, on average
	now   uint32 // bytes that one takes now, on average, times averageOver
	raw   uint32 // bytes that one has unpacked, likewise
}

// Number returns the number of the base, which no other base of its Packer ever has.
func (b *Base) Number() uint32 { return b.number }

// baseFor returns the base that an object of a size is to be packed against, nil for none.
func (g *Group) baseFor(size int) *Base {
	if g == nil || size < minBase || size > maxNear {
		return nil
	}
	for ; g != nil; g = g.within {
		if g.base != nil {
			return g.base
		}
	}
	return nil
}

// choose returns what baseFor does, after it has made the object the base of those groups that need
// one. changed is the inner group whose base it has become, nil for none.
func (p *Packer) choose(g *Group, data []byte) (b *Base, changed *Group) {
	if g == nil || len(data) < minBase || len(data) > maxNear {
		return nil, nil
	}
	outermost := g.outermost()
	p.needsBase(outermost, nil, data)
	if outermost.base == nil {
		return nil, nil
	}
	for ; g != outermost; g = g.within {
		if p.needsBase(g, outermost.base, data) {
			changed = g
		}
		if g.base != nil {
			return g.base, changed
		}
	}
	return outermost.base, nil
}

// needsBase reports whether g needed a base, and has now this object as its base.
func (p *Packer) needsBase(g *Group, outer *Base, data []byte) bool {
	enough := int32(minObjects)
	if outer == nil {
		enough = 1 //mutants:equal[0] this object is one
	}
	if g.objects+1 < enough || len(data) > maxBase {
		return false
	}
	if g.alike && g.outgrown(len(data)) {
		p.dropBase(g)
	}
	if g.base != nil {
		return false
	}
	g.base = p.newBase(g, outer, data)
	return true
}

// newBase makes an object a base, with one reference: that of its group.
func (p *Packer) newBase(g *Group, outer *Base, data []byte) *Base {
	p.numbers++
	b := &Base{outer: outer, group: g, size: uint32(len(data)), refs: 1, number: p.numbers}
	if outer != nil {
		block := p.matcherFor(outer).Pack(p.block[:0], nil, data)
		block, p.other, b.halved = halve(block, p.other)
		b.data = bytes.Clone(block)
		p.block = small(block)
		p.retain(outer)
	} else {
		b.data = append(near.Room(nil, len(data)), data...)
	}
	p.bases.Add(1)
	p.baseBytes.Add(int64(cap(b.data)))
	return b
}

// retain adds a reference to b, if there is a b.
func (p *Packer) retain(b *Base) {
	if b != nil {
		b.refs++
	}
}

// release takes back a reference to b, if there is a b, and frees b with the last one.
func (p *Packer) release(b *Base) {
	if b == nil {
		return
	}
	if b.refs--; b.refs > 0 {
		return
	}
	b.group.former--
	if p.scratch != nil {
		p.forget(b)
	}
	p.bases.Add(-1)
	p.baseBytes.Add(int64(-cap(b.data)))
	p.release(b.outer)
}

// dropBase makes g use its base, if it has one, for no further object.
func (p *Packer) dropBase(g *Group) {
	if b := g.base; b != nil {
		g.base = nil
		g.former++
		p.release(b)
	}
}

// outgrown reports whether an object of that size is so much larger than the base that it is to be
// the base. The first Pods that a cache sees of a new ReplicaSet are pending: without node and
// status they do not resemble what they will be.
func (g *Group) outgrown(size int) bool {
	return g.base != nil && size > int(g.base.size+g.base.size/8) && g.mayChange()
}

// mayChange reports whether g may take another base while objects still refer to former ones. So
// the number of former bases follows the number of objects.
func (g *Group) mayChange() bool { return g.former <= g.objects/64 }

// helps reports whether the next object is worth packing against b. Where objects have little in
// common (EndpointSlices are all addresses and UIDs), only one object of averageOver tries.
func (b *Base) helps() bool {
	//mutants:equal[<=] the sixteenth tries anyway
	return b.packs < averageOver || b.now <= b.raw/2 || b.packs%averageOver == 0
}

// note records the result of packing an object against b. If the objects of the group do not
// resemble b any more, the group drops b, and the next object becomes the base.
func (p *Packer) note(b *Base, packed, raw int) {
	if b.packs < averageOver {
		b.now += uint32(packed)
		b.raw += uint32(raw)
		b.first = b.now / (b.packs + 1)
		return
	}
	b.now += uint32(packed) - b.now/averageOver
	b.raw += uint32(raw) - b.raw/averageOver
	const slack = 64
	g := b.group
	worse := b.now/averageOver > b.first*3/2+slack
	if g.base == b && worse && int64(b.packs) > 2*int64(g.objects) && g.mayChange() {
		p.dropBase(g)
	}
}

// matcherFor returns the matcher, ready to pack against b.
func (p *Packer) matcherFor(b *Base) *near.Packer {
	if p.ready != b {
		p.matcher.Base(p.text(b))
		p.ready = b
	}
	return &p.matcher
}

// unpack returns the base as it came, in the memory of into if it has room, with room behind it for
// near.Unpack. It works in spare, which it returns for the next time. It is safe for concurrent
// use.
func (b *Base) unpack(into, spare []byte) (text, forNextTime []byte, err error) {
	if b.outer == nil {
		return append(near.Room(into, len(b.data)), b.data...), spare, nil
	}
	data := b.data
	if b.halved {
		if spare, err = restore(spare, data); err != nil {
			return into, spare, err
		}
		data = spare
	}
	into, err = near.Unpack(near.Room(into, int(b.size)), b.outer.data, data)
	return into, spare, err
}
