// Package near packs bytes against bytes that are nearly the same: a Pod against another Pod of its
// ReplicaSet. The result is a block of S2 with a dictionary, which the library
// github.com/klauspost/compress/s2 unpacks:
//
//	var p near.Packer
//	p.Base(sibling)
//	packed := p.Pack(nil, header, object)
//	object, err := near.Unpack(nil, dict, packed) // dict: sibling, then header
//
// The matches are found here and not by the library, because its encoder needs a table of 32 KB for
// each dictionary. The tables of 400 owners, if kept, take more memory than the 20,000 Pods that
// they own; if made each time, each costs 10 µs and 33 KB of garbage. Here one small table is
// filled anew for each base, within a microsecond, and nothing is allocated. The benchmarks of this
// package run both.
package near

import (
	"encoding/binary"
	"errors"
	"math/bits"
	"slices"

	"github.com/klauspost/compress/s2"
)

// MaxBytes is the limit, in bytes, of a base, a header and an object together, because a place in
// them is a 16-bit number.
const MaxBytes = 1<<16 - 1

const (
	minMatch = 4 // the shortest copy of the format

	// A table's slots are few, so that filling it is cheap. A place that is overwritten by another
	// costs a match, never correctness.
	baseBits = 12
	ownBits  = 11

	// Of the base, each baseStep-th place is in the table. Matches grow backwards too, so every one
	// of minMatch+baseStep-1 bytes can be found all the same.
	baseStep = 4
	// goodMatch is the length of a match at the last copies' place for which no other match is
	// searched.
	goodMatch = 16

	// A copy must save minGain bytes. A copy of homeLength bytes from the base sets the place in
	// the base that corresponds to the place in the object.
	minGain    = 2
	homeLength = 24
	// soon is how many bytes may have been left to a literal for it to be worth while to end it
	// where the last copy goes on.
	soon = 8 //mutants:tuning[9] as good
	// padding allows to look at eight bytes wherever there are four.
	padding = 4 //mutants:equal[5] nobody reads the fifth byte
)

// Packer packs objects against a base. It is for one goroutine. The zero Packer has an empty base.
type Packer struct {
	text []byte // the base; when it is at work, behind it the header and the object
	base int    // where the base ends

	fromBase [1 << baseBits]uint16 // a hash of four bytes: the place in text, plus one
	fromOwn  [1 << ownBits]uint16  // the same for the header and the object
}

// Base makes b the base of what is packed from here on. b is not kept.
func (p *Packer) Base(b []byte) {
	p.text = append(p.text[:0], b...)
	p.base = len(b)
	clear(p.fromBase[:])
	for i := 0; i+minMatch <= len(b); i += baseStep {
		p.fromBase[hash(load32(b, i))>>(32-baseBits)] = uint16(i + 1)
	}
}

// Cap is how much memory the packer holds beside itself, in bytes: that of the largest base, header
// and object together.
func (p *Packer) Cap() int { return cap(p.text) }

// Pack appends src, packed, to dst. header stands behind the base as if it were part of it: bytes
// of this object that the reader knows anyway. Base, header and src must be at most MaxBytes
// together; beyond that the result is damaged.
//
// An object is the same as its base for most of its length, with interruptions. After one, a copy
// from the same distance as before takes two or three bytes, because the format has a short form
// for that. A copy from elsewhere takes more, and so does the way back. So Pack looks at the same
// distance first.
func (p *Packer) Pack(dst, header, src []byte) []byte {
	begin := p.base + len(header)
	text := append(append(append(p.text[:p.base], header...), src...), make([]byte, padding)...)
	p.text = text
	padded, text := text, text[:begin+len(src)]
	clear(p.fromOwn[:])
	//mutants:tuning[<] a match of the last place is found from the one before
	for i := p.base; i+minMatch <= begin; i++ {
		p.fromOwn[hash(load32(text, i))>>(32-ownBits)] = uint16(i + 1)
	}
	dst = binary.AppendUvarint(dst, uint64(len(src)))
	var (
		at      = begin
		pending = begin // text[pending:at] is not written yet
		offset  = begin // of the last copy; the format begins with the base's beginning
		home    = begin // of the last long copy out of the base
	)
	for at+minMatch <= len(text) {
		var m match
		diff := load64(padded, at) ^ load64(padded, at-offset)
		switch {
		case uint32(diff) == 0:
			m = extend(text, begin, pending, at, at-offset)
		case at-pending >= soon: //mutants:tuning[>] as good
		//mutants:tuning[9] asks for a bit of the fifth byte instead of one of the second
		case uint32(diff>>8) == 0: // it goes on after one byte: nothing is shorter than that byte
			at++
			continue
		case uint32(diff>>16) == 0:
			at += 2 //mutants:tuning[1] finds the case above next
			continue
		}
		word := load32(text, at)
		if m.length < goodMatch && home != offset && load32(text, at-home) == word {
			m = m.orBetter(extend(text, begin, pending, at, at-home), offset)
		}
		if m.length < goodMatch {
			h := hash(word)
			if place := int(p.fromBase[h>>(32-baseBits)]) - 1; place >= 0 && load32(text, place) == word {
				m = m.orBetter(extend(text, begin, pending, at, place), offset)
			}
			slot := &p.fromOwn[h>>(32-ownBits)]
			//mutants:tuning[>,1] the first place is of use without a base only, and the next finds it
			if place := int(*slot) - 1; place >= 0 && load32(text, place) == word {
				m = m.orBetter(extend(text, begin, pending, at, place), offset)
			}
			*slot = uint16(at + 1)
		}
		if m.gain(offset) < minGain {
			// The longer nothing is found, the less likely it is: a hash has no match at any place.
			at += 1 + (at-pending)/16
			continue
		}
		dst = appendLiteral(dst, text[pending:m.start])
		dst = appendCopy(dst, m.offset, m.length, m.offset == offset)
		offset = m.offset
		//mutants:tuning[<=] the header's first byte is as good a home as the base's last
		if m.length >= homeLength && m.start-offset < p.base {
			home = offset
		}
		at = m.start + m.length
		pending = at
	}
	return appendLiteral(dst, text[pending:])
}

