package pack

import (
	"sync/atomic"
)

// Packer packs objects and counts what they need. The zero Packer is ready for use.
//
// Its methods are for one goroutine at a time, except Stats. Handles can be unpacked by any number
// of goroutines meanwhile.
type Packer struct {
	*scratch // memory to pack in; nil while nothing is packed

	packed  int64  // bytes of the added objects, as they are stored
	numbers uint32 // bases that there ever were

	// For Stats.
	bases, baseBytes, scratchBytes atomic.Int64
}

// Group is a set of objects that are expected to be alike. It is a mere value until an object is
// added to it, and is not closed: it holds nothing when its last object has been released.
//
// A Group is used with one Packer only.
type Group struct {
	within *Group // nil: this is an outermost group
	alike  bool

	objects int32 // added and not released, those of inner groups included
	former  int32 // bases that the group had, and that are still referred to
	base    *Base // the one for new objects; nil: none
}

// NewGroup returns a new group within another one; nil means that it is within none.
//
// If alike is true, its objects come from one template and grow until they are complete, as Pods
// do: an object that is much larger than the group's base then takes the base's place.
func NewGroup(within *Group, alike bool) *Group { return &Group{within: within, alike: alike} }

// outermost returns the group that g is within, with no other around it.
func (g *Group) outermost() *Group {
	for g.within != nil {
		g = g.within
	}
	return g
}

// Add packs an object that the holder keeps, appends the result to dst, and returns it with the
// base that it refers to, which is nil for none. The holder makes a Handle of the two, and passes
// that to Release when it does not keep the object any more.
//
// If the object has become the base of an inner group, Add returns that group as changed: other
// objects of it can be made smaller by Repack. If not, changed is nil. A nil group means that the
// object is packed alone. Neither data nor own is kept.
func (p *Packer) Add(dst []byte, g *Group, data []byte, own ...string) (packed []byte, base *Base, changed *Group) {
	p.wake()
	begin := len(dst)
	base, changed = p.choose(g, data)
	dst = p.add(dst, g, base, data, own)
	p.packed += int64(len(dst) - begin)
	return dst, base, changed
}

// add packs an object of g against b, and counts both.
func (p *Packer) add(dst []byte, g *Group, b *Base, data []byte, own []string) []byte {
	p.retain(b) // before pack, which may make the group let go of it
	dst = p.pack(dst, b, data, own)
	for ; g != nil; g = g.within {
		g.objects++
	}
	return dst
}

// Release takes back an Add or a Repack to the same group.
func (p *Packer) Release(g *Group, h Handle) {
	p.packed -= int64(len(h.Bytes))
	for ; g != nil; g = g.within {
		if g.objects--; g.objects == 0 {
			p.dropBase(g)
		}
	}
	p.release(h.Base)
}

// Pack packs an object as Add does, but does not count it: the object does not become a base, and
// is not released. The handle can be unpacked as long as it is kept.
func (p *Packer) Pack(dst []byte, g *Group, data []byte, own ...string) (packed []byte, base *Base) {
	p.wake()
	base = g.baseFor(len(data))
	p.retain(base)
	dst = p.pack(dst, base, data, own)
	p.release(base)
	return dst, base
}

// RepackAtMost is how many objects a holder should repack when Add has changed a group. It bounds
// what a single Add can cost.
const RepackAtMost = 4 * minObjects

// Repackable reports whether g has a base that fits its objects better than b, the base of one of
// them: one of a group further inside.
func Repackable(g *Group, b *Base) bool {
	for ; g != nil; g = g.within {
		switch {
		case b != nil && b.group == g:
			return false
		case g.base != nil:
			return true
		}
	}
	return false
}

// Repack packs an object that has been added to g again, against the base that Add would use for it
// now, and appends the result to dst. The holder replaces the handle h by the result, and then
// releases h. ok is false, and nothing is done, if h is as good as it gets: see Repackable.
func (p *Packer) Repack(dst []byte, g *Group, h Handle, own ...string) (packed []byte, base *Base, ok bool) {
	p.wake()
	base = g.baseFor(h.Size())
	if base == nil || !Repackable(g, h.Base) {
		return dst, nil, false
	}
	data, err := h.Unpack(p.object[:0], own...)
	if err != nil {
		return dst, nil, false // the object stays as it is
	}
	begin := len(dst)
	dst = p.add(dst, g, base, data, own)
	p.packed += int64(len(dst) - begin)
	p.object = small(data)
	return dst, base, true
}

// Stats is the state of a Packer. Sizes are in bytes.
type Stats struct {
	Bases        int
	BaseBytes    int64 // of the bases
	ScratchBytes int64 // of the memory that packing works in; 0 after Rest
}

// Stats returns the state of p. It is safe for concurrent use.
func (p *Packer) Stats() Stats {
	return Stats{
		Bases:        int(p.bases.Load()),
		BaseBytes:    p.baseBytes.Load(),
		ScratchBytes: p.scratchBytes.Load(),
	}
}
