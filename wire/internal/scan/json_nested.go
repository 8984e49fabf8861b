package scan

import (
	"encoding/binary"
	"math/bits"
)

// nested reads an object or array that begins at the next byte, with all that is in it. Nearly all
// that comes in JSON passes through here and is not looked at otherwise, so this is one loop that
// keeps its variables in registers. The rare cases are left to the other methods: white space, the
// end of the window, escapes, malformed input.
//
// It is a machine whose states are the labels. In each, the next byte that is no white space is c,
// and i its place: which bytes may come decides the next state. (Comparisons with len(b) are of
// uints where that shows the compiler that i is in b.)
func (s *JSON) nested() {
	const maxLevels = 64
	var (
		b, i    = s.b, s.i
		c       = b[i]
		levels  int    // how many are open
		objects uint64 // a bit a level, the innermost the lowest: 1 is an object, 0 an array
		isKey   bool   // whether the string being read is a key
	)

opening: // a bracket
	if s.depth+levels == maxDepth {
		s.i = i
		s.failDepth()
		return
	}
	if levels == maxLevels {
		s.i = i
		s.depth += levels
		s.nested()
		s.depth -= levels
		b, i = s.b, s.i
		goto end
	}
	levels++
	objects <<= 1
	i++
	if c == '{' {
		objects |= 1
		if c = token(b, i); c == 0 {
			b, i, c = s.tokenFrom(i)
		}
		if c == '}' {
			goto closing
		}
		goto key
	}
	if c = token(b, i); c == 0 {
		b, i, c = s.tokenFrom(i)
	}
	if c == ']' {
		goto closing
	}
	goto value

key: // and then a colon and a value
	if c != '"' {
		s.i = i
		s.Unexpected("a key")
		return
	}
	isKey = true
	goto str

value: // any
	isKey = false
	switch c {
	case '"':
		goto str
	case '{', '[':
		goto opening
	}
	s.i = i
	s.scalar(c)
	b, i = s.b, s.i
	goto end

str: // the rest of a string, after its first quote or an escaped one
	i++
	for uint(i) <= uint(len(b)) && len(b)-i >= 8 {
		if stop := stops(binary.LittleEndian.Uint64(b[i:])); stop != 0 {
			i += bits.TrailingZeros64(stop) / 8
			break
		}
		i += 8
	}
	if uint(i) < uint(len(b)) && b[i] == '"' {
		i++
	} else if uint(i+1) < uint(len(b)) && b[i] == '\\' && b[i+1] == '"' {
		// There are many of these where JSON stands in a string.
		i++
		goto str
	} else {
		s.i = i
		s.strRest()
		b, i = s.b, s.i
	}
	if !isKey {
		goto end
	}
	if c = token(b, i); c == 0 {
		b, i, c = s.tokenFrom(i)
	}
	if c != ':' {
		s.i = i
		s.Unexpected("a colon")
		return
	}
	i++
	if c = token(b, i); c == 0 {
		b, i, c = s.tokenFrom(i)
	}
	goto value

end: // of a value: a comma and another, or a bracket
	if c = token(b, i); c == 0 {
		b, i, c = s.tokenFrom(i)
	}
	switch {
	case c == ',':
		i++
		if c = token(b, i); c == 0 {
			b, i, c = s.tokenFrom(i)
		}
		if objects&1 != 0 {
			goto key
		}
		goto value
	case objects&1 != 0 && c != '}':
		s.i = i
		s.Unexpected("a comma or }")
		return
	case objects&1 == 0 && c != ']':
		s.i = i
		s.Unexpected("a comma or ]")
		return
	}

closing: // a bracket that fits
	i++
	objects >>= 1
	if levels--; levels > 0 {
		goto end
	}
	s.i = i
}

// token is the byte at i, unless that is white space, not there or worse: then it is 0.
func token(b []byte, i int) byte {
	if uint(i) < uint(len(b)) && b[i] > ' ' {
		return b[i]
	}
	return 0
}

// tokenFrom skips white space from i on, and returns the window, the place in it and the byte
// there.
func (s *JSON) tokenFrom(i int) ([]byte, int, byte) {
	s.i = i
	c := s.Peek()
	return s.b, s.i, c
}
