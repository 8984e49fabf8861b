package scan

import (
	"fmt"
	"io"
	"strconv"
	"unicode/utf8"
)

// maxDepth is how deep JSON may nest: as deep as encoding/json decodes, so that what is read here
// can be decoded later.
const maxDepth = 10000

// JSON reads JSON off a window, by the grammar of RFC 8259. It makes nothing of the values: it
// returns where they stand.
//
// Each method reads one thing, and first the white space before it. After an error nothing is read,
// so that callers need not ask after each step. Err tells in the end whether all went well; only if
// it is nil may the bytes at a Text be looked at. Places are relative to the mark.
//
// The zero JSON is not ready for use; NewJSON makes one. A JSON is for one goroutine at a time.
type JSON struct {
	Err *Fault // the first error; nil if there is none

	win   Window
	b     []byte // the bytes in the window
	i     int    // the next byte to look at
	depth int    // objects and arrays that are open
}

// NewJSON returns a scanner of the window's bytes. The mark is at its first byte.
func NewJSON(win Window) JSON {
	return JSON{win: win, b: win.Bytes()}
}

// Mark discards all that has been read: the next byte becomes the place 0.
func (s *JSON) Mark() {
	if s.Err != nil {
		return
	}
	s.win.Discard(s.i)
	s.b, s.i = s.win.Bytes(), 0
}

// Place returns the place of the next byte. After an error it is 0.
func (s *JSON) Place() int { return s.i }

// Since returns the bytes from a place up to the next byte. They are good until the scanner reads
// on; after an error there are none.
func (s *JSON) Since(place int) []byte {
	if s.Err != nil {
		return nil
	}
	return s.b[place:s.i]
}

// more gets more bytes. It reports whether there are any.
func (s *JSON) more() bool {
	if s.Err != nil {
		return false
	}
	if err := s.win.More(); err != nil {
		s.Fail(err)
		return false
	}
	s.b = s.win.Bytes()
	return true
}

// Fail makes err the scanner's error, at the next byte, unless there is one.
func (s *JSON) Fail(err error) { s.FailAt(s.i, err) }

// FailAt makes err the scanner's error, at a place, unless there is one.
func (s *JSON) FailAt(place int, err error) {
	if s.Err == nil {
		s.Err = &Fault{s.win.offset + int64(place), err}
	}
	s.b, s.i = nil, 0
}

// Unexpected fails because the next byte does not begin what is wanted there. At the end of the
// input it does nothing: the end is the error.
func (s *JSON) Unexpected(wanted string) {
	if s.i < len(s.b) {
		s.Fail(fmt.Errorf("%s was expected, not %q", wanted, s.b[s.i:s.i+1]))
	}
}

// here returns the next byte; 0, which no JSON begins with, if there is none.
func (s *JSON) here() byte {
	if s.i < len(s.b) || s.more() {
		return s.b[s.i]
	}
	return 0
}

