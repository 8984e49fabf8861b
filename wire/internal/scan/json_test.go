package scan

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"
)

// scans says whether the scanner takes data for a document.
func scans(data string, byteByByte bool) bool {
	s := NewJSON(Whole([]byte(data)))
	if byteByByte {
		s = NewJSON(NewWindow(iotest.OneByteReader(strings.NewReader(data)), 1<<20, errFull))
	}
	s.Value()
	return s.Err == nil && s.AtEnd()
}

// jsonTexts are values, good and bad, as they may stand in an array.
var jsonTexts = []string{
	``, ` `, `null`, `nul`, `nulll`, `true`, `tru`, `false`, `False`, `0`, `-0`, `00`, `01`, `-`, `+1`, `1.`, `.1`, `1.0`, `1.0.0`,
	`1e1`, `1E+1`, `1e-1`, `1e`, `1e+`, `1.e1`, `-1.5e-7`, `0x1`, `1 2`, `1,2`, `1,`, `,1`, `Infinity`, `NaN`,
	`""`, `"`, `"a`, `"\"`, `"\""`, `"\\"`, `"\/\b\f\n\r\t"`, `"\a"`, `"\u12aF"`, `"\u12a"`, `"\u12ag"`, `"\U12af"`, "\"\x00\"", "\"\x1f\"", "\"\x7f\"",
	"\"\xff\"", "\"\xc3\x28\"", "\"\u2028\"", `"01234567"`, "\"01234567\n\"", `'a'`, `"a" "b"`,
	`[]`, `[`, `]`, `[[]]`, `[,]`, `[1,]`, `[1 2]`, `[}`, `{}`, `{`, `}`, `{]`, `{"a"}`, `{"a":}`, `{"a":1`, `{"a":1,}`, `{"a":1 "b":2}`, `{"a":1,"b":2}`,
	`{a:1}`, `{1:1}`, `{null:1}`, `{"a"::1}`, `{"a",1}`, `{"a":1}{}`, `{"a":{"b":[{"c":null}]}}`, ` { "a" : [ 1 , 2 ] } `, "\ufeff1", "\v1", "\u00a01", "// c\n1",
}

func TestScannerTakesWhatIsJSONAndNothingElse(t *testing.T) {
	for _, text := range jsonTexts {
		for _, data := range []string{"[" + text + "]", `{"k":` + text + "}", "\n[1," + text + ",\"\\u0000\"]\t"} {
			want := json.Valid([]byte(data))
			for _, byteByByte := range []bool{false, true} {
				if got := scans(data, byteByByte); got != want {
					t.Errorf("%q: %v, byte by byte: %v", data, got, byteByByte)
				}
			}
		}
	}
}

func FuzzScanner(f *testing.F) {
	for _, text := range jsonTexts {
		f.Add("[" + text + "]")
	}
	f.Fuzz(func(t *testing.T, data string) {
		data = "[" + data + "]" // a number alone has no end in a stream
		want := json.Valid([]byte(data))
		if got := scans(data, false); got != want {
			t.Errorf("at once: %v", got)
		}
		if got := scans(data, true); got != want {
			t.Errorf("byte by byte: %v", got)
		}
	})
}

func TestDepthIsThatOfEncodingJSON(t *testing.T) {
	for depth, want := range map[int]bool{maxDepth: true, maxDepth + 1: false} {
		data := strings.Repeat("[", depth) + strings.Repeat("]", depth)
		if got := json.Valid([]byte(data)); got != want {
			t.Fatalf("encoding/json says %v of depth %d", got, depth)
		}
		if got := scans(data, false); got != want {
			t.Errorf("depth %d: %v", depth, got)
		}
	}
}

var quotedTexts = []string{
	``, `a`, `\n\t\r\b\f\"\\\/`, `\u0041`, `\u00e9\u2028`, `\ud83d\ude00`, `\ud83d`, `\ude00`, `\ud83d\ud83d\ude00`, `\ud83dx`, `\ud83d\n`, `\ud83d\u0041`,
	`\uFFFD`, "\xff", "a\xc3", "\xed\xa0\x80", "\xf0\x9f\x98\x80", "caf\u00e9", `a\u0000b`,
}

func FuzzUnquote(f *testing.F) {
	for _, text := range quotedTexts {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, inside string) {
		var want string
		quoted := `"` + inside + `"`
		if json.Unmarshal([]byte(quoted), &want) != nil {
			t.Skip() // of a string that the scanner does not let pass, nothing is asked
		}
		if got := Unquote([]byte(inside)); got != want {
			t.Errorf("%q: got %q, want %q", inside, got, want)
		}
		s := NewJSON(Whole([]byte(quoted)))
		var got Text
		s.Text(&got)
		if s.Err != nil || !got.Unquote && inside != want {
			t.Errorf("%q is taken as it stands, which is not %q (%v)", inside, want, s.Err)
		}
	})
}

func FuzzQuote(f *testing.F) {
	for _, text := range quotedTexts {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, want string) {
		var got string
		if err := json.Unmarshal(Quote(want), &got); err != nil || got != strings.ToValidUTF8(want, "\ufffd") && utf8.ValidString(want) {
			t.Errorf("%q: got %q, %v", want, got, err)
		}
	})
}

func FuzzPlainPrefix(f *testing.F) {
	f.Add([]byte("01234567\"89"), 0)
	f.Add([]byte("abc\x1f\x20\x80\x9f\\"), 1)
	f.Fuzz(func(t *testing.T, b []byte, i int) {
		if i < 0 || i > len(b) {
			return
		}
		want := i
		for want < len(b) && b[want] >= ' ' && b[want] != '"' && b[want] != '\\' {
			want++
		}
		if got := plainPrefix(b, i); got != want {
			t.Errorf("%q from %d: got %d, want %d", b, i, got, want)
		}
	})
}

// Each byte, at each place of eight, among neighbours that might borrow from it.
func TestPlainPrefixStopsAtEachByte(t *testing.T) {
	for _, around := range []byte{'a', ' ', '!', '#', '[', ']', 0x7f, 0x80, 0xa0, 0xff} {
		for c := range 256 {
			for place := range 16 {
				b := []byte(strings.Repeat(string([]byte{around}), 16))
				b[place] = byte(c)
				want := 16
				if c < ' ' || c == '"' || c == '\\' {
					want = place
				}
				if got := plainPrefix(b, 0); got != want {
					t.Fatalf("%q: got %d, want %d", b, got, want)
				}
			}
		}
	}
}
