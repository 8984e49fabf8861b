package scan

import (
	"encoding/binary"
	"math/bits"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// plainPrefix skips, from place i on, what a JSON string holds as it is, and returns the place of
// the first byte that it does not skip: a quote, a backslash, a control character or the end.
func plainPrefix(b []byte, i int) int {
	for uint(i) <= uint(len(b)) && len(b)-i >= 8 {
		if stop := stops(binary.LittleEndian.Uint64(b[i:])); stop != 0 {
			return i + bits.TrailingZeros64(stop)/8
		}
		i += 8
	}
	for i < len(b) && b[i] >= ' ' && b[i] != '"' && b[i] != '\\' {
		i++
	}
	return i
}

// stops looks at eight bytes of a JSON string at once. The lowest bit that is set in the result is
// the highest of the first byte that is a quote, a backslash or a control character; 0 says that
// none is.
//
// With bit 1 flipped a quote is 0x20, a space is 0x22, and a control character is still below 0x20:
// minus 0x21, just quotes and control characters become negative, which sets their highest bit. A
// backslash flipped to 0 does so minus 1. Bytes that have that bit before are none of these. A byte
// that borrows may spoil the next one, but never one before it.
func stops(x uint64) uint64 {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	quoteOrControl := (x ^ ones*('"'^' ')) - ones*(' '+1)
	backslash := (x ^ ones*'\\') - ones
	return (quoteOrControl | backslash) &^ x & highs
}

// Unquote returns the string that stands between the quotes of a JSON string, which a scanner has
// read without an error. As in encoding/json, bytes that are not UTF-8 and halves of surrogate
// pairs become U+FFFD.
func Unquote(b []byte) string {
	var out strings.Builder
	out.Grow(len(b))
	for len(b) > 0 {
		if b[0] != '\\' {
			r, n := utf8.DecodeRune(b)
			out.WriteRune(r)
			b = b[n:]
			continue
		}
		if b[1] != 'u' {
			out.WriteByte(escaped(b[1]))
			b = b[2:]
			continue
		}
		r := codeUnit(b)
		b = b[6:]
		if utf16.IsSurrogate(r) {
			second := rune(utf8.RuneError)
			if len(b) >= 6 && b[0] == '\\' && b[1] == 'u' {
				second = codeUnit(b)
			}
			if r = utf16.DecodeRune(r, second); r != utf8.RuneError {
				b = b[6:]
			}
		}
		out.WriteRune(r)
	}
	return out.String()
}

// escaped is the character that a backslash and c stand for.
func escaped(c byte) byte {
	switch c {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return c // '"', '\\', '/'
}

// codeUnit is the number in \uXXXX.
func codeUnit(b []byte) rune {
	var r rune
	for _, c := range b[2:6] {
		digit, _ := hexDigit(c)
		r = r<<4 | rune(digit)
	}
	return r
}

func hexDigit(c byte) (value byte, ok bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

// Quote returns a string as JSON, with its quotes.
func Quote(s string) []byte {
	const hex = "0123456789abcdef"
	b := append(make([]byte, 0, len(s)+2), '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < ' ':
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&0xf])
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}
