package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

var errKeepUntyped = errors.New("the fields were made without a type that has a protobuf form: ask the server for wire.JSON, or make them for the object's type")

// Keep returns o with nothing in its Data but these fields, so that to decode it costs no more than
// they do. What leads to them stays too: a list keeps its length, an object that has none of them
// is an empty one. JSON keeps apiVersion and kind besides. Meta is o's, complete.
//
// Data is written to into[:0], which is another one if it has no room, and shares no memory with
// o.Data. The error says that o.Data is malformed (a [SyntaxError]), or that the fields are another
// type's, or of no type with a protobuf form while o is protobuf.
func (f *Fields) Keep(o Object, into []byte) (Object, error) {
	var fault *fault
	switch {
	case o.Format == JSON:
		s := newScanner(wholeWindow(o.Data))
		into = f.kept.json.keep(into[:0], &s)
		if s.err == nil && len(bytes.TrimLeft(s.b[s.i:], " \n\t\r")) > 0 {
			s.space()
			s.unexpected("the end of the document")
		}
		fault = s.err
	case o.Format != Protobuf:
		return Object{}, fmt.Errorf("keep fields of %s: %v is no format", o.about(), o.Format)
	case !f.of(o.Kind):
		return Object{}, fmt.Errorf("keep fields of %s: they are fields of a %s", o.about(), f.kind)
	case f.kept.protobuf == nil:
		return Object{}, fmt.Errorf("keep fields of %s: %w", o.about(), errKeepUntyped)
	default:
		m := fields{b: o.Data, end: len(o.Data)}
		into = f.kept.protobuf.keep(into[:0], &m)
		fault = m.err
	}
	if fault != nil {
		return Object{}, explain(fault, o.Format, o.about())
	}
	o.Data = into
	return o, nil
}

// keep appends the value that comes next, with only what the paths lead to. A value that the paths
// do not expect becomes null.
func (n *jsonNode) keep(dst []byte, s *scanner) []byte {
	switch c := s.space(); {
	case c == '{':
		dst = n.keepMembers(dst, s)
	case c == '[' && n.each != nil:
		dst = n.keepElements(dst, s)
	default:
		s.value()
		dst = append(dst, "null"...)
	}
	return dst
}

func (n *jsonNode) keepMembers(dst []byte, s *scanner) []byte {
	dst = append(dst, '{')
	first := len(dst)
	for more := s.open('{', '}'); more; more = s.next('}') {
		key := s.key()
		child := n.member(s.bytes(key))
		if child == nil {
			s.value()
			continue
		}
		if s.err != nil {
			break
		}
		if len(dst) > first {
			dst = append(dst, ',')
		}
		dst = append(dst, s.b[key.start-1:key.end+1]...)
		dst = append(dst, ':')
		dst = child.keepMember(dst, s)
	}
	return append(dst, '}')
}

func (n *jsonNode) keepElements(dst []byte, s *scanner) []byte {
	dst = append(dst, '[')
	first := len(dst)
	for more := s.open('[', ']'); more; more = s.next(']') {
		if len(dst) > first {
			dst = append(dst, ',')
		}
		dst = n.each.keepMember(dst, s)
	}
	return append(dst, ']')
}

// keepMember appends the value that comes next: all of it, if a path ends at it.
func (n *jsonNode) keepMember(dst []byte, s *scanner) []byte {
	if !n.whole {
		return n.keep(dst, s)
	}
	s.space()
	start := s.i
	s.value()
	if s.err != nil {
		return dst
	}
	return append(dst, s.b[start:s.i]...)
}

// keep appends the fields of the message m that the paths lead to.
func (n *protobufNode) keep(dst []byte, m *fields) []byte {
	for m.next() {
		child := n.field(m.num)
		if child != nil && !child.whole {
			child = child.entry(m)
		}
		switch {
		case child != nil && child.whole, n.isEntry && m.num == mapKey:
			dst = append(dst, m.b[m.tag:m.stop]...)
		case child != nil && m.wireType == wireBytes:
			dst = child.keepInner(dst, m)
		}
	}
	return dst
}

// keepInner appends the message in the field f, with only what the paths lead to. How long it gets
// is not known before; but not longer than it is, so it moves up by as much as its length gets
// shorter.
func (n *protobufNode) keepInner(dst []byte, f *fields) []byte {
	dst = append(dst, f.b[f.tag:f.length]...)
	place := len(dst)
	dst = binary.AppendUvarint(dst, uint64(f.stop-f.start))
	begins := len(dst)
	m := f.message()
	dst = n.keep(dst, &m)
	f.inner(&m)
	kept := len(dst) - begins
	if moved := binary.AppendUvarint(dst[:place], uint64(kept)); len(moved) < begins {
		dst = append(moved, dst[begins:]...)
	}
	return dst
}
