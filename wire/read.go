package wire

import (
	"fmt"
	"io"
)

// ReadObject reads an object that stands in data, alone: the body of a response, in protobuf with
// the envelope that it comes in or without, such as the Data of an Object. It keeps nothing of
// data. An error is a [SyntaxError].
func ReadObject(data []byte, f Format, o Options) (Object, error) {
	r := objectReader{options: o}
	object, err := r.whole(data, f)
	if err != nil {
		return Object{}, explain(err, f, "the object")
	}
	return object, nil
}

// objectReader makes Objects out of bytes, one after the other: what a stream needs between one object
// and the next.
type objectReader struct {
	options          Options
	outline          outline
	apiVersion, kind interned
}

// whole makes an Object of all of data.
func (r *objectReader) whole(data []byte, f Format) (Object, *fault) {
	if len(data) > r.options.maxObject() {
		return Object{}, &fault{0, fmt.Errorf("it is of %d bytes: %w", len(data), ErrTooLarge)}
	}
	switch f {
	case JSON:
		s := newScanner(wholeWindow(data))
		object := r.json(&s)
		if s.err == nil && !s.atEnd() {
			s.unexpected("the end of the document")
		}
		return object, s.err
	case Protobuf:
		if len(data) == 0 {
			return Object{}, &fault{0, io.ErrUnexpectedEOF}
		}
		return r.protobuf(data)
	}
	return Object{}, &fault{0, fmt.Errorf("%v is no format", f)}
}

// json makes an Object of the next value. The scanner has the error, if there is one.
func (r *objectReader) json(s *scanner) Object {
	s.space()
	s.mark()
	k := &r.outline
	if drop := r.options.Drop; drop == nil {
		k.jsonObject(s, r.options.KeepManagedFields)
	} else {
		k.jsonObjectWithout(drop, s, r.options.KeepManagedFields)
	}
	if s.err == nil && s.i > r.options.maxObject() {
		s.failAt(0, fmt.Errorf("the object is of %d bytes: %w", s.i, ErrTooLarge))
	}
	if s.err != nil {
		return Object{}
	}
	src := s.b[:s.i]
	o := k.object(src, JSON, r.options.arena())
	o.APIVersion = r.apiVersion.of(s.bytes(k.apiVersion))
	o.Kind = r.kind.of(s.bytes(k.kind))
	r.complete(&o)
	return o
}

// protobuf makes an Object of a message, in its envelope if it has one. Places of faults are
// relative to b.
func (r *objectReader) protobuf(b []byte) (Object, *fault) {
	e, err := protobufEnvelope(b)
	if err != nil {
		return Object{}, err
	}
	typed := Object{
		APIVersion: r.apiVersion.of(b[e.apiVersion.start:e.apiVersion.end]),
		Kind:       r.kind.of(b[e.kind.start:e.kind.end]),
	}
	r.complete(&typed)
	o, err := r.message(b[e.raw.start:e.raw.end], typed.APIVersion, typed.Kind)
	if err != nil {
		err.at += int64(e.raw.start)
	}
	return o, err
}

// message makes an Object of a message of a known type.
func (r *objectReader) message(msg []byte, apiVersion, kind string) (Object, *fault) {
	k := &r.outline
	k.reset()
	if hasObjectMeta(kind) {
		if err := k.protobufObject(msg, r.options.KeepManagedFields); err != nil {
			return Object{}, err
		}
		if drop := r.options.Drop; drop != nil {
			if err := k.protobufWithout(drop, msg, kind, r.options.KeepManagedFields); err != nil {
				return Object{}, err
			}
		}
	}
	o := k.object(msg, Protobuf, r.options.arena())
	o.APIVersion, o.Kind = apiVersion, kind
	return o, nil
}

// complete fills in what an object leaves to others to say.
func (r *objectReader) complete(o *Object) {
	if o.APIVersion == "" {
		o.APIVersion = r.options.APIVersion
	}
	if o.Kind == "" {
		o.Kind = r.options.Kind
	}
}
