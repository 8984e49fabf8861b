package fieldpath

import (
	"slices"

	"github.com/skiff-k8s/skiff/wire/internal/scan"
)

// Values calls yield with each value at the paths in the object in data, until yield returns false.
// It skips the members of the object that are named in except. Values are text as JSON has it:
// strings without their quotes, numbers, true and false. They come in the order in which they stand
// in data.
//
// At a path where there is null, a list or an object, or nothing, there is no value; the elements
// of a list are chosen with [*]. The strings are copies. If data is malformed, there may be fewer
// values.
func (n *Names) Values(data []byte, yield func(string) bool, except ...string) {
	s := scan.NewJSON(scan.Whole(data))
	n.values(&s, yield, except...)
}

// values yields the value that comes next, if a path ends at it, and the values in it. It returns
// false after an error and if yield did.
func (n *Names) values(s *scan.JSON, yield func(string) bool, except ...string) bool {
	switch c := s.Peek(); {
	case c == '{' && n != nil && (n.members != nil || n.each != nil):
		for more := s.Open('{', '}'); more; more = s.Next('}') {
			name := s.Bytes(s.Key())
			child := n.Member(name)
			if len(except) > 0 && slices.ContainsFunc(except,
				func(e string) bool { return e == string(name) }) {
				child = nil
			}
			if child == nil {
				s.Value()
			} else if !child.values(s, yield) {
				return false
			}
		}
	case c == '[' && n.Element() != nil:
		for more := s.Open('[', ']'); more; more = s.Next(']') {
			if !n.each.values(s, yield) {
				return false
			}
		}
	case !n.Whole() || c == '{' || c == '[' || c == 'n':
		s.Value()
	case c == '"':
		var t scan.Text
		if s.Text(&t); s.Err == nil {
			return yield(string(s.Bytes(t)))
		}
	default:
		start := s.Place()
		if s.Value(); s.Err == nil {
			return yield(string(s.Since(start)))
		}
	}
	return s.Err == nil
}

// Values calls yield with each value at the paths in the message msg, as [Names.Values] does. What
// JSON leaves out because it is empty has no value here either.
func (n *Numbers) Values(msg []byte, yield func(string) bool) {
	if n == nil {
		return
	}
	m := scan.NewProtobuf(msg, 0)
	n.values(&m, yield)
}

// values yields the values in the message m. It returns false after an error and if yield did.
func (n *Numbers) values(m *scan.Protobuf, yield func(string) bool) bool {
	hasValue := false
	for m.Next() {
		hasValue = hasValue || m.Num == scan.MapValue
		child := n.Field(m.Num).at(m)
		if child == nil {
			continue
		}
		if child.scalar != nil {
			if text, ok := child.scalar.text(m); ok && !yield(text) {
				return false
			}
		}
		if (child.fields != nil || child.isEntry) && m.Type == scan.Bytes {
			if !child.valuesInside(m, yield) {
				return false
			}
		}
	}
	if n.isEntry && !hasValue && m.Err == nil {
		// No bytes are no field of an entry; the key has a value all the same.
		if value := n.Field(scan.MapValue); value != nil && value.scalar != nil {
			if text, ok := value.scalar.zero(); ok && !yield(text) {
				return false
			}
		}
	}
	return m.Err == nil
}

// valuesInside yields the values in the message in the field f. (It is a function of its own so
// that the message's reader is no allocation.)
func (n *Numbers) valuesInside(f *scan.Protobuf, yield func(string) bool) bool {
	m := f.Message()
	return n.values(&m, yield)
}
