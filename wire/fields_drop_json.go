package wire

import "errors"

var errNoDrop = errors.New("Options.Drop is to be made by NewDrop, which knows what cannot be dropped")

// jsonObjectWithout is jsonObject, but leaves out what drop says, in the same pass. Of a Status, which
// is what a watch ends with, nothing is left out.
func (k *outline) jsonObjectWithout(drop *Fields, s *scanner, keepManagedFields bool) {
	if drop.drop == nil {
		s.fail(errNoDrop)
		return
	}
	k.jsonMembersWithout(drop.drop.of(keepManagedFields).json, s)
	if s.err != nil || string(s.bytes(k.kind)) != "Status" || string(s.bytes(k.apiVersion)) != "v1" {
		return
	}
	again := newScanner(wholeWindow(s.b[:s.i]))
	k.jsonObject(&again, keepManagedFields)
	if again.err != nil {
		s.fail(again.err.err)
	}
}

// jsonMembersWithout reads the object itself.
func (k *outline) jsonMembersWithout(n *jsonNode, s *scanner) {
	k.reset()
	hasMetadata := false
	c := jsonCutter{outline: k}
	for more := s.open('{', '}'); more; more = s.next('}') {
		key := s.key()
		name := s.bytes(key)
		child := n.member(name)
		c.begin(key.start - 1)
		switch string(name) {
		case "apiVersion":
			s.string(&k.apiVersion)
		case "kind":
			s.string(&k.kind)
		case "metadata":
			if hasMetadata {
				s.failAt(key.start, errors.New("metadata stands there a second time"))
				return
			}
			hasMetadata = true
			k.jsonMetadataWithout(child, s)
		default:
			c.value(child, s)
		}
		c.end(s.i)
	}
	c.close()
}

// jsonMetadataWithout reads the value of metadata.
func (k *outline) jsonMetadataWithout(n *jsonNode, s *scanner) {
	if s.null() {
		return
	}
	c := jsonCutter{outline: k}
	for more := s.open('{', '}'); more; more = s.next('}') {
		key := s.key()
		name := s.bytes(key)
		child := n.member(name)
		c.begin(key.start - 1)
		switch {
		case child == nil:
			k.jsonMetadataField(s, name)
		case string(name) == "annotations":
			k.jsonAnnotationsWithout(child, s)
		default:
			c.value(child, s)
		}
		c.end(s.i)
	}
	c.close()
}

// jsonAnnotationsWithout reads annotations, as jsonStrings does.
func (k *outline) jsonAnnotationsWithout(n *jsonNode, s *scanner) {
	if s.null() {
		return
	}
	c := jsonCutter{outline: k}
	for more := s.open('{', '}'); more; more = s.next('}') {
		key := s.key()
		child := n.member(s.bytes(key))
		c.begin(key.start - 1)
		var value text
		s.string(&value)
		c.cut = child != nil && child.whole
		c.end(s.i)
	}
	c.close()
}

// jsonWithout reads a value, and leaves out of it what n says.
func (k *outline) jsonWithout(n *jsonNode, s *scanner) {
	c := jsonCutter{outline: k}
	switch s.space() {
	case '{':
		for more := s.open('{', '}'); more; more = s.next('}') {
			key := s.key()
			c.begin(key.start - 1)
			c.value(n.member(s.bytes(key)), s)
			c.end(s.i)
		}
	case '[':
		for more := s.open('[', ']'); more; more = s.next(']') {
			s.space()
			c.begin(s.i)
			c.value(n.each, s)
			c.end(s.i)
		}
	default:
		s.value() // null, or not what the path expects: there is nothing in it
	}
	c.close()
}

// jsonCutter leaves members out of one object or array: between begin and end, each is read and cut
// is set for those that go. Each takes one comma along: the one before it, or the one after it where
// nothing stays before it.
type jsonCutter struct {
	outline *outline
	cut     bool // leave this member out
	start   int  // of this member
	kept    bool // a member that stays has been read
	last    int  // the end of the member before
	leading text // members to leave out, before any that stays
}

func (c *jsonCutter) begin(start int) {
	c.start, c.cut = start, false
	if c.leading.end > 0 {
		c.outline.cut(c.leading.start, start)
		c.leading = text{}
	}
}

// value reads the member's value.
func (c *jsonCutter) value(n *jsonNode, s *scanner) {
	switch {
	case n == nil:
		s.value()
	case n.whole:
		s.value()
		c.cut = true
	default:
		c.outline.jsonWithout(n, s)
	}
}

func (c *jsonCutter) end(end int) {
	switch {
	case !c.cut:
		c.kept = true
	case c.kept:
		c.outline.cut(c.last, end)
	default:
		c.leading = text{start: c.start, end: end}
	}
	c.last = end
}

func (c *jsonCutter) close() {
	if c.leading.end > 0 {
		c.outline.cut(c.leading.start, c.leading.end)
	}
}
