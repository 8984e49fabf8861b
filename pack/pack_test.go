package pack

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/skiff-k8s/skiff/pack/internal/near"
)

func (h Handle) form() form { return form(h.Bytes[0]) & formMask }

func TestEveryFormComesBack(t *testing.T) {
	random := make([]byte, 3000)
	for i := range random {
		random[i] = byte(rand.Uint32())
	}
	g := owners(1)[0]
	like, own := sibling(0, 0, 9)
	for name, c := range map[string]struct {
		group *Group
		data  []byte
		form  form
	}{
		"empty":           {g, nil, formPlain},
		"one byte":        {g, []byte("x"), formPlain},
		"incompressible":  {nil, random, formPlain},
		"small":           {g, bytes.Repeat([]byte("abc"), 30), formS2},
		"without a group": {nil, like, formS2},
		"like its base":   {g, like, formNear},
		"too large":       {g, bytes.Repeat(like, 20), formS2},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHolder(t)
			for i := range minObjects {
				h.setSibling(g, 0, 0, i)
			}
			got := h.set(name, c.group, c.data, own...)
			if got.form() != c.form {
				t.Errorf("its form is %d, not %d", got.form(), c.form)
			}
			h.check()
			for name := range h.kept {
				h.drop(name)
			}
			h.check()
			if back, err := got.Unpack(make([]byte, 5), own...); err != nil || !bytes.Equal(back, c.data) {
				t.Errorf("it did not come back after it was released: %v", err)
			}
		})
	}
}

// What Add appends to, Unpack writes over, and neither keeps anything of its arguments.
func TestWhoseMemoryItIs(t *testing.T) {
	var p Packer
	g := NewGroup(nil, false)
	first, firstOwn := sibling(0, 0, 0)
	p.Add(nil, g, first, firstOwn...) // the base
	data, own := sibling(0, 0, 1)
	want := bytes.Clone(data)
	packed, base, _ := p.Add([]byte("head"), g, data, own...)
	if !bytes.HasPrefix(packed, []byte("head")) {
		t.Fatal("what stood in dst is gone")
	}
	clear(data)
	clear(first)
	h := Handle{string(packed[4:]), base}
	into := make([]byte, 0, 2*len(want))
	got, err := h.Unpack(append(into, "old"...), own...)
	if err != nil || !bytes.Equal(got, want) {
		t.Fatalf("it came back as %q: %v", got, err)
	}
	if &got[0] != &into[:1][0] {
		t.Error("Unpack did not use the memory that it was given")
	}
}

func TestDamagedHandlesAreErrors(t *testing.T) {
	h := newHolder(t)
	g := owners(1)[0]
	for i := range 8 {
		h.setSibling(g, 0, 0, i)
	}
	for name, o := range h.kept {
		for _, damaged := range []Handle{{}, {o.handle.Bytes, nil}, {o.handle.Bytes[:1], o.handle.Base}, {o.handle.Bytes[:len(o.handle.Bytes)/2], o.handle.Base}} {
			if data, err := damaged.Unpack(nil, o.own...); err == nil {
				t.Errorf("%s, damaged, came back as %q", name, data)
			} else if !strings.HasPrefix(err.Error(), "pack: unpack object: ") {
				t.Errorf("%s: the error is %q", name, err)
			}
			_ = damaged.Size() // does not panic
		}
		for i := range o.handle.Bytes {
			damaged := []byte(o.handle.Bytes)
			damaged[i] ^= 0x15
			_, _ = Handle{string(damaged), o.handle.Base}.Unpack(nil, o.own...) // does not panic
		}
	}
	if _, err := (Handle{}).Unpack(nil); !errors.Is(err, errDamaged) {
		t.Errorf("the zero Handle: %v", err)
	}
}

// sized is an object of exactly n bytes, like others of another size.
func sized(n, seed int) []byte {
	r := rand.New(rand.NewPCG(1, 1))
	b := make([]byte, 0, n+40)
	for len(b) < n {
		b = fmt.Appendf(b, "a setting like no other %08x; ", r.Uint32())
	}
	b = b[:n]
	copy(b[n/2:], fmt.Sprintf("%03d", seed))
	return b
}

