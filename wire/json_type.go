package wire

import "slices"

// withType returns the object with apiVersion and kind where it says none, or an empty one; it is
// data itself if it says both.
func withType(data []byte, apiVersion, kind string) ([]byte, error) {
	data, err := withString(data, "kind", kind)
	if err != nil {
		return nil, err
	}
	return withString(data, "apiVersion", apiVersion)
}

func withString(data []byte, key, value string) ([]byte, error) {
	if value == "" {
		return data, nil
	}
	s := newScanner(wholeWindow(data))
	s.space()
	first := s.i + 1 // place of the first member
	members := false
	var own text // the value that the object has, with its quotes
	for more := s.open('{', '}'); more; more = s.next('}') {
		members = true
		if name := s.key(); string(s.bytes(name)) != key {
			s.value()
			continue
		}
		s.space()
		own.start = s.i
		var says text
		s.string(&says)
		own.end = s.i
		if says.end > says.start {
			return data, nil
		}
	}
	if s.err != nil {
		return nil, explain(s.err, JSON, "the object")
	}
	if own.end > 0 {
		return slices.Concat(data[:own.start], quote(value), data[own.end:]), nil
	}
	member := slices.Concat([]byte(`"`+key+`":`), quote(value))
	if members {
		member = append(member, ',')
	}
	return slices.Concat(data[:first], member, data[first:]), nil
}