// match is a part of the text that stands somewhere before as well. Without length there is none.
type match struct{ start, length, offset int }

// gain is about how many bytes a copy saves, when last is the offset of the one before it. Another
// offset costs one byte more than itself, for the way back.
func (m match) gain(last int) int {
	switch {
	case m.offset == last:
		return m.length - 2
	case m.offset < copy1Offsets && m.length <= copy1Longest:
		return m.length - 3
	}
	return m.length - 4
}

// orBetter is the match that gains more.
func (m match) orBetter(o match, last int) match {
	if o.gain(last) > m.gain(last) {
		return o
	}
	return m
}

// extend is the match of at with place, where the same four bytes stand, grown in both directions
// as far as what is pending, and as far as a copy of the format may reach: it is all in the
// dictionary, which ends at begin, or all behind it.
func extend(text []byte, begin, pending, at, place int) match {
	first, end := begin, len(text)
	if place < begin {
		if first, end = 0, begin; place+minMatch > end {
			return match{}
		}
	}
	n := minMatch + common(text[place+minMatch:end], text[at+minMatch:])
	offset := at - place
	for at > pending && place > first && text[place-1] == text[at-1] {
		at, place, n = at-1, place-1, n+1
	}
	return match{at, n, offset}
}

// common is how many bytes a and b have in common from their beginning.
func common(a, b []byte) int {
	n := min(len(a), len(b))
	i := 0
	//mutants:tuning[<,7,9] reads some bytes twice, or the last ones one by one
	for ; i+8 <= n; i += 8 {
		if x := load64(a, i) ^ load64(b, i); x != 0 {
			return i + bits.TrailingZeros64(x)/8
		}
	}
	for i < n && a[i] == b[i] {
		i++
	}
	return i
}

func load32(b []byte, i int) uint32 { return binary.LittleEndian.Uint32(b[i:]) }
func load64(b []byte, i int) uint64 { return binary.LittleEndian.Uint64(b[i:]) }

// hash spreads four bytes; its upper bits are for a table (Fibonacci hashing).
func hash(word uint32) uint32 { return word * 2654435761 }

var errDictionary = errors.New("too short or too long for a dictionary")

// Unpack returns the object that packed is, in the memory of dst if it has room. dict is the base
// and the header that it was packed with; it is only read, but unless it has capacity to spare
// (see Room) it is copied.
func Unpack(dst, dict, packed []byte) ([]byte, error) {
	d := s2.MakeDictManual(dict, 0)
	if d == nil {
		return nil, errDictionary
	}
	return d.Decode(dst, packed)
}

// MinDict is the least that a base and a header must have together for Unpack.
const MinDict = s2.MinDictSize

// Room returns b, emptied, with the capacity that a dictionary of n bytes needs not to be copied by
// Unpack.
func Room(b []byte, n int) []byte { return Grow(b[:0], n) }

// Grow returns b with such capacity for n bytes more.
func Grow(b []byte, n int) []byte { return slices.Grow(b, n+spare) }

// spare is how much capacity the library wants to see behind a dictionary.
const spare = 16
