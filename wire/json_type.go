package wire

import "github.com/skiff-k8s/skiff/wire/internal/scan"

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
	quoted := scan.Quote(value)
	if own.End > 0 {
		return splice(data, own.Start, own.End, quoted), nil
	}
	member := append([]byte(`"`+key+`":`), quoted...)
	if members {
		member = append(member, ',')
	}
	return splice(data, first, first, member), nil
}

// splice returns a copy of data with the bytes from start to end replaced.
func splice(data []byte, start, end int, by []byte) []byte {
	spliced := make([]byte, 0, start+len(by)+len(data)-end)
	spliced = append(append(spliced, data[:start]...), by...)
	return append(spliced, data[end:]...)
}
