package near

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
	"unsafe"
)

func noise(seed uint64, n int) []byte {
	r := rand.New(rand.NewPCG(seed, 7))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// The places of base, header and object are 16-bit numbers, from one on.
func TestTheBoundOfPlaces(t *testing.T) {
	if MaxBytes != 65535 {
		t.Errorf("there are %d places, not 65535", MaxBytes)
	}
}

// The tables take 12 KB for a matcher, of which there is one for each goroutine that packs.
func TestTheSizeOfTheTables(t *testing.T) {
	var p Packer
	if n := unsafe.Sizeof(p.fromBase) + unsafe.Sizeof(p.fromOwn); n != 12<<10 {
		t.Errorf("the tables take %d bytes", n)
	}
}

// What each element takes, at the bounds between its forms.
func TestTheSizesOfElements(t *testing.T) {
	for length, head := range map[int]int{
		0: 0, 1: 1, 59: 1, 60: 1, 61: 2, 255: 2, 256: 2, 257: 3, 258: 3, 65535: 3,
	} {
		if n := len(appendLiteral(nil, make([]byte, length))) - length; n != head {
			t.Errorf("a literal of %d bytes takes %d more, not %d", length, n, head)
		}
	}
	for length, size := range map[int]int{
		4: 2, 8: 2, 9: 3, 10: 3, 263: 3, 264: 4, 265: 4, 65535: 4,
	} {
		if n := len(appendRepeat(nil, length)); n != size {
			t.Errorf("%d bytes from the last offset take %d, not %d", length, n, size)
		}
		if n := len(appendCopy(nil, 9, length, true)); n != size {
			t.Errorf("%d bytes from the same offset take %d, not %d", length, n, size)
		}
	}
	for _, c := range []struct{ offset, length, size int }{
		{1, 4, 2}, {1, 11, 2}, {1, 12, 3}, {2047, 11, 2}, {2048, 11, 3}, {2049, 4, 3}, {2047, 12, 3},
		{1, 63, 3}, {1, 64, 3}, {1, 65, 3 + 2}, {5000, 64, 3}, {5000, 65, 3 + 2}, {5000, 68, 3 + 2},
		{5000, 69, 3 + 2}, {5000, 72, 3 + 2}, {5000, 73, 3 + 3}, {5000, 327, 3 + 3}, {5000, 328, 3 + 4},
	} {
		if n := len(appendCopy(nil, c.offset, c.length, false)); n != c.size {
			t.Errorf("%d bytes from %d before take %d, not %d", c.length, c.offset, n, c.size)
		}
	}
}

// Of the base, each run of 7 bytes is found wherever it stands, and one of 5 if it has a place of
// the table in it; from 2048 bytes on, where a copy takes 3, one of 6. Of the header, every run of 5
// is found.
func TestTheShortestMatches(t *testing.T) {
	const text = 64
	own := noise(1, 10)
	for name, c := range map[string]struct{ base, header, between int }{
		"base": {text, 0, 0}, "far": {text, 0, 2048}, "header": {text, text, 0}, "no base": {0, text, 0},
	} {
		base, header := append(noise(2, c.base), make([]byte, c.between)...), noise(3, c.header)
		from, step := base[:c.base], baseStep
		if c.header > 0 {
			from, step = header, 1
		}
		var p Packer
		p.Base(base)
		for at := range text - 3 {
			if at == len(own) && c.header == 0 || at == len(own) && c.base == 0 {
				continue // the format begins with this distance, so that the copy takes less
			}
			for length := 3; length <= 9 && at+length <= text; length++ {
				for _, after := range [][]byte{nil, noise(11, 4)} {
					object := append(append(bytes.Clone(own), from[at:at+length]...), after...)
					packed := p.Pack(nil, header, object)
					if got := unpack(t, base, header, packed); !bytes.Equal(got, object) {
						t.Fatalf("%s: %d bytes from %d came back changed", name, length, at)
					}
					first := (at + step - 1) / step * step // place in the table
					copied := 2                            // bytes
					if c.between > 0 {
						copied = 3
					}
					found := first+minMatch <= at+length && length-copied-1 >= 2
					literal := 1 + 1 + len(object)
					want := literal
					if found {
						want = literal - length + copied
						if after != nil {
							want++ // another literal's head
						}
					}
					if len(packed) != want {
						t.Errorf("%s: %d bytes from %d, %d behind them: they take %d, not %d",
							name, length, at, len(after), len(packed), want)
					}
				}
			}
		}
	}
}

// A gain is what a copy saves beside a literal: at the bounds of the format's short copy.
func TestGains(t *testing.T) {
	for _, c := range []struct{ length, offset, last, gain int }{
		{10, 9, 9, 8}, {11, 2047, 9, 8}, {11, 2048, 9, 7}, {12, 2047, 9, 8}, {10, 2047, 9, 7}, {70, 70, 70, 68},
	} {
		if got := (match{0, c.length, c.offset}).gain(c.last); got != c.gain {
			t.Errorf("%+v gains %d", c, got)
		}
	}
	// Of two that gain the same, the first stays; one of a byte more is better.
	a := match{1, 10, 100}
	if got := a.orBetter(match{2, 10, 100}, 5); got != a {
		t.Errorf("%+v is taken for better than %+v", got, a)
	}
	if b := (match{2, 11, 100}); a.orBetter(b, 5) != b || (match{}).orBetter(b, 5) != b || b.orBetter(a, 5) != b {
		t.Error("the match that gains more is not the better one")
	}
}

// common counts to the first byte that differs, to the end, and past each step of eight.
func TestWhatIsInCommon(t *testing.T) {
	a := noise(4, 40)
	for n := range len(a) + 1 {
		b := bytes.Clone(a[:n])
		if got := common(a, b); got != n {
			t.Errorf("of %d equal bytes %d are in common", n, got)
		}
		if got := common(b, a[:len(a)-1]); got != min(n, len(a)-1) {
			t.Errorf("of %d equal bytes %d are in common", n, got)
		}
		if n > 0 {
			b[n-1] ^= 0x80
			if got := common(a, b); got != n-1 {
				t.Errorf("of %d equal bytes %d are in common", n-1, got)
			}
		}
	}
}

// A dictionary is not copied when it has the room that Room or Grow gave it, and that room is not
// more than the library asks for: a base is kept in it.
func TestTheRoomForADictionary(t *testing.T) {
	if n := cap(Room(nil, 96)); n != 112 {
		t.Errorf("a dictionary of 96 bytes takes %d", n)
	}
	packed := new(Packer).Pack(nil, noise(5, 97), noise(5, 97))
	dict := append(Room(nil, 97), noise(5, 97)...)
	into := make([]byte, 97)
	allocations := func(dict []byte) float64 {
		return testing.AllocsPerRun(20, func() {
			if _, err := Unpack(into, dict, packed); err != nil {
				t.Fatal(err)
			}
		})
	}
	if with, without := allocations(dict), allocations(dict[:97:97]); with >= without {
		t.Errorf("%v allocations where there is room, %v where there is none", with, without)
	}
}

// The sizes of objects of each kind, to the byte: what decides them is a sum of many small choices,
// and a change of one of those is a change of what caches take. Smaller is better.
func TestSizesToTheByte(t *testing.T) {
	sizes := map[string]int{}
	pack := func(kind string, base, header, object []byte) {
		t.Helper()
		var p Packer
		p.Base(base)
		packed := p.Pack(nil, header, object)
		if got := unpack(t, base, header, packed); !bytes.Equal(got, object) {
			t.Fatalf("%s: an object came back changed", kind)
		}
		sizes[kind] += len(packed)
	}
	for owner := range 5 {
		_, base := sibling(owner, 0)
		for i := range 20 {
			header, object := sibling(owner, i+1)
			pack("siblings", base, header, object)
			_, other := sibling(owner+7, i)
			pack("strangers", base, header, other)
		}
	}
	r := rand.New(rand.NewPCG(1, 1))
	for range 300 {
		base := noise(r.Uint64(), 20+r.IntN(4000))
		header := noise(r.Uint64(), r.IntN(60))
		var object []byte
		for range 1 + r.IntN(40) {
			switch from := base; r.IntN(8) {
			case 0:
				object = append(object, noise(r.Uint64(), 1+r.IntN(20))...)
			case 1:
				object = append(object, header...)
			case 2: // what the object has had before
				at := r.IntN(len(object) + 1)
				object = append(object, object[at:min(len(object), at+4+r.IntN(40))]...)
			case 3: // the base goes on after a byte or two
				at := r.IntN(len(from))
				object = append(object, from[at:min(len(from), at+30)]...)
				object = append(object, noise(r.Uint64(), 1+r.IntN(12))...)
				if at+60 < len(from) {
					object = append(object, from[at+31+r.IntN(3):at+60]...)
				}
			default:
				at := r.IntN(len(from))
				object = append(object, from[at:min(len(from), at+4+r.IntN(30))]...)
			}
		}
		pack("pieces", base, header, object)
	}
	for _, words := range []int{3, 20, 200} {
		text := func(seed uint64, n int) (b []byte) {
			r := rand.New(rand.NewPCG(seed, 3))
			for range n {
				b = fmt.Appendf(b, "word%d ", r.IntN(words)*r.IntN(words))
			}
			return b
		}
		pack("text", text(1, 500), text(2, 10), text(3, 700))
	}
	// What interrupts stands elsewhere too, with some of what follows.
	for range 300 {
		var base, elsewhere, object []byte
		for range 1 + r.IntN(30) {
			part := noise(r.Uint64(), 12+r.IntN(30))
			changed := bytes.Clone(part)
			at := r.IntN(8)
			n := 1 + r.IntN(3)
			if r.IntN(3) == 0 {
				n = 6 + r.IntN(6) // so many that it may as well go on elsewhere
			}
			for i := range min(n, len(part)-at) {
				changed[at+i] ^= 1 << r.IntN(8)
			}
			base = append(base, part...)
			object = append(object, changed...)
			from := r.IntN(at + 1)
			elsewhere = append(elsewhere, changed[from:min(len(changed), at+4+r.IntN(20))]...)
		}
		pack("interrupted", append(base, elsewhere...), nil, object)
		pack("interrupted", append(elsewhere, base...), nil, object)
		pack("interrupted", base, elsewhere[:min(len(elsewhere), 200)], object)
	}
	want := map[string]int{"interrupted": 82441, "siblings": 20230, "strangers": 154478, "pieces": 34694, "text": 7387}
	for kind, size := range want {
		if sizes[kind] != size {
			t.Errorf("%s take %d bytes, and took %d", kind, sizes[kind], size)
		}
	}
}
