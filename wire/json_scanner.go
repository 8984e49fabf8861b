package wire

import (
	"fmt"
	"io"
	"strconv"
	"unicode/utf8"
)

// maxDepth is how deep JSON may nest: as deep as encoding/json decodes, so that what is read here
// can be decoded later.
const maxDepth = 10000

// scanner reads JSON off a window, by the grammar of RFC 8259. It makes nothing of the values: it
// says where they stand.
//
// Its methods read one thing each, and first the white space before it. After an error they read
// nothing, so that callers need not ask after each step; err says at the end whether all went well,
// and only then may the bytes at a text be looked at. Places are relative to the mark.
type scanner struct {
	win   window
	b     []byte // what the window holds
	i     int    // the next byte to look at
	depth int    // objects and arrays that are open
	err   *fault
}

func newScanner(win window) scanner {
	return scanner{win: win, b: win.bytes()}
}

// mark lets go of all that has been read: the next byte becomes the place 0.
func (s *scanner) mark() {
	if s.err != nil {
		return
	}
	s.win.discard(s.i)
	s.b, s.i = s.win.bytes(), 0
}

// more gets more bytes; false if there are none.
func (s *scanner) more() bool {
	if s.err != nil {
		return false
	}
	if err := s.win.more(); err != nil {
		s.fail(err)
		return false
	}
	s.b = s.win.bytes()
	return true
}

// fail makes err the scanner's error, at the next byte, unless it has one.
func (s *scanner) fail(err error) { s.failAt(s.i, err) }

func (s *scanner) failAt(place int, err error) {
	if s.err == nil {
		s.err = &fault{s.win.offset + int64(place), err}
	}
	s.b, s.i = nil, 0
}

// unexpected fails because the next byte does not begin what is wanted there.
func (s *scanner) unexpected(wanted string) {
	if s.i < len(s.b) {
		s.fail(fmt.Errorf("%s was expected, not %q", wanted, s.b[s.i:s.i+1]))
	}
}

// peek is the next byte; 0, which no JSON begins with, if there is none.
func (s *scanner) peek() byte {
	if s.i < len(s.b) || s.more() {
		return s.b[s.i]
	}
	return 0
}

// space skips white space, of which servers write next to none, and peeks.
func (s *scanner) space() byte {
	if s.i < len(s.b) {
		if c := s.b[s.i]; c > ' ' {
			return c
		}
	}
	for {
		c := s.peek()
		if c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			return c
		}
		s.i++
	}
}

// atEnd says that nothing but white space is left before the end of the stream.
func (s *scanner) atEnd() bool {
	if s.err != nil {
		return false
	}
	if s.space() != 0 || s.err == nil {
		return false
	}
	if s.err.err != io.EOF {
		return false
	}
	s.err = nil
	return true
}

// open begins an object or an array, and says whether it has a first member:
//
//	for more := s.open('{', '}'); more; more = s.next('}') {
//		key := s.key()
//		s.value()
//	}
func (s *scanner) open(bracket, closing byte) bool {
	if s.space() != bracket {
		s.unexpected(string(bracket))
		return false
	}
	if s.depth == maxDepth {
		s.fail(fmt.Errorf("objects and arrays nest deeper than %d", maxDepth))
		return false
	}
	s.i++
	s.depth++
	if s.space() == closing {
		s.i++
		s.depth--
		return false
	}
	return s.err == nil
}

// next goes on after a member of an object or array, and says whether there is another.
func (s *scanner) next(closing byte) bool {
	switch s.space() {
	case ',':
		s.i++
		return true
	case closing:
		s.i++
		s.depth--
		return false
	}
	s.unexpected("a comma or " + string(closing))
	return false
}

// key reads the key of an object's member, and the colon.
func (s *scanner) key() text {
	if s.space() != '"' {
		s.unexpected("a key")
		return text{}
	}
	t := s.str()
	if s.space() != ':' {
		s.unexpected("a colon")
		return text{}
	}
	s.i++
	return t
}

