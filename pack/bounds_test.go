package pack

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/klauspost/compress/s2"

	"github.com/skiff-k8s/skiff/pack/internal/near"
)

func noise(seed uint64, n int) []byte {
	r := rand.New(rand.NewPCG(seed, 7))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// Pack and Repack have the bounds of sizes that Add has.
func TestTheBoundsOfSizesOfWhatIsNotCounted(t *testing.T) {
	for size, near := range map[int]bool{127: false, 128: true, 129: true, 40<<10 - 1: true, 40 << 10: true, 40<<10 + 1: false} {
		h := newHolder(t)
		g := NewGroup(nil, false)
		h.set("base", g, sized(16<<10, 1))
		data := sized(size, 2)
		packed, base := h.packer.Pack(nil, g, data)
		got := Handle{string(packed), base}
		if (got.form() == formNear) != near || (base != nil) != near {
			t.Errorf("%d bytes have form %d", size, got.form())
		}
		if back, err := got.Unpack(nil); err != nil || !bytes.Equal(back, data) {
			t.Errorf("%d bytes did not come back: %v", size, err)
		}
		h.check()
	}
}

// The own strings count too: 65,535 bytes are the most that a base, they and an object have.
func TestTheBoundOfPlacesInNumbers(t *testing.T) {
	for over, want := range map[int]form{-1: formNear, 0: formNear, 1: formS2} {
		h := newHolder(t)
		g := NewGroup(nil, false)
		h.set("base", g, sized(10000, 1))
		own := strings.Repeat("o", 65535-10000-20000+over)
		data := append(sized(10000, 2), sized(10000, 2)...)
		if got := h.set("object", g, data, own[:1000], own[1000:]); got.form() != want {
			t.Errorf("%d bytes over the bound: the form is %d", over, got.form())
		}
		h.check()
	}
}

// The first sixteen observations of a base are summed, and the first is what one took of them.
func TestTheBoundOfTheFirstObservations(t *testing.T) {
	for _, c := range []struct{ packs, now, first uint32 }{
		{0, 1600 + 160, 1760}, {14, 1600 + 160, 1760 / 15}, {15, 1600 + 160, 1760 / 16},
		{16, 1600 + 160 - 100, 7}, {17, 1600 + 160 - 100, 7},
	} {
		b := &Base{packs: c.packs, now: 1600, first: 7, raw: 160000, group: new(Group)}
		new(Packer).note(b, 160, 10000)
		if b.now != c.now || b.first != c.first {
			t.Errorf("after %d objects: now %d and first %d, want %d and %d", c.packs, b.now, b.first, c.now, c.first)
		}
	}
}

// A handle that no Packer made is an error or unpacks, and has a size or none. It never panics.
func TestTheBoundsOfDamage(t *testing.T) {
	if n := (Handle{}).Size(); n != 0 {
		t.Errorf("the zero Handle has %d bytes", n)
	}
	base := &Base{data: near.Room(nil, 100), size: 100}
	base.data = append(base.data, noise(1, 100)...)
	for f := range byte(8) {
		for _, body := range []string{
			"", "\x00", "\x01", "\x80", "\xff\xff", strings.Repeat("\x80", 9), strings.Repeat("\x80", 10),
			strings.Repeat("\xff", 11), strings.Repeat("\xff", 40), "\x05\x00a",
		} {
			h := Handle{Bytes: string(rune(f)) + body, Base: base}
			got, err := h.Unpack(nil)
			size := h.Size()
			if err == nil && size != len(got) {
				t.Errorf("form %d of %q has %d bytes, and %d by its handle", f, body, len(got), size)
			}
			if f == byte(formPlain) && (err != nil || string(got) != body || size != len(body)) {
				t.Errorf("%q as it is came back as %q: %v", body, got, err)
			}
		}
	}
}

// An object is packed against its base; if that takes more than half of it, also alone; and it stays
// as it is if neither makes it smaller. The smallest is taken.
func TestWhichFormIsTaken(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 5))
	seen := map[string]int{}
	for range 6000 {
		base := noise(r.Uint64(), 300)
		data := noise(r.Uint64(), 64+r.IntN(100))
		for range 1 + r.IntN(5) {
			switch at := r.IntN(len(data)); r.IntN(4) {
			case 0:
				data = append(data, base[:20+r.IntN(100)]...)
			case 1:
				data = append(data, bytes.Repeat([]byte("ab"), r.IntN(60))...)
			default: // which the matcher may miss, since it looks at less after 64 bytes of noise
				data = append(data, data[at:min(len(data), at+4+r.IntN(9))]...)
			}
		}
		n := max(128, len(data))
		data = append(data, noise(r.Uint64(), n-len(data))...)
		var p Packer
		g := NewGroup(nil, false)
		p.Add(nil, g, base)
		packed, b, _ := p.Add(nil, g, data)
		var m near.Packer
		m.Base(base)
		against, alone := len(m.Pack(nil, nil, data)), len(s2.Encode(nil, data))
		want, size := formNear, against
		if against > n/2 && alone < against {
			want, size = formS2, alone
		}
		if size >= n {
			want = formPlain
		}
		if got := (Handle{string(packed), b}).form(); got != want {
			t.Fatalf("%d bytes, %d against the base and %d alone, have form %d, not %d", n, against, alone, got, want)
		}
		switch half := n / 2; {
		case alone < against && against == half:
			seen["half"]++
		case alone < against && against == half+1:
			seen["a byte more than half"]++
		case alone < against && against > n/3 && against < half:
			seen["between a third and a half"]++
		case alone < against && against > half && against < n:
			seen["between a half and all"]++
		}
		if size == n {
			seen["as large as it was"]++
		}
		if size == n-1 {
			seen["a byte smaller"]++
		}
	}
	for _, what := range []string{"half", "a byte more than half", "between a third and a half",
		"between a half and all", "as large as it was", "a byte smaller"} {
		if seen[what] == 0 {
			t.Errorf("no object is %s: %v", what, seen)
		}
	}
}