// Each limit of an object's size holds from one byte to the next.
func TestTheBoundsOfSizes(t *testing.T) {
	for _, c := range []struct {
		size         int
		base, member form // as the first of a group, and beside one that is fit to be the base
		isBase       bool
	}{
		{127, formS2, formS2, false},
		{128, formNear, formNear, true},
		{129, formNear, formNear, true},
		{16<<10 - 1, formNear, formNear, true},
		{16 << 10, formNear, formNear, true},
		{16<<10 + 1, formS2, formNear, false},
		{40<<10 - 1, formS2, formNear, false},
		{40 << 10, formS2, formNear, false},
		{40<<10 + 1, formS2, formS2, false},
	} {
		h := newHolder(t)
		g := NewGroup(nil, false)
		got := h.set("first", g, sized(c.size, 1))
		if (h.packer.Stats().Bases == 1) != c.isBase || got.form() != c.base {
			t.Errorf("the first object, of %d bytes, has form %d; there are %d bases", c.size, got.form(), h.packer.Stats().Bases)
		}
		h.check()

		h = newHolder(t)
		g = NewGroup(nil, false)
		h.set("base", g, sized(16<<10, 1))
		if got := h.set("member", g, sized(c.size, 2)); got.form() != c.member {
			t.Errorf("an object of %d bytes beside a base has form %d, not %d", c.size, got.form(), c.member)
		}
		h.check()
	}
}

// A base, the own strings and an object are packed against each other as long as all their places can
// be said in 16 bits. Beyond that the object is packed alone.
func TestTheBoundOfPlaces(t *testing.T) {
	const object = 20 << 10
	for _, over := range []int{-1, 0, 1, 1000} {
		h := newHolder(t)
		g := NewGroup(nil, false)
		h.set("base", g, sized(maxBase, 1))
		name := strings.Repeat("n", (near.MaxBytes-maxBase-object)/2)
		want := formNear
		if over > 0 {
			want = formS2
		}
		data := sized(object, 2)
		copy(data[100:], name[:1000])
		got := h.set("member", g, data, name, strings.Repeat("v", near.MaxBytes-maxBase-object-len(name)+over))
		if got.form() != want {
			t.Errorf("%d bytes over the bound: the form is %d", over, got.form())
		}
		h.check()
	}
}

// Objects with names of 25 KB beside a base of 15 KB, as they are and as they change.
func TestLongNames(t *testing.T) {
	h := newHolder(t)
	g := owners(1)[0]
	for i := range 40 {
		name := strings.Repeat(fmt.Sprintf("name-%02d.", i), 25<<10/8)
		data := append(sized(15<<10, i), name...)
		if i < minObjects {
			data = sized(15<<10, i)
		}
		h.set(fmt.Sprint(i), g, data, "ns/"+name, "uid", "1")
	}
	h.check()
}

func TestWhenAGroupHasABase(t *testing.T) {
	h := newHolder(t)
	groups := owners(2)
	g := groups[0]
	for i, bases := range []int{1, 1, 1, 2, 2} {
		h.setSibling(g, 0, 0, i)
		if n := h.packer.Stats().Bases; n != bases {
			t.Errorf("after %d objects there are %d bases, not %d", i+1, n, bases)
		}
		h.check()
	}
	for name, o := range h.kept {
		if o.handle.Base != g.base {
			t.Errorf("%s was not repacked", name)
		}
	}
	// Another group does with the outer base what it can.
	if got := h.setSibling(groups[1], 1, 0, 0); got.Base != g.within.base || got.form() != formNear {
		t.Error("the first object of a group is not packed against the outer base")
	}
	for name := range h.kept {
		h.drop(name)
		h.check()
	}
	if st := h.packer.Stats(); st.Bases != 0 || st.BaseBytes != 0 {
		t.Errorf("without objects there are %+v", st)
	}
}

// A group can have many objects when it gets a base. Only so many are repacked.
func TestRepackingIsBounded(t *testing.T) {
	h := newHolder(t)
	outer := NewGroup(nil, false)
	g := NewGroup(outer, false)
	big := func(i int) []byte { return sized(maxBase+1, i) }
	h.set("outer", outer, sized(maxBase, 1))
	for i := range 3 * RepackAtMost {
		h.set(fmt.Sprint(i), g, big(i)) // each too large to be a base
	}
	h.set("the base", g, sized(maxBase, 2))
	n := 0
	for name, o := range h.kept {
		if o.handle.Base == g.base && name != "the base" {
			n++
		}
	}
	if n != 16 {
		t.Errorf("%d objects were repacked, not 16", n)
	}
	h.check()
}

// A group keeps few former bases beside the one it has: one, and one for every 64 objects.
func TestFormerBasesAreBounded(t *testing.T) {
	for _, c := range []struct {
		former, objects int32
		may             bool
	}{{0, 0, true}, {0, 63, true}, {1, 63, false}, {1, 64, true}, {2, 127, false}, {2, 128, true}} {
		if g := (&Group{former: c.former, objects: c.objects}); g.mayChange() != c.may {
			t.Errorf("with %d former bases and %d objects a group may change: %v", c.former, c.objects, !c.may)
		}
	}
}

