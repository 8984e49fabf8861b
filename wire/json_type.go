package wire

import (
	"slices"

	"github.com/skiff-k8s/skiff/wire/internal/scan"
)

// withType returns data with apiVersion and kind set where data has none, or an empty one. If data
// has both, it returns data itself.
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
	s := scan.NewJSON(scan.Whole(data))
	s.Peek()
	first := s.Place() + 1 // place of the first member
	members := false
	var own scan.Text // the value that the object has, with its quotes
	for more := s.Open('{', '}'); more; more = s.Next('}') {
		members = true
		if name := s.Key(); string(s.Bytes(name)) != key {
			s.Value()
			continue
		}
		s.Peek()
		own.Start = s.Place()
		var says scan.Text
		s.Text(&says)
		own.End = s.Place()
		if says.End > says.Start {
			return data, nil
		}
	}
	if s.Err != nil {
		return nil, explain(s.Err, JSON, "the object")
	}
	if own.End > 0 {
		return slices.Concat(data[:own.Start], scan.Quote(value), data[own.End:]), nil
	}
	member := slices.Concat([]byte(`"`+key+`":`), scan.Quote(value))
	if members {
		member = append(member, ',')
	}
	return slices.Concat(data[:first], member, data[first:]), nil
}