// Open bases take 2 MiB, and half as much as the objects.
func TestTheBoundsOfOpenBases(t *testing.T) {
	const size, most = 1000, 2 << 20
	for _, c := range []struct {
		packed int64
		taken  int
		opens  bool
	}{
		{1 << 30, most - size, true}, {1 << 30, most - size + 1, false},
		{20000, 10000 - size, true}, {20000, 10000 - size + 1, false}, {19999, 10000 - size, false},
	} {
		h := newHolder(t)
		g := owners(1)[0]
		for i := range minObjects {
			h.set(fmt.Sprint(i), g, sized(size, i))
		}
		p := &h.packer
		p.wake()
		p.texts.clear()
		p.packed, p.texts.bytes = c.packed, c.taken
		g.base.opened = true
		p.text(g.base)
		if (g.base.open > 0) != c.opens {
			t.Errorf("%d bytes packed and %d open: another %d are opened: %v", c.packed, c.taken, size, !c.opens)
		}
	}
}

// A text that fits exactly stays beside the others; one that does not takes another's place and
// memory.
func TestTheBoundsOfRoom(t *testing.T) {
	var o openBases
	a, b, c := new(Base), new(Base), new(Base)
	o.add(a, make([]byte, 500), 1000)
	o.add(b, make([]byte, 500), 1000)
	if a.open == 0 || b.open == 0 || o.bytes != 1000 {
		t.Fatalf("two texts of 500 bytes are not open in 1000: %d bytes are", o.bytes)
	}
	before := map[*byte]bool{&o.list[0].text[0]: true, &o.list[1].text[0]: true}
	o.add(c, make([]byte, 500), 1000)
	if c.open == 0 || len(o.list) != 2 || !before[&o.list[c.open-1].text[0]] {
		t.Error("a third text did not take the place of one, in its memory")
	}
	o.clear()
	o.add(a, make([]byte, 1000), 1000)
	if o.add(b, make([]byte, 1000), 1000); b.open == 0 || a.open != 0 {
		t.Error("a text did not take the place of the only one")
	}
}

// A group keeps its base as long as it has an object.
func TestTheLastObjectOfAGroup(t *testing.T) {
	var p Packer
	outer := NewGroup(nil, false)
	g := NewGroup(outer, false)
	var handles []Handle
	for i := range minObjects {
		packed, base, _ := p.Add(nil, g, sized(500, i))
		handles = append(handles, Handle{string(packed), base})
	}
	for i, h := range handles {
		if g.base == nil || outer.base == nil || g.objects != int32(minObjects-i) {
			t.Errorf("with %d objects left a group has no base", minObjects-i)
		}
		p.Release(g, h)
	}
	if g.base != nil || outer.base != nil || p.Stats().Bases != 0 {
		t.Errorf("without objects there are %d bases", p.Stats().Bases)
	}
}

// The length at a block's beginning, of 1 to 10 bytes.
func TestTheHeadOfABlock(t *testing.T) {
	for shift := range 64 {
		block := binary.AppendUvarint(nil, 1<<shift)
		if n := blockHead(append(block, "more"...)); n != len(block) || n != shift/7+1 {
			t.Errorf("the head of 1<<%d has %d bytes", shift, n)
		}
	}
	for _, damaged := range []string{"", "\x80", strings.Repeat("\xff", 12)} {
		if n := blockHead([]byte(damaged)); n != 0 {
			t.Errorf("the head of %q has %d bytes", damaged, n)
		}
	}
}

// A packer that rests has no memory to pack in.
func TestRest(t *testing.T) {
	var p Packer
	p.Add(nil, NewGroup(nil, false), sized(500, 1))
	if n := p.Stats().ScratchBytes; n < 12<<10 {
		t.Errorf("a packer that packs has %d bytes of memory to do it in", n)
	}
	for range 2 {
		if p.Rest(); p.Stats().ScratchBytes != 0 {
			t.Errorf("a packer that rests has %d bytes", p.Stats().ScratchBytes)
		}
	}
}
