package near

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/klauspost/compress/s2"
)

// sibling is an object as those of one owner are: nearly the same, with parts of its own that cannot
// be foreseen, and some of them twice.
func sibling(owner, i int) (header, object []byte) {
	shared := rand.New(rand.NewPCG(uint64(owner), 0))
	own := rand.New(rand.NewPCG(uint64(owner), uint64(i)+1))
	hex := func(r *rand.Rand, n int) string {
		var b strings.Builder
		for range n {
			fmt.Fprintf(&b, "%x", r.IntN(16))
		}
		return b.String()
	}
	name, uid, ip := fmt.Sprintf("deployment-%d-%s", owner, hex(own, 5)), hex(own, 32), fmt.Sprintf("10.1.%d.%d", own.IntN(256), own.IntN(256))
	var b bytes.Buffer
	fmt.Fprintf(&b, "name %s uid %s node node-%d ip %s ips %s\n", name, uid, own.IntN(300), ip, ip)
	for c := range 2 {
		fmt.Fprintf(&b, "container %d image registry.example/%s\n", c, hex(shared, 40))
		for e := range 24 {
			fmt.Fprintf(&b, "SERVICE_SETTING_%02d=http://backend-%s.svc:80/%d\n", e, hex(shared, 12), shared.IntN(1000))
		}
		fmt.Fprintf(&b, "id containerd://%s started %d\n", hex(own, 64), 1790000000+own.IntN(100000))
	}
	return []byte("ns/" + name + uid), b.Bytes()
}

func unpack(t testing.TB, base, header, packed []byte) []byte {
	t.Helper()
	dict := Room(nil, len(base)+len(header))
	dict = append(append(dict, base...), header...)
	object, err := Unpack(nil, dict, packed)
	if err != nil {
		t.Fatal(err)
	}
	return object
}

func TestWhatIsPackedComesBack(t *testing.T) {
	var p Packer
	dst := []byte("kept")
	for owner := range 5 {
		_, base := sibling(owner, 0)
		p.Base(base)
		for i := range 20 {
			header, object := sibling(owner, i)
			packed := p.Pack(dst, header, object)
			if !bytes.HasPrefix(packed, dst) {
				t.Fatal("what stood in dst is gone")
			}
			packed = packed[len(dst):]
			if got := unpack(t, base, header, packed); !bytes.Equal(got, object) {
				t.Fatalf("owner %d, object %d: it came back as %q", owner, i, got)
			}
			if len(packed) > len(object)/8 {
				t.Errorf("an object of %d bytes takes %d", len(object), len(packed))
			}
		}
	}
}

// Where an object is interrupted by what is its own, it goes on beside its base, also if what follows
// stands elsewhere too: to go there and to come back would cost more than the interruption.
func TestWhatIsInterruptedGoesOn(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	const containers, mounts = 4, 6
	object := func() (header, object []byte) {
		name := fmt.Sprintf("%05x", r.IntN(1<<20))
		var b []byte
		for c := range containers {
			b = fmt.Appendf(b, "container %d of %s\n", c, name) // the header has the name
			for m := range mounts {                             // which are the same in each container
				b = fmt.Appendf(b, "mount /etc/config/%d from the volume number %d, read-only\n", m, m)
			}
			b = fmt.Appendf(b, "started %c and ready\n", 'a'+r.IntN(26))
		}
		return []byte("namespace/" + name), b
	}
	var p Packer
	_, base := object()
	p.Base(base)
	total := 0
	const n = 50
	for range n {
		header, o := object()
		packed := p.Pack(nil, header, o)
		if got := unpack(t, base, header, packed); !bytes.Equal(got, o) {
			t.Fatal("it came back changed")
		}
		total += len(packed)
	}
	if each := float64(total) / n / containers; each > 14 {
		t.Errorf("two interruptions take %.1f bytes", each)
	}
}

// Every length of a literal and of a copy that is written in another way than the one before it.
func TestEveryElementOfTheFormat(t *testing.T) {
	random := make([]byte, MaxBytes)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range random {
		random[i] = byte(r.Uint32())
	}
	lengths := []int{0, 1, 3, 4, 5, 8, 9, 11, 12, 59, 60, 61, 63, 64, 65, 67, 68, 69, 255, 256, 257, 263, 264, 265, 300, 4000, 20000}
	var p Packer
	for _, base := range []int{16, 17, 1000, 2040, 2050, 30000} {
		p.Base(random[:base])
		for _, literal := range lengths {
			for _, length := range lengths {
				start := max(0, base-length-7)
				from := random[start:min(start+length, base)]
				object := append(bytes.Clone(random[40000:40000+literal]), from...)
				object = append(object, 'x')
				object = append(object, from...) // the same offset as before, now of the object itself
				if base+len(object) > MaxBytes {
					continue
				}
				packed := p.Pack(nil, nil, object)
				if got := unpack(t, random[:base], nil, packed); !bytes.Equal(got, object) {
					t.Fatalf("base %d, literal %d, copy %d: it came back changed", base, literal, length)
				}
			}
		}
	}
}

// A copy that began in the dictionary and went on in the object would be longer, and wrong.
func TestNoCopyCrossesTheDictionarysEnd(t *testing.T) {
	var p Packer
	base := []byte("0123456789abcdefghijklmnopqrstuvwxyz-the-end")
	object := []byte("and-the-beginning, again: the-endand-the-beginning, the-end, and-the-beginning")
	p.Base(base)
	for cut := range len(object) {
		packed := p.Pack(nil, nil, object[cut:])
		if got := unpack(t, base, nil, packed); !bytes.Equal(got, object[cut:]) {
			t.Errorf("%q came back as %q", object[cut:], got)
		}
	}
}

