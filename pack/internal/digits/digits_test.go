package digits

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

const uid = "0b3f5a52-1c0e-4d0c-9a39-2f6d0e8c7b1a"

func hexOf(r *rand.Rand, n int) string {
	var b strings.Builder
	for range n {
		b.WriteByte(digit[r.IntN(16)])
	}
	return b.String()
}

// What is halved, at every place that it can stand at beside where digits are looked for.
func TestDigitsAreHalved(t *testing.T) {
	hex := hexOf(rand.New(rand.NewPCG(1, 2)), 64)
	for _, c := range []struct {
		text string
		less int // bytes; 0: it stays as it is
	}{
		{"containerd://" + hex + "}", 32},
		{hex, 32},
		{hex[:63], 31},
		{hex[:17], 8},
		{hex[:16], 8},
		{hex[:15], 0},
		{uid, 20},
		{`"uid":"` + uid + `"`, 20},
		{"abc" + uid, 20},       // more digits before the first dash
		{hex[:16] + uid[8:], 8}, // so many that they are a run of their own
		{uid[:35], 0},           // not quite
		{uid + uid + uid, 60},
		{uid + "/" + hex + "/" + uid + "-" + hex[:20], 82}, //
		{strings.ToUpper(uid), 0},                          // would come back in lower case
		{strings.ToUpper(hex), 0},
		{strings.Replace(uid, "-", "_", 1), 0},
		{strings.Repeat("no digit in any place that is long enough: 1234567890 ", 20), 0},
		{"", 0},
	} {
		for before := range 20 {
			for _, after := range []string{"", "z", strings.Repeat("-", 200)} {
				text := strings.Repeat("x", before) + c.text + after
				packed, ok := Pack([]byte("kept"), []byte(text))
				if !bytes.HasPrefix(packed, []byte("kept")) {
					t.Fatal("what stood in dst is gone")
				}
				packed = packed[len("kept"):]
				if !ok {
					if c.less > 8 {
						t.Errorf("%q is not halved", text)
					}
					if len(packed) > 0 {
						t.Errorf("%q: not halved, and yet %q", text, packed)
					}
					continue
				}
				if runs := max(1, strings.Count(c.text, uid)+strings.Count(c.text, hex)); len(packed) > len(text)-c.less+runs*4+2 {
					t.Errorf("%q takes %d of %d bytes, and should %d less", text, len(packed), len(text), c.less)
				}
				if c.less == 0 || len(packed) >= len(text) {
					t.Errorf("%q should stay as it is, and became %q", text, packed)
				}
				back, err := Unpack([]byte("kept"), packed)
				if err != nil || string(back) != "kept"+text {
					t.Errorf("%q came back as %q, %v", text, back, err)
				}
			}
		}
	}
}

// A run is worth it from 16 digits on: it costs its own length and those before and behind it.
func TestTheBoundOfARun(t *testing.T) {
	const hex = "0123456789abcdef0123"
	for digits, size := range map[int]int{14: 0, 15: 0, 16: 8 + 3, 17: 8 + 3 + 1, 18: 9 + 3} {
		for _, before := range []string{"", "x", "------"} {
			packed, ok := Pack(nil, []byte(before+hex[:digits]))
			if want := size + len(before); ok != (size > 0) || ok && len(packed) != want {
				t.Errorf("%q and %d digits take %d bytes (%v), want %d", before, digits, len(packed), ok, want)
			}
		}
	}
	if packed, ok := Pack(nil, []byte(uid)); !ok || len(packed) != 3+16 {
		t.Errorf("a UID takes %d bytes (%v), not 19", len(packed), ok)
	}
}

// What becomes as long as it was stays as it is. 16 digits save 8 bytes. Lengths of 2 MiB and of
// 16 KiB take 4 and 3, and the run's own takes 1.
func TestTheBoundOfWhatItSaves(t *testing.T) {
	for behind, halved := range map[int]bool{1<<14 - 1: true, 1 << 14: false, 1<<14 + 1: false} {
		text := strings.Repeat("x", 1<<21) + "0123456789abcdef" + strings.Repeat("x", behind)
		if packed, ok := Pack(nil, []byte(text)); ok != halved || halved && len(packed) != len(text)-1 {
			t.Errorf("%d bytes behind the run: %d bytes took %d (%v)", behind, len(text), len(packed), ok)
		}
	}
}

func TestWhatPackDidNotWriteIsAnError(t *testing.T) {
	packed, _ := Pack(nil, []byte("id "+uid))
	for n := range len(packed) {
		if got, err := Unpack(nil, packed[:n]); err == nil && string(got) != "id " { // which ends where a text may
			t.Errorf("the first %d bytes of it became %q", n, got)
		}
	}
	if _, err := Unpack(nil, bytes.Repeat([]byte{0xff}, 30)); err == nil {
		t.Error("a length of more than 64 bits is no error")
	}
}

func FuzzDigits(f *testing.F) {
	f.Add([]byte("id " + uid + " and 0123456789abcdef0123456789abcdef."))
	f.Fuzz(func(t *testing.T, text []byte) {
		_, _ = Unpack(nil, text)
		packed, ok := Pack(nil, text)
		if !ok {
			return
		}
		if len(packed) >= len(text) {
			t.Errorf("%q became %d bytes", text, len(packed))
		}
		if back, err := Unpack(nil, packed); err != nil || !bytes.Equal(back, text) {
			t.Errorf("%q came back as %q, %v", text, back, err)
		}
	})
}

// A Pod that is packed against its sibling is some 300 bytes, with two container IDs.
func BenchmarkDigits(b *testing.B) {
	r := rand.New(rand.NewPCG(3, 4))
	var text []byte
	for range 2 {
		for range 80 {
			text = append(text, byte(r.Uint32()))
		}
		text = fmt.Appendf(text, "//%s", hexOf(r, 64))
	}
	var packed, back []byte
	b.Run("pack", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			packed, _ = Pack(packed[:0], text)
		}
		b.ReportMetric(float64(len(text)), "B")
		b.ReportMetric(float64(len(packed)), "packed-B")
	})
	b.Run("unpack", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			back, _ = Unpack(back[:0], packed)
		}
	})
}
