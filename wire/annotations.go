package wire

import "iter"

// Annotation reads one annotation from Data. Nothing is decoded: in protobuf it takes a look at
// metadata only, in JSON a scan of metadata and what stands before it. The value is a copy.
func (o Object) Annotation(key string) (value string, ok bool) {
	for k, v := range o.annotations {
		if string(k) == key { // of two, the last counts, as it does when the object is decoded
			value, ok = string(v), true
		}
	}
	return value, ok
}

// Annotations reads the annotations from Data, in the order they stand there, which is that of
// their keys if an API server wrote them. The strings are copies.
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
	s := newScanner(wholeWindow(data))
	for more := s.open('{', '}'); more; more = s.next('}') {
		if key := s.key(); string(s.bytes(key)) != "metadata" {
			s.value()
			continue
		}
		if s.null() {
			return
		}
		for more := s.open('{', '}'); more; more = s.next('}') {
			if key := s.key(); string(s.bytes(key)) != "annotations" {
				s.value()
				continue
			}
			if s.null() {
				continue
			}
			for more := s.open('{', '}'); more; more = s.next('}') {
				key := s.bytes(s.checked(s.key()))
				var value text
				s.string(&value)
				if s.err != nil || !yield(key, s.bytes(value)) {
					return
				}
			}
		}
		return // there is one metadata only
	}
}

func protobufAnnotations(data []byte, yield func(key, value []byte) bool) {
	f := fields{b: data, end: len(data)}
	for f.next() {
		if f.num != objectMetadata {
			continue
		}
		m := f.message()
		for m.next() {
			if m.num != metaAnnotations {
				continue
			}
			key, value := protobufMapEntry(&m)
			if m.err != nil || !yield(m.bytes(key), m.bytes(value)) {
				return
			}
		}
		return // there is one metadata only
	}
}
