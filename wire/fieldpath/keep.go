package fieldpath

import (
	"encoding/binary"
	"slices"

	"github.com/skiff-k8s/skiff/wire/internal/scan"
)

// Keep appends to dst the object in data, with only what the paths lead to and the members named in
// always. What leads to chosen fields stays too: a list keeps its length, and an object with no
// chosen field is an empty one. A value that the paths do not expect, such as a string where they
// go on into an object, becomes null.
//
// The result shares no memory with data. The error is nil if data is one JSON document.
func (n *Names) Keep(dst, data []byte, always ...string) ([]byte, error) {
	s := scan.NewJSON(scan.Whole(data))
	if dst = n.keep(dst, &s, always); s.Err == nil && !s.AtEnd() {
		s.Unexpected("the end of the document")
	}
	if s.Err != nil {
		return nil, s.Err
	}
	return dst, nil
}

// all is where a path leads that ends.
var all = &Names{whole: true}

// keep appends the value that comes next, with only what the paths lead to.
func (n *Names) keep(dst []byte, s *scan.JSON, always []string) []byte {
	switch c := s.Peek(); {
	case c == '{':
		dst = n.keepMembers(dst, s, always)
	case c == '[' && n.Element() != nil:
		dst = n.keepElements(dst, s)
	default:
		s.Value()
		dst = append(dst, "null"...)
	}
	return dst
}

func (n *Names) keepMembers(dst []byte, s *scan.JSON, always []string) []byte {
	dst = append(dst, '{')
	first := len(dst)
	for more := s.Open('{', '}'); more; more = s.Next('}') {
		key := s.Key()
		name := s.Bytes(key)
		child := n.Member(name)
		if len(always) > 0 && slices.ContainsFunc(always,
			func(a string) bool { return a == string(name) }) {
			child = all
		}
		if child == nil {
			s.Value()
			continue
		}
		if s.Err != nil {
			break
		}
		if len(dst) > first {
			dst = append(dst, ',')
		}
		dst = append(dst, s.Quoted(key)...)
		dst = append(dst, ':')
		dst = child.keepMember(dst, s)
	}
	return append(dst, '}')
}

func (n *Names) keepElements(dst []byte, s *scan.JSON) []byte {
	dst = append(dst, '[')
	first := len(dst)
	for more := s.Open('[', ']'); more; more = s.Next(']') {
		if len(dst) > first {
			dst = append(dst, ',')
		}
		dst = n.each.keepMember(dst, s)
	}
	return append(dst, ']')
}

// keepMember appends the value that comes next: all of it, if a path ends at it.
func (n *Names) keepMember(dst []byte, s *scan.JSON) []byte {
	if !n.whole {
		return n.keep(dst, s, nil)
	}
	s.Peek()
	start := s.Place()
	s.Value()
	return append(dst, s.Since(start)...)
}

// Keep appends to dst the message msg, with only the fields that the paths lead to, as [Names.Keep]
// does. The error is nil if msg is well-formed as far as the paths lead.
func (n *Numbers) Keep(dst, msg []byte) ([]byte, error) {
	if n == nil {
		return dst, nil
	}
	m := scan.NewProtobuf(msg, 0)
	if dst = n.keep(dst, &m); m.Err != nil {
		return nil, m.Err
	}
	return dst, nil
}

// keep appends the fields of the message m that the paths lead to.
func (n *Numbers) keep(dst []byte, m *scan.Protobuf) []byte {
	for m.Next() {
		child := n.Field(m.Num)
		if child != nil && !child.whole {
			child = child.at(m)
		}
		switch {
		case child.Whole(), n.isEntry && m.Num == scan.MapKey:
			dst = append(dst, m.Raw()...)
		case child != nil && m.Type == scan.Bytes:
			dst = child.keepInner(dst, m)
		}
	}
	return dst
}

// keepInner appends the message in the field f, with only what the paths lead to. Its length is
// known only afterwards. It is not longer than it was, so it moves up by as much as its length gets
// shorter.
func (n *Numbers) keepInner(dst []byte, f *scan.Protobuf) []byte {
	dst = append(dst, f.RawTag()...)
	place := len(dst)
	dst = binary.AppendUvarint(dst, uint64(f.Stop-f.Start))
	begins := len(dst)
	m := f.Message()
	dst = n.keep(dst, &m)
	f.Inner(&m)
	kept := len(dst) - begins
	if moved := binary.AppendUvarint(dst[:place], uint64(kept)); len(moved) < begins {
		dst = append(moved, dst[begins:]...)
	}
	return dst
}
