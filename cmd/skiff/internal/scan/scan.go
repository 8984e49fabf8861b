// Package scan reads parts of a JSON document that is in memory, and skips the rest at the speed of a
// search for quotation marks. Tables of many objects consist mostly of metadata that nobody prints.
//
// It finds values by their place. What it skips it does not check further than it needs to find the
// end; what it returns as text is checked by encoding/json where it has escapes.
package scan

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"
	"strconv"
)

// A Cursor is a place in a document, at the beginning of a value. The first error stays: from then on
// methods return nothing. A Cursor is for one goroutine.
type Cursor struct {
	data []byte
	at   int
	err  error
}

// New returns a cursor at the value of data.
func New(data []byte) *Cursor { return &Cursor{data: data} }

// Err returns the first error, or nil.
func (c *Cursor) Err() error { return c.err }

func (c *Cursor) fail(problem string) {
	if c.err == nil {
		c.err = fmt.Errorf("JSON at byte %d: %s", c.at, problem)
	}
	c.at = len(c.data)
}

// next returns the next byte that is no space, without passing it; 0 at the end.
func (c *Cursor) next() byte {
	for ; c.at < len(c.data); c.at++ {
		switch b := c.data[c.at]; b {
		case ' ', '\t', '\n', '\r':
		default:
			return b
		}
	}
	return 0
}

// take passes the next byte that is no space, which must be b.
func (c *Cursor) take(b byte) bool {
	if c.next() != b {
		c.fail(fmt.Sprintf("%q was expected", b))
		return false
	}
	c.at++
	return true
}

// Members returns an iterator over the members of an object by their keys, which are as they are
// written, without quotation marks. In the loop the cursor is at the member's value; a value that the
// loop does not pass is skipped. null has no members. If the loop is left, the cursor is of no more
// use.
func (c *Cursor) Members() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for more := c.open('{', '}'); more; more = c.more('}') {
			key := c.quoted()
			if !c.take(':') || !c.visit(yield, key) {
				return
			}
		}
	}
}

// Elements returns an iterator over the elements of an array, with the rules of Members. It yields
// nothing that is of use.
func (c *Cursor) Elements() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for more := c.open('[', ']'); more; more = c.more(']') {
			if !c.visit(yield, nil) {
				return
			}
		}
	}
}

// open passes the beginning of an object or array, and reports whether a value follows.
func (c *Cursor) open(begin, end byte) bool {
	if c.next() == 'n' {
		c.Skip()
		return false
	}
	if !c.take(begin) {
		return false
	}
	if c.next() == end {
		c.at++
		return false
	}
	return true
}

// more passes what follows a value, and reports whether another one does.
func (c *Cursor) more(end byte) bool {
	switch c.next() {
	case ',':
		c.at++
		return true
	case end:
		c.at++
	default:
		c.fail("a comma or the end was expected")
	}
	return false
}

// visit calls yield at a value, and skips the value if yield has not passed it.
func (c *Cursor) visit(yield func([]byte) bool, key []byte) bool {
	c.next()
	begin := c.at
	if c.err != nil || !yield(key) || c.err != nil {
		return false
	}
	if c.at == begin {
		c.Skip()
	}
	return c.err == nil
}

// Raw passes a value and returns it as it is written. It is a part of the document.
func (c *Cursor) Raw() []byte {
	c.next()
	begin := c.at
	c.Skip()
	if c.err != nil {
		return nil
	}
	return c.data[begin:c.at:c.at]
}

// Text passes a value and returns it as text: a string without quotation marks and escapes, null as
// "", and anything else as it is written.
func (c *Cursor) Text() string { return Text(c.Raw()) }

// Text returns a value as Cursor.Text does.
func Text(raw []byte) string {
	switch {
	case len(raw) == 0 || raw[0] == 'n':
		return ""
	case raw[0] != '"':
		return string(raw)
	case bytes.IndexByte(raw, '\\') < 0:
		return string(raw[1 : len(raw)-1])
	}
	var text string
	_ = json.Unmarshal(raw, &text) // what is no string in JSON is shown as nothing
	return text
}

// Int passes a value and returns it as a number; 0 if it is none.
func (c *Cursor) Int() int64 {
	n, _ := strconv.ParseInt(string(c.Raw()), 10, 64)
	return n
}

// quoted passes a string and returns what is between its quotation marks.
func (c *Cursor) quoted() []byte {
	if !c.take('"') {
		return nil
	}
	begin := c.at
	for {
		i := bytes.IndexByte(c.data[c.at:], '"')
		if i < 0 {
			c.fail("a string has no end")
			return nil
		}
		c.at += i + 1
		escapes := 0
		for j := c.at - 2; j >= begin && c.data[j] == '\\'; j-- {
			escapes++
		}
		if escapes%2 == 0 {
			return c.data[begin : c.at-1]
		}
	}
}

// Skip passes a value.
func (c *Cursor) Skip() {
	switch c.next() {
	case '"':
		c.quoted()
		return
	case '{', '[':
		c.skipNested()
		return
	}
	begin := c.at
	for ; c.at < len(c.data); c.at++ {
		switch c.data[c.at] {
		case ',', '}', ']', ' ', '\t', '\n', '\r', ':', '"', '{', '[':
			if c.at == begin {
				c.fail("a value was expected")
			}
			return
		}
	}
	if c.at == begin {
		c.fail("a value was expected")
	}
}

// skipNested passes an object or array.
func (c *Cursor) skipNested() {
	depth := 0
	for c.at < len(c.data) {
		switch c.data[c.at] {
		case '"':
			c.quoted()
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		c.at++
		if depth == 0 {
			return
		}
	}
	c.fail("an object or array has no end")
}