// An object that has outgrown the base of a group of alike ones takes its place, from a byte on.
func TestOutgrownBases(t *testing.T) {
	for _, c := range []struct {
		alike bool
		size  int
		takes bool
	}{{true, 1125, false}, {true, 1126, true}, {false, 1126, false}} {
		h := newHolder(t)
		g := NewGroup(NewGroup(nil, false), c.alike)
		for i := range minObjects {
			h.set(fmt.Sprint(i), g, sized(1000, i))
		}
		before := g.base
		h.set("grown", g, sized(c.size, 9))
		if (g.base != before) != c.takes {
			t.Errorf("an object of %d bytes beside a base of 1000 (alike: %v) took its place: %v", c.size, c.alike, !c.takes)
		}
		h.check()
	}
}

// Objects that have little in common are packed alone, and only one in averageOver tries the base.
func TestABaseThatDoesNotHelp(t *testing.T) {
	h := newHolder(t)
	g := NewGroup(nil, false)
	const n = 400
	for i := range n {
		var data []byte
		for range 60 {
			data = fmt.Appendf(data, "%016x address: ", rand.Uint64())
		}
		h.set(fmt.Sprint(i), g, data)
	}
	// One attempt is one observation, and the average follows all attempts.
	if b := g.base; b.packs != n || b.raw/averageOver > 2000 {
		t.Errorf("of %d objects %d are noted, of %d bytes", n, b.packs, b.raw/averageOver)
	}
	near := 0
	for _, o := range h.kept {
		if o.handle.form() == formNear {
			near++
		}
	}
	if near > n/4 {
		t.Errorf("%d of %d objects are packed against a base that does not help", near, n)
	}
	h.check()
}

// Whatever a holder does, everything comes back, and the counts are right: references to zero, and
// bases freed with the last one.
func TestRandomUse(t *testing.T) {
	for seed := range uint64(6) {
		r := rand.New(rand.NewPCG(seed, 1))
		h := newHolder(t)
		outer := []*Group{NewGroup(nil, false), NewGroup(nil, true)}
		groups := []*Group{nil, outer[0], outer[1]}
		for range 6 {
			groups = append(groups, NewGroup(groups[1+r.IntN(len(groups)-1)], r.IntN(2) == 0))
		}
		for step := range 400 {
			name := fmt.Sprint(r.IntN(60))
			_, had := h.kept[name]
			switch {
			case had && r.IntN(3) == 0:
				h.drop(name)
			case r.IntN(30) == 0:
				h.packer.Rest()
			default:
				g := r.IntN(len(groups))
				data, own := sibling(g, step/100, step)
				switch r.IntN(6) {
				case 0:
					data = data[:r.IntN(len(data))]
				case 1:
					data = bytes.Repeat(data, 1+r.IntN(16))
				case 2:
					data = pieces(r, data, own)
				}
				if r.IntN(5) == 0 {
					packed, base := h.packer.Pack(nil, groups[g], data, own...)
					if back, err := (Handle{string(packed), base}).Unpack(nil, own...); err != nil || !bytes.Equal(back, data) {
						t.Fatalf("a packed object did not come back: %v", err)
					}
				} else {
					h.set(name, groups[g], data, own...)
				}
			}
			if step%40 == 0 {
				h.check()
			}
		}
		for name := range h.kept {
			h.drop(name)
		}
		h.check()
		if st := h.packer.Stats(); st.Bases != 0 || st.BaseBytes != 0 {
			t.Fatalf("without objects there are %+v", st)
		}
		for _, g := range groups[1:] {
			if g.objects != 0 || g.former != 0 || g.base != nil {
				t.Fatalf("a group without objects holds %+v", g)
			}
		}
	}
}

// pieces composes an object of pieces of another one and of own strings.
func pieces(r *rand.Rand, of []byte, own []string) (data []byte) {
	for range r.IntN(40) {
		switch r.IntN(4) {
		case 0:
			data = append(data, own[r.IntN(len(own))]...)
		case 1:
			data = append(data, byte(r.Uint32()))
		default:
			from := r.IntN(len(of))
			data = append(data, of[from:from+r.IntN(len(of)-from)+1]...)
		}
	}
	return data
}

// FuzzPack composes objects of pieces of their base, as script says: two bytes a piece.
func FuzzPack(f *testing.F) {
	f.Add([]byte("the base of all that comes"), "own", []byte{0, 5, 1, 9, 200, 3, 255, 255})
	f.Add(bytes.Repeat([]byte("0123456789abcdef"), 130), "0123456789abcdef0123456789abcdef", []byte{1, 2, 3, 4, 5, 6, 7, 8})
	f.Fuzz(func(t *testing.T, base []byte, own string, script []byte) {
		if len(base) == 0 || len(base) > maxBase || len(script) > 500 {
			return
		}
		var data []byte
		for i := 0; i+1 < len(script) && len(data) < 2*maxNear; i += 2 {
			at, n := int(script[i])*len(base)/256, int(script[i+1])
			switch {
			case n < 200:
				data = append(data, base[at:min(len(base), at+n*n)]...)
			case n < 230:
				data = append(data, own...)
			default:
				data = append(data, script[i])
			}
		}
		h := newHolder(t)
		g := NewGroup(NewGroup(nil, false), false)
		h.set("base", g, base)
		for i := range 2 * minObjects {
			h.set(fmt.Sprint(i), g, data[:len(data)-len(data)*i/20], own)
		}
		h.check()
		for name := range h.kept {
			h.drop(name)
		}
		h.check()
	})
}