// bytes is the string at t. It is good until the scanner reads on.
func (s *scanner) bytes(t text) []byte {
	if s.err != nil {
		return nil
	}
	if t.unquote {
		return []byte(unquote(s.b[t.start:t.end]))
	}
	return s.b[t.start:t.end]
}

// value reads any value.
func (s *scanner) value() {
	switch c := s.space(); c {
	case '"':
		s.str()
	case '{', '[':
		s.nested()
	default:
		s.scalar(c)
	}
}

// scalar reads a value that begins with c, the next byte, and is no string, object or array.
func (s *scanner) scalar(c byte) {
	switch c {
	case 't':
		s.literal("true")
	case 'f':
		s.literal("false")
	case 'n':
		s.literal("null")
	default:
		if c != '-' && (c < '0' || c > '9') {
			s.unexpected("a value")
			return
		}
		s.number()
	}
}

func (s *scanner) literal(word string) {
	for i := range len(word) {
		if s.peek() != word[i] {
			s.unexpected(word)
			return
		}
		s.i++
	}
}

// null reads null if it is the next value, and says whether it was.
func (s *scanner) null() bool {
	if s.space() != 'n' {
		return false
	}
	s.literal("null")
	return true
}

// number reads a number.
func (s *scanner) number() text {
	s.space()
	start := s.i
	if s.peek() == '-' {
		s.i++
	}
	if s.peek() == '0' {
		s.i++
	} else {
		s.digits()
	}
	if s.peek() == '.' {
		s.i++
		s.digits()
	}
	if c := s.peek(); c == 'e' || c == 'E' {
		s.i++
		if c := s.peek(); c == '+' || c == '-' {
			s.i++
		}
		s.digits()
	}
	return text{start: start, end: s.i}
}

// digits reads one digit or more.
func (s *scanner) digits() {
	if c := s.peek(); c < '0' || c > '9' {
		s.unexpected("a digit")
		return
	}
	for c := s.peek(); '0' <= c && c <= '9'; c = s.peek() {
		s.i++
	}
}

// str reads a string that begins at the next byte. The text is what stands between the quotes.
func (s *scanner) str() text {
	t := text{start: s.i + 1}
	s.i++
	t.unquote = s.strRest()
	if s.err != nil {
		return text{}
	}
	t.end = s.i - 1
	return t
}

// strRest reads on in a string, to its end, and says whether there are escapes.
func (s *scanner) strRest() (escapes bool) {
	for {
		s.i = plainPrefix(s.b, s.i)
		switch c := s.peek(); {
		case c == '"':
			s.i++
			return escapes
		case c == '\\':
			escapes = true
			s.i++
			s.escape()
		case s.err == nil && c < ' ':
			s.unexpected("a character of a string (control characters are to be escaped)")
		}
		if s.err != nil {
			return false
		}
	}
}

// escape reads what follows a backslash.
func (s *scanner) escape() {
	switch s.peek() {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.i++
	case 'u':
		s.i++
		for range 4 {
			if _, ok := hexDigit(s.peek()); !ok {
				s.unexpected("a hexadecimal digit")
				return
			}
			s.i++
		}
	default:
		s.unexpected("an escape sequence")
	}
}

// string reads a string into t. As in encoding/json, null leaves t as it is.
func (s *scanner) string(t *text) {
	if s.null() {
		return
	}
	if s.space() != '"' {
		s.unexpected("a string")
		return
	}
	*t = s.checked(s.str())
}

// checked marks a text that cannot be taken as it stands because it is not UTF-8. Only texts that
// become part of a Meta need it.
func (s *scanner) checked(t text) text {
	if s.err == nil && !t.unquote {
		t.unquote = !utf8.Valid(s.b[t.start:t.end])
	}
	return t
}

// int reads an integer into n. As in encoding/json, null leaves n as it is.
func (s *scanner) int(n *int64) {
	if s.null() {
		return
	}
	t := s.number()
	if s.err != nil {
		return
	}
	var err error
	if *n, err = strconv.ParseInt(string(s.b[t.start:t.end]), 10, 64); err != nil {
		s.failAt(t.start, fmt.Errorf("%s is no integer of 64 bits", s.b[t.start:t.end]))
	}
}
