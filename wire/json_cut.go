package wire

import (
	"github.com/skiff-k8s/skiff/wire/fieldpath"
	"github.com/skiff-k8s/skiff/wire/internal/scan"
)

// cutter leaves members out of one JSON object or array. Each member is read between begin and end,
// and is left out if cut is set. It takes one comma along: the one before it, or the one after it
// if no member before it stays.
type cutter struct {
	outline *outline
	cut     bool      // leave this member out
	start   int       // of this member
	kept    bool      // a member that stays has been read
	last    int       // the end of the member before
	leading scan.Text // members to leave out, before any that stays
}

func (c *cutter) begin(start int) {
	c.start, c.cut = start, false
	if c.leading.End > 0 {
		c.outline.cut(c.leading.Start, start)
		c.leading = scan.Text{}
	}
}

// value reads the member's value. It leaves out what drop leads to.
func (c *cutter) value(s *scan.JSON, drop *fieldpath.Names) {
	switch {
	case drop == nil:
		s.Value()
	case drop.Whole():
		s.Value()
		c.cut = true
	default:
		c.outline.jsonValue(s, drop)
	}
}

func (c *cutter) end(end int) {
	switch {
	case !c.cut:
		c.kept = true
	case c.kept:
		c.outline.cut(c.last, end)
	default:
		c.leading = scan.Text{Start: c.start, End: end}
	}
	c.last = end
}

func (c *cutter) close() {
	if c.leading.End > 0 {
		c.outline.cut(c.leading.Start, c.leading.End)
	}
}

// jsonValue reads a value, and leaves out of it what drop leads to.
func (k *outline) jsonValue(s *scan.JSON, drop *fieldpath.Names) {
	c := cutter{outline: k}
	switch s.Peek() {
	case '{':
		for more := s.Open('{', '}'); more; more = s.Next('}') {
			key := s.Key()
			c.begin(key.Start - 1)
			c.value(s, drop.Member(s.Bytes(key)))
			c.end(s.Place())
		}
	case '[':
		for more := s.Open('[', ']'); more; more = s.Next(']') {
			s.Peek()
			c.begin(s.Place())
			c.value(s, drop.Element())
			c.end(s.Place())
		}
	default:
		s.Value() // null, or not what the path expects: there is nothing in it
	}
	c.close()
}