func TestABaseThatIsTooShortIsAnError(t *testing.T) {
	if _, err := Unpack(nil, make([]byte, MinDict-1), []byte{0}); err == nil {
		t.Error("no error")
	}
}

func FuzzPack(f *testing.F) {
	for i := range 3 {
		_, base := sibling(i, 0)
		header, object := sibling(i, 1)
		f.Add(base, header, object)
	}
	f.Add(make([]byte, 16), []byte{}, make([]byte, 70000))
	p := new(Packer) // used again, as in the store
	f.Fuzz(func(t *testing.T, base, header, object []byte) {
		if n := len(base) + len(header); n < MinDict || n+len(object) > MaxBytes {
			return
		}
		p.Base(base)
		packed := p.Pack(nil, header, object)
		if len(packed) > s2.MaxEncodedLen(len(object)) {
			t.Errorf("%d bytes became %d", len(object), len(packed))
		}
		if got := unpack(t, base, header, packed); !bytes.Equal(got, object) {
			t.Errorf("%q came back as %q", object, got)
		}
	})
}

// The costs that the package's comment speaks of: an object of an owner whose table is at hand
// (same), and of one whose table must be made first (another).
func BenchmarkPack(b *testing.B) {
	_, base := sibling(1, 0)
	header, object := sibling(1, 1)
	dst := make([]byte, 0, s2.MaxEncodedLen(len(object)))
	report := func(b *testing.B, packed []byte) {
		b.ReportAllocs()
		b.ReportMetric(float64(len(packed)), "packed-B")
		b.ReportMetric(float64(len(object)), "object-B")
	}
	b.Run("near/same", func(b *testing.B) {
		var p Packer
		p.Base(base)
		for b.Loop() {
			dst = p.Pack(dst[:0], header, object)
		}
		report(b, dst)
	})
	b.Run("near/another", func(b *testing.B) {
		var p Packer
		for b.Loop() {
			p.Base(base)
			dst = p.Pack(dst[:0], header, object)
		}
		report(b, dst)
	})
	b.Run("s2/same", func(b *testing.B) {
		d := s2.MakeDictManual(base, 0)
		for b.Loop() {
			dst = d.Encode(dst[:0], object)
		}
		report(b, dst)
	})
	b.Run("s2/another", func(b *testing.B) {
		for b.Loop() {
			dst = s2.MakeDictManual(base, 0).Encode(dst[:0], object)
		}
		report(b, dst)
	})
	b.Run("s2/none", func(b *testing.B) {
		for b.Loop() {
			dst = s2.Encode(dst[:cap(dst)], object)
		}
		report(b, dst)
	})
}

func BenchmarkUnpack(b *testing.B) {
	_, base := sibling(1, 0)
	header, object := sibling(1, 1)
	var p Packer
	p.Base(base)
	packed := p.Pack(nil, header, object)
	dict := Room(nil, len(base)+len(header))
	into := make([]byte, len(object))
	b.ReportAllocs()
	for b.Loop() {
		dict = append(append(dict[:0], base...), header...)
		if _, err := Unpack(into, dict, packed); err != nil {
			b.Fatal(err)
		}
	}
}

// Copies from each distance and of each length that is written in another way than its neighbour, the
// first of their distance and a further one.
func TestTheBoundsOfACopy(t *testing.T) {
	random := make([]byte, MaxBytes)
	r := rand.New(rand.NewPCG(3, 4))
	for i := range random {
		random[i] = byte(r.Uint32())
	}
	lengths := []int{4, 5, 8, 9, 10, 11, 12, 13, 63, 64, 65, 66, 67, 68, 69, 259, 260, 263, 264, 265, 319, 320, 323, 324, 327, 328, 329, 5000}
	for _, offset := range []int{1, 255, 256, 257, 2046, 2047, 2048, 2049, 4095, 4096, 32767, 32768, MaxBytes - 1, MaxBytes} {
		for _, length := range lengths {
			want := bytes.Clone(random[:offset])
			block := appendLiteral(nil, want)
			for i, n := range []int{length, 7, length} {
				if i == 1 { // in between, something else
					want = append(want, random[:n]...)
					block = appendLiteral(block, random[:n])
					continue
				}
				block = appendCopy(block, offset, n, i == 2)
				for range n {
					want = append(want, want[len(want)-offset])
				}
			}
			block = append(binary.AppendUvarint(nil, uint64(len(want))), block...)
			if got, err := s2.Decode(nil, block); err != nil || !bytes.Equal(got, want) {
				t.Errorf("a copy of %d bytes from %d bytes before came back changed: %v", length, offset, err)
			}
		}
	}
}

// Base, header and object may have MaxBytes together, and be found from one end to the other.
func TestTheMostThereCanBe(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	random := make([]byte, MaxBytes)
	for i := range random {
		random[i] = byte(r.Uint32())
	}
	for _, size := range []struct{ base, header int }{{16 << 10, 9 << 10}, {16 << 10, 0}, {60000, 16}, {16, 60000}} {
		for less := range 3 {
			base, header := bytes.Clone(random[:size.base]), random[size.base:size.base+size.header]
			object := bytes.Repeat([]byte("x"), MaxBytes-less-size.base-size.header)
			n := min(600, len(base), len(object)/2)
			copy(object[len(object)-n:], base[:n]) // the last bytes are the first
			var p Packer
			p.Base(base)
			packed := p.Pack(nil, header, object)
			if got := unpack(t, base, header, packed); !bytes.Equal(got, object) {
				t.Errorf("base %d, header %d, %d below the most: it came back changed", size.base, size.header, less)
			}
			if n > 100 && len(packed) > n/2 {
				t.Errorf("base %d, header %d: the last bytes were not found at the beginning", size.base, size.header)
			}
		}
	}
}