// Peek skips white space, of which servers write next to none, and returns the next byte without
// reading it; 0 if there is none.
func (s *JSON) Peek() byte {
	if s.i < len(s.b) {
		if c := s.b[s.i]; c > ' ' {
			return c
		}
	}
	for {
		c := s.here()
		if !isSpace(c) {
			return c
		}
		s.i++
	}
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

// AtEnd skips white space. It reports whether the input ends there, which is no error.
func (s *JSON) AtEnd() bool {
	for s.Err == nil {
		for ; s.i < len(s.b); s.i++ {
			if !isSpace(s.b[s.i]) {
				return false
			}
		}
		err := s.win.More()
		if err == io.EOF {
			return true
		}
		if err != nil {
			s.Fail(err)
			return false
		}
		s.b = s.win.Bytes()
	}
	return false
}

// Open begins an object or an array. It reports whether there is a first member:
//
//	for more := s.Open('{', '}'); more; more = s.Next('}') {
//		key := s.Key()
//		s.Value()
//	}
func (s *JSON) Open(bracket, closing byte) bool {
	if s.Peek() != bracket {
		s.Unexpected(string(bracket))
		return false
	}
	if s.depth == maxDepth {
		s.failDepth()
		return false
	}
	s.i++
	s.depth++
	if s.Peek() == closing {
		s.i++
		s.depth--
		return false
	}
	return s.Err == nil
}

func (s *JSON) failDepth() {
	s.Fail(fmt.Errorf("objects and arrays nest deeper than %d", maxDepth))
}

// Next goes on after a member of an object or array. It reports whether there is another.
func (s *JSON) Next(closing byte) bool {
	switch s.Peek() {
	case ',':
		s.i++
		return true
	case closing:
		s.i++
		s.depth--
		return false
	}
	s.Unexpected("a comma or " + string(closing))
	return false
}

// Key reads the key of an object's member, and the colon.
func (s *JSON) Key() Text {
	if s.Peek() != '"' {
		s.Unexpected("a key")
		return Text{}
	}
	t := s.str()
	if s.Peek() != ':' {
		s.Unexpected("a colon")
		return Text{}
	}
	s.i++
	return t
}

// Bytes returns the string at t. It is good until the scanner reads on; after an error it is nil.
func (s *JSON) Bytes(t Text) []byte {
	if s.Err != nil {
		return nil
	}
	if t.Unquote {
		return []byte(Unquote(s.b[t.Start:t.End]))
	}
	return s.b[t.Start:t.End]
}

// Quoted returns the string at t as it stands there, with its quotes. It is good until the scanner
// reads on; after an error it is nil.
func (s *JSON) Quoted(t Text) []byte {
	if s.Err != nil {
		return nil
	}
	return s.b[t.Start-1 : t.End+1]
}

// Value reads any value.
func (s *JSON) Value() {
	switch c := s.Peek(); c {
	case '"':
		s.str()
	case '{', '[':
		s.nested()
	default:
		s.scalar(c)
	}
}

// scalar reads a value that begins with c, the next byte, and is no string, object or array.
func (s *JSON) scalar(c byte) {
	switch c {
	case 't':
		s.literal("true")
	case 'f':
		s.literal("false")
	case 'n':
		s.literal("null")
	default:
		if c != '-' && (c < '0' || c > '9') {
			s.Unexpected("a value")
			return
		}
		s.number()
	}
}

func (s *JSON) literal(word string) {
	for i := range len(word) {
		if s.here() != word[i] {
			s.Unexpected(word)
			return
		}
		s.i++
	}
}

// Null reads null if it is the next value. It reports whether it was.
func (s *JSON) Null() bool {
	if s.Peek() != 'n' {
		return false
	}
	s.literal("null")
	return true
}

// number reads a number.
func (s *JSON) number() Text {
	s.Peek()
	start := s.i
	if s.here() == '-' {
		s.i++
	}
	if s.here() == '0' {
		s.i++
	} else {
		s.digits()
	}
	if s.here() == '.' {
		s.i++
		s.digits()
	}
	if c := s.here(); c == 'e' || c == 'E' {
		s.i++
		if c := s.here(); c == '+' || c == '-' {
			s.i++
		}
		s.digits()
	}
	return Text{Start: start, End: s.i}
}

// digits reads one digit or more.
func (s *JSON) digits() {
	if c := s.here(); c < '0' || c > '9' {
		s.Unexpected("a digit")
		return
	}
	for c := s.here(); '0' <= c && c <= '9'; c = s.here() {
		s.i++
	}
}

// str reads a string that begins at the next byte. The text is what stands between the quotes.
func (s *JSON) str() Text {
	t := Text{Start: s.i + 1}
	s.i++
	t.Unquote = s.strRest()
	if s.Err != nil {
		return Text{}
	}
	t.End = s.i - 1
	return t
}

// strRest reads on in a string, to its end. It reports whether there are escapes.
func (s *JSON) strRest() (escapes bool) {
	for {
		s.i = plainPrefix(s.b, s.i)
		switch c := s.here(); {
		case c == '"':
			s.i++
			return escapes
		case c == '\\':
			escapes = true
			s.i++
			s.escape()
		case s.Err == nil && c < ' ':
			s.Unexpected("a character of a string (control characters are to be escaped)")
		}
		if s.Err != nil {
			return false
		}
	}
}

// escape reads what follows a backslash.
func (s *JSON) escape() {
	switch s.here() {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.i++
	case 'u':
		s.i++
		for range 4 {
			if _, ok := hexDigit(s.here()); !ok {
				s.Unexpected("a hexadecimal digit")
				return
			}
			s.i++
		}
	default:
		s.Unexpected("an escape sequence")
	}
}

// Text reads a string into t. As in encoding/json, null leaves t as it is.
func (s *JSON) Text(t *Text) {
	if s.Null() {
		return
	}
	if s.Peek() != '"' {
		s.Unexpected("a string")
		return
	}
	*t = s.Checked(s.str())
}

// Checked returns t, marked for unquoting if it is not UTF-8. Only a text whose bytes are used
// needs that, so Key leaves it to its caller.
func (s *JSON) Checked(t Text) Text {
	if s.Err == nil && !t.Unquote {
		t.Unquote = !utf8.Valid(s.b[t.Start:t.End])
	}
	return t
}

// Int reads an integer into n. As in encoding/json, null leaves n as it is.
func (s *JSON) Int(n *int64) {
	if s.Null() {
		return
	}
	t := s.number()
	if s.Err != nil {
		return
	}
	var err error
	if *n, err = strconv.ParseInt(string(s.b[t.Start:t.End]), 10, 64); err != nil {
		s.FailAt(t.Start, fmt.Errorf("%s is no integer of 64 bits", s.b[t.Start:t.End]))
	}
}
