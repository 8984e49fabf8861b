package wire

import (
	"iter"

	"github.com/skiff-k8s/skiff/wire/internal/scan"
)

// Annotation reads one annotation from Data, without decoding the object. In protobuf it scans
// metadata only; in JSON, metadata and the fields before it. The value is a copy.
func (o Object) Annotation(key string) (value string, ok bool) {
	for k, v := range o.annotations {
		if string(k) == key { // of two, the last counts, as it does when the object is decoded
			value, ok = string(v), true
		}
	}
	return value, ok
}

// Annotations reads the annotations from Data, in the order of Data. API servers write them sorted
// by key. The strings are copies.
func (o Object) Annotations() iter.Seq2[string, string] {
	return func(yield func(key, value string) bool) {
		for k, v := range o.annotations {
			if !yield(string(k), string(v)) {
				return
			}
		}
	}
}

// annotations yields the annotations; the bytes are good until the next.
func (o Object) annotations(yield func(key, value []byte) bool) {
	switch {
	case o.Format == JSON:
		jsonAnnotations(o.Data, yield)
	case o.Format == Protobuf && hasObjectMeta(o.Kind):
		protobufAnnotations(o.Data, yield)
	}
}

func jsonAnnotations(data []byte, yield func(key, value []byte) bool) {
	s := scan.NewJSON(scan.Whole(data))
	for more := s.Open('{', '}'); more; more = s.Next('}') {
		if key := s.Key(); string(s.Bytes(key)) != "metadata" {
			s.Value()
			continue
		}
		if s.Null() {
			return
		}
		for more := s.Open('{', '}'); more; more = s.Next('}') {
			if key := s.Key(); string(s.Bytes(key)) != "annotations" {
				s.Value()
				continue
			}
			if s.Null() {
				continue
			}
			for more := s.Open('{', '}'); more; more = s.Next('}') {
				key := s.Bytes(s.Checked(s.Key()))
				var value scan.Text
				s.Text(&value)
				if s.Err != nil || !yield(key, s.Bytes(value)) {
					return
				}
			}
		}
		return // there is one metadata only
	}
}

func protobufAnnotations(data []byte, yield func(key, value []byte) bool) {
	f := scan.NewProtobuf(data, 0)
	for f.Next() {
		if f.Num != objectMetadata {
			continue
		}
		m := f.Message()
		for m.Next() {
			if m.Num != metaAnnotations {
				continue
			}
			key, value := m.MapEntry()
			if m.Err != nil || !yield(m.Bytes(key), m.Bytes(value)) {
				return
			}
		}
		return // there is one metadata only
	}
}
