package wire

import "iter"

// Values yields the values at the paths, as the text that JSON has for them: strings without their
// quotes, numbers, true and false. They come in the order in which they stand in o. Where there is
// null, a list or an object at a path, or nothing, it has no value; a list's elements are asked for
// with [*]. What JSON leaves out because it is empty has no value in protobuf either.
//
// The strings are copies. Of Data that is malformed, and of an object of another type in protobuf,
// there may be fewer values.
func (f *Fields) Values(o Object) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, p := range f.paths {
			if !p.isType() {
				continue
			}
			own := o.Kind
			if p.steps[0].name == "apiVersion" {
				own = o.APIVersion
			}
			if own != "" && !yield(own) {
				return
			}
		}
		switch {
		case o.Format == JSON:
			s := newScanner(wholeWindow(o.Data))
			f.valued.json.values(&s, yield)
		case o.Format == Protobuf && f.of(o.Kind) && f.valued.protobuf != nil:
			m := fields{b: o.Data, end: len(o.Data)}
			f.valued.protobuf.values(&m, yield)
		}
	}
}

// values yields the value that comes next, if a path ends at it, and the values in it.
func (n *jsonNode) values(s *scanner, yield func(string) bool) bool {
	switch c := s.space(); {
	case c == '{' && (n.members != nil || n.each != nil):
		for more := s.open('{', '}'); more; more = s.next('}') {
			key := s.key()
			if child := n.member(s.bytes(key)); child == nil {
				s.value()
			} else if !child.values(s, yield) {
				return false
			}
		}
	case c == '[' && n.each != nil:
		for more := s.open('[', ']'); more; more = s.next(']') {
			if !n.each.values(s, yield) {
				return false
			}
		}
	case !n.whole || c == '{' || c == '[' || c == 'n':
		s.value()
	case c == '"':
		if t := s.checked(s.str()); s.err == nil {
			return yield(string(s.bytes(t)))
		}
	default:
		start := s.i
		if s.value(); s.err == nil {
			return yield(string(s.b[start:s.i]))
		}
	}
	return s.err == nil
}

// values yields the values in the message m.
func (n *protobufNode) values(m *fields, yield func(string) bool) bool {
	hasValue := false
	for m.next() {
		hasValue = hasValue || m.num == mapValue
		child := n.field(m.num).entry(m)
		if child == nil {
			continue
		}
		if child.scalar != nil {
			if text, ok := child.scalar.text(m); ok && !yield(text) {
				return false
			}
		}
		if (child.fields != nil || child.isEntry) && m.wireType == wireBytes {
			if !child.valuesInner(m, yield) {
				return false
			}
		}
	}
	if n.isEntry && !hasValue && m.err == nil {
		// No bytes are no field of an entry; the key has a value all the same.
		if value := n.field(mapValue); value != nil && value.scalar != nil {
			if text, ok := value.scalar.zero(); ok && !yield(text) {
				return false
			}
		}
	}
	return m.err == nil
}

// valuesInner yields the values in the message in the field f.
func (n *protobufNode) valuesInner(f *fields, yield func(string) bool) bool {
	m := f.message()
	return n.values(&m, yield)
}