// Handles are unpacked while objects are added and released, their own among them.
func TestUnpackingMeanwhile(t *testing.T) {
	h := newHolder(t)
	groups := owners(3)
	handles := make(chan object, 64)
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			var into []byte
			for o := range handles {
				var err error
				if into, err = o.handle.Unpack(into, o.own...); err != nil || !bytes.Equal(into, o.data) {
					t.Errorf("%s did not come back: %v", o.own[0], err)
				}
			}
		})
	}
	for i := range 2000 {
		owner := i % len(groups)
		h.setSibling(groups[owner], owner, i/500, i%40)
		handles <- h.kept[fmt.Sprint(owner, "/", i%40)]
		if i%3 == 0 {
			h.drop(fmt.Sprint(owner, "/", i%40))
		}
	}
	close(handles)
	readers.Wait()
	h.check()
}

// Packing and unpacking take memory from pools.
func TestNothingIsAllocated(t *testing.T) {
	h := newHolder(t)
	g := owners(1)[0]
	for i := range 30 {
		h.setSibling(g, 0, 0, i)
	}
	data, own := sibling(0, 0, 99)
	dst := make([]byte, 0, 2*len(data))
	handle := h.set("mine", g, data, own...)
	if n := testing.AllocsPerRun(100, func() {
		packed, base, _ := h.packer.Add(dst[:0], g, data, own...)
		h.packer.Release(g, Handle{handle.Bytes, base})
		_ = packed
	}); n > 0 {
		t.Errorf("Add allocates %v times", n)
	}
	// Under the race detector a pool forgets at random.
	if n := testing.AllocsPerRun(100, func() { dst, _ = handle.Unpack(dst, own...) }); n > 3 {
		t.Errorf("Unpack allocates %v times", n)
	}
}

// Memory for packing is kept up to a bound, whatever a rare huge object took.
func TestTheBoundOfScratchMemory(t *testing.T) {
	for size, kept := range map[int]bool{maxScratch - 1: true, maxScratch: true, maxScratch + 1: false} {
		if b := small(make([]byte, 0, size)); (b != nil) != kept {
			t.Errorf("a buffer of %d bytes is kept: %v", size, b != nil)
		}
	}
	h := newHolder(t)
	random := make([]byte, 3*maxScratch)
	for i := range random {
		random[i] = byte(rand.Uint32())
	}
	h.set("huge", nil, random)
	if n := h.packer.Stats().ScratchBytes; n > maxScratch {
		t.Errorf("after a huge object %d bytes are kept to pack in", n)
	}
	h.check()
}

// One packing out of 16 tries a base that does not help, and every one does for the first.
func TestWhenABaseIsTried(t *testing.T) {
	for _, c := range []struct {
		b     Base
		helps bool
	}{
		{Base{packs: 15, now: 100, raw: 100}, true},
		{Base{packs: 16, now: 51, raw: 100}, true}, // the sixteenth
		{Base{packs: 17, now: 51, raw: 100}, false},
		{Base{packs: 17, now: 50, raw: 100}, true},
		{Base{packs: 31, now: 51, raw: 100}, false},
		{Base{packs: 32, now: 51, raw: 100}, true},
	} {
		if c.b.helps() != c.helps {
			t.Errorf("%+v helps: %v", c.b, !c.helps)
		}
	}
}

// A base is replaced when its objects have come to take half more than at first, and 64 bytes; not
// while it is younger than twice the objects of its group.
func TestWhenABaseIsReplaced(t *testing.T) {
	for _, c := range []struct {
		packed, packs int
		replaced      bool
	}{{214, 100, false}, {215, 100, true}, {215, 40, false}, {215, 41, true}} {
		var p Packer
		g := &Group{objects: 20, former: 0}
		b := &Base{group: g, refs: 2, first: 100, packs: uint32(c.packs), now: uint32(c.packed) * averageOver, raw: 1000 * averageOver}
		g.base = b
		p.note(b, c.packed, 1000)
		if (g.base != b) != c.replaced {
			t.Errorf("objects take %d bytes, at first 100, after %d: the base is replaced: %v", c.packed, c.packs, !c.replaced)
		}
	}
}
