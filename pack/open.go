package pack

import "math/rand/v2"

// openBases are bases that were unpacked repeatedly of late, and are kept unpacked. In a flood of
// changes, objects of different groups alternate. Unpacking a base for each would be a third of the
// cost of Add (go test -bench ManyOwners ./store). They are part of the scratch memory: an idle
// packer has none.
type openBases struct {
	list  []openBase
	bytes int
}

type openBase struct {
	base *Base
	text []byte
}

// maxOpen is the limit of their memory in bytes: enough for the bases of some 500 groups of Pods.
// They also take at most half as much as the packed objects.
const maxOpen = 2 << 20

// text returns a base as it came, valid until the next call.
func (p *Packer) text(b *Base) []byte {
	if b.outer == nil {
		return b.data
	}
	if b.open > 0 {
		return p.texts.list[b.open-1].text
	}
	var err error
	if p.closed, p.other, err = b.unpack(p.closed, p.other); err != nil {
		panic("pack: unpack base: the memory of this process is damaged: " + err.Error())
	}
	if b.opened { // before; a list, which comes group by group, unpacks each once
		p.texts.add(b, p.closed, min(maxOpen, int(p.packed/2)))
	}
	b.opened = true
	return p.closed
}

// add keeps the text of b, if it fits into so many bytes. Random others make room for it: one is as
// likely to be needed again as another.
func (o *openBases) add(b *Base, text []byte, room int) {
	var memory []byte
	for len(o.list) > 0 && o.bytes+len(text) > room {
		memory = o.remove(o.list[rand.IntN(len(o.list))].base)
	}
	if cap(memory) < len(text) {
		memory = make([]byte, 0, len(text)) //mutants:equal[1] what it holds is written over
	}
	if o.bytes+cap(memory) > room {
		return
	}
	o.list = append(o.list, openBase{b, append(memory[:0], text...)})
	o.bytes += cap(memory)
	b.open = uint32(len(o.list))
}

// remove removes an open base, and returns the memory that its text was in.
func (o *openBases) remove(b *Base) []byte {
	at, last := b.open-1, len(o.list)-1
	memory := o.list[at].text
	o.list[at] = o.list[last]
	o.list[at].base.open = at + 1
	o.list[last] = openBase{}
	o.list = o.list[:last]
	o.bytes -= cap(memory)
	b.open = 0
	return memory
}

// clear removes all.
func (o *openBases) clear() {
	for _, at := range o.list {
		at.base.open = 0
	}
	*o = openBases{}
}
