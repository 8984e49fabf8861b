package pack

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/skiff-k8s/skiff/pack/internal/near"
)

// A script composes a base, own strings and objects of pieces of each other. So a fuzzer that knows
// no format comes to every form of a copy: the lengths and distances at which the format, the
// matcher or the digits change their ways are what a script counts in.
//
// A script is a series of pieces, of four bytes each: its kind, a number of the table below with
// its neighbours, and a place. What is missing is 0.
type script []byte

// bounds are the numbers of the format, the matcher, the digits and the packer: the first ones are
// lengths of copies and runs, the last ones distances and sizes.
var bounds = [...]int{
	4, 5, 8, 11, 12, 16, 24, 32, 36, 60, 64, 128, 256, 260, 264, 2048, 4096, 16 << 10, 40 << 10, 65535,
}

const short, far = 13, 10 // bounds[:short] and bounds[far:]

func (s *script) next() (b byte) {
	if len(*s) > 0 {
		b, *s = (*s)[0], (*s)[1:]
	}
	return b
}

// number returns one of some bounds, or a neighbour, or less.
func (s *script) number(some []int) int {
	at, by := s.next(), s.next()
	n := some[int(at)%len(some)]
	switch {
	case by < 180:
		n += int(by%3) - 1
	case by < 220:
		n = n * int(by-180) / 40
	}
	return n
}

// length returns the length of a piece: short ones are the most.
func (s *script) length() int {
	if s.next()%4 > 0 {
		return s.number(bounds[:short])
	}
	return s.number(bounds[far:])
}

// from returns at most n bytes of text, that begin at a bound behind its beginning or before its end.
func (s *script) from(text []byte, n int) []byte {
	at := s.number(bounds[far:])
	if len(text) == 0 {
		return nil
	}
	if s.next()%3 > 0 {
		at = len(text) - at
	}
	at = min(max(at, 0), len(text))
	return text[at:min(len(text), at+n)]
}

// compose returns an object of at most most bytes.
func (s *script) compose(most int, base, own []byte) (object []byte) {
	const digits = "0123456789abcdef"
	for pieces := int(s.next())%24 + 1; pieces > 0 && len(object) < most; pieces-- {
		kind, n := s.next(), s.length()
		seed := uint64(s.next())
		r := rand.New(rand.NewPCG(seed, uint64(len(object))))
		switch kind % 11 {
		case 0, 1:
			object = append(object, s.from(base, n)...)
		case 2: // what stands at the same place: the distance stays
			if len(object) < len(base) {
				object = append(object, base[len(object):min(len(base), len(object)+n)]...)
			}
		case 3:
			object = append(object, s.from(own, n)...)
		case 4, 10:
			object = append(object, s.from(object, n)...)
		case 5: // the same byte
			object = append(object, bytes.Repeat([]byte{byte(seed)}, n)...)
		case 6: // the same few bytes
			few := noise(seed, 1+int(seed)%9)
			object = append(object, bytes.Repeat(few, n/len(few)+1)[:n]...)
		case 7:
			for range n {
				object = append(object, digits[r.IntN(16)])
			}
		case 8:
			object = fmt.Appendf(object, "%08x-%04x-%04x-%04x-%012x", r.Uint32(), r.IntN(1<<16), r.IntN(1<<16), r.IntN(1<<16), r.Uint64N(1<<48))
		case 9:
			object = append(object, noise(seed, n)...)
		}
	}
	return object[:min(len(object), most)]
}

// run packs what the script composes, alone and as a holder does, and unpacks it.
func (s script) run(t testing.TB) {
	base := s.compose(maxBase, nil, nil)
	inner := s.compose(maxBase, base, nil)
	own := s.compose(70<<10, base, nil)
	strings := []string{string(own[:len(own)/3]), string(own[len(own)/3:]), "1"}
	h := newHolder(t)
	outer := NewGroup(nil, false)
	g := NewGroup(outer, s.next()%2 == 0)
	h.set("base", outer, base)
	for i := range minObjects {
		h.set(fmt.Sprint("inner", i), g, inner, strings...)
	}
	for i := range 3 {
		data := s.compose(70<<10, [][]byte{base, inner}[i%2], own)
		if room := near.MaxBytes - len(base) - len(own); i == 2 && room > 0 {
			// Together they are at the bound of what a place can be, or just beside it.
			data = append(data, noise(uint64(i), 70<<10)...)[:room+int(s.next()%3)-1]
		}
		for _, group := range []*Group{nil, outer, g} {
			packed, b := h.packer.Pack([]byte("kept"), group, data, strings...)
			got := Handle{string(packed[4:]), b}
			back, err := got.Unpack(nil, strings...)
			if err != nil || !bytes.Equal(back, data) || got.Size() != len(data) {
				t.Fatalf("an object of %d bytes came back as %d: %v", len(data), len(back), err)
			}
			// It never takes more than its bytes and the form.
			if len(got.Bytes) > len(data)+1 {
				t.Fatalf("an object of %d bytes takes %d", len(data), len(got.Bytes))
			}
		}
		h.set(fmt.Sprint("object", i), g, data, strings...)
	}
	h.check()
	for name := range h.kept {
		h.drop(name)
	}
	h.check()
}

// Some hundred scripts of random bytes, the same ones each time.
func TestPieces(t *testing.T) {
	scripts := uint64(500)
	if testing.Short() {
		scripts = 100
	}
	for seed := range scripts {
		s := script(noise(seed, 40+int(seed%400)))
		if !t.Run(fmt.Sprint(seed), func(t *testing.T) { s.run(t) }) {
			return
		}
	}
}

// A copy of every length from every distance at the bounds, of the base and of the object itself.
func TestPiecesAtEveryBound(t *testing.T) {
	base := noise(1, maxBase)
	var p Packer
	g := NewGroup(nil, false)
	p.Add(nil, g, base)
	var packed, back []byte
	for _, distance := range bounds {
		for _, length := range bounds {
			for d := distance - 1; d <= distance+1; d++ {
				for n := max(length-1, 1); n <= length+1; n++ {
					if d < 1 || d+2*n > 40<<10 {
						continue
					}
					own := noise(uint64(d), d) // the object's own, d bytes before its copy
					data := append(bytes.Clone(own), own[:min(n, d)]...)
					if d < len(base) { // and the base's, d bytes before the object
						data = append(append(bytes.Clone(base[len(base)-d:min(len(base), len(base)-d+n)]), '-'), data...)
					}
					var b *Base
					packed, b = p.Pack(packed[:0], g, data)
					var err error
					if back, err = (Handle{string(packed), b}).Unpack(back); err != nil || !bytes.Equal(back, data) {
						t.Fatalf("%d bytes from %d bytes before came back changed: %v", n, d, err)
					}
				}
			}
		}
	}
}

// FuzzPieces composes what is packed of pieces: see script.
func FuzzPieces(f *testing.F) {
	f.Add([]byte{})
	for seed := range uint64(8) {
		f.Add(noise(seed, 60*int(seed+1)))
	}
	// P1: a base of 15 KB, own strings of 25 KB, and an object that has them.
	p1 := []byte{1, 9, 16, 190, 1, 0, 0, 1}
	p1 = append(p1, 1, 9, 17, 185, 2, 3, 17, 185, 0, 0, 1)
	f.Add(binary.LittleEndian.AppendUint64(p1, 0x1003_1122_3344_5566))
	f.Fuzz(func(t *testing.T, s []byte) {
		if len(s) <= 2000 {
			script(s).run(t)
		}
	})
}
