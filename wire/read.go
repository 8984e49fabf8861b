package wire

import (
	"errors"
	"fmt"
	"io"

	"github.com/skiff-k8s/skiff/wire/internal/scan"
)

// ReadObject reads the one object in data: the body of a response, or the Data of an Object. In
// protobuf the envelope may be missing. The result shares no memory with data. The error is a
// [SyntaxError]. A Status is returned whatever type the options ask for: servers send it in place
// of an object.
func ReadObject(data []byte, f Format, o Options) (Object, error) {
	r := newObjectReader(o)
	object, err := r.whole(data, f)
	if err == nil && !isStatus(&object) {
		switch wrong := r.want.object(&object); {
		case wrong != nil:
			err = &scan.Fault{Err: wrong}
		case o.Strict && r.untyped && object.Meta.Name == "":
			err = &scan.Fault{Err: errors.New("it has no kind and no name: it is no Kubernetes object")}
		}
	}
	if err != nil {
		return Object{}, explain(err, f, "the object")
	}
	return object, nil
}

// objectReader makes Objects out of bytes, one after the other. It holds the state that a stream
// needs between two objects.
type objectReader struct {
	options          Options
	want             wanted
	outline          outline
	apiVersion, kind interned
	untyped          bool // the last object did not contain a kind
}

func newObjectReader(o Options) objectReader { return objectReader{options: o, want: wantedBy(o)} }

// jsonOf is json for an object that must be of the type that the options ask for.
func (r *objectReader) jsonOf(s *scan.JSON) Object {
	o := r.json(s)
	if s.Err == nil {
		if err := r.want.object(&o); err != nil {
			s.FailAt(0, err)
		}
	}
	return o
}

// whole returns the Object that is all of data.
func (r *objectReader) whole(data []byte, f Format) (Object, *scan.Fault) {
	if len(data) > r.options.maxObject() {
		return Object{}, &scan.Fault{At: 0, Err: fmt.Errorf("it is of %d bytes: %w", len(data),
			ErrTooLarge)}
	}
	switch f {
	case JSON:
		s := scan.NewJSON(scan.Whole(data))
		object := r.json(&s)
		if s.Err == nil && !s.AtEnd() {
			s.Unexpected("the end of the document")
		}
		return object, s.Err
	case Protobuf:
		if len(data) == 0 {
			return Object{}, &scan.Fault{At: 0, Err: io.ErrUnexpectedEOF}
		}
		return r.protobuf(data)
	}
	return Object{}, &scan.Fault{At: 0, Err: fmt.Errorf("%v is no format", f)}
}

// json returns the next value as an Object. An error is in the scanner.
func (r *objectReader) json(s *scan.JSON) Object {
	s.Peek()
	s.Mark()
	k := &r.outline
	k.jsonObject(s, r.options.Drop.inJSON(), r.options.KeepManagedFields)
	if r.options.Drop != nil && string(s.Bytes(k.kind)) == "Status" &&
		string(s.Bytes(k.apiVersion)) == "v1" {
		r.status(s)
	}
	if s.Err == nil && s.Place() > r.options.maxObject() {
		s.FailAt(0, fmt.Errorf("the object is of %d bytes: %w", s.Place(), ErrTooLarge))
	}
	if s.Err != nil {
		return Object{}
	}
	src := s.Since(0)
	o := k.object(src, JSON, r.options.arena())
	o.APIVersion = r.apiVersion.of(s.Bytes(k.apiVersion))
	o.Kind = r.kind.of(s.Bytes(k.kind))
	r.complete(&o)
	return o
}

// status reads the Status that the scanner has just read again, without dropping fields: a watch
// ends with it, and it is not of the type whose fields are dropped.
func (r *objectReader) status(s *scan.JSON) {
	again := scan.NewJSON(scan.Whole(s.Since(0)))
	r.outline.jsonObject(&again, nil, r.options.KeepManagedFields)
	if again.Err != nil {
		s.Fail(again.Err.Err)
	}
}

// protobuf returns a message, with or without an envelope, as an Object. Offsets of faults are
// relative to b.
func (r *objectReader) protobuf(b []byte) (Object, *scan.Fault) {
	e, err := protobufEnvelope(b)
	if err != nil {
		return Object{}, err
	}
	typed := Object{
		APIVersion: r.apiVersion.of(b[e.apiVersion.Start:e.apiVersion.End]),
		Kind:       r.kind.of(b[e.kind.Start:e.kind.End]),
	}
	r.complete(&typed)
	o, err := r.message(b[e.raw.Start:e.raw.End], typed.APIVersion, typed.Kind)
	if err != nil {
		err.At += int64(e.raw.Start)
	}
	return o, err
}

// message returns a message of a known type as an Object.
func (r *objectReader) message(msg []byte, apiVersion, kind string) (Object, *scan.Fault) {
	k := &r.outline
	k.reset()
	if hasObjectMeta(kind) {
		drop, err := r.options.Drop.inProtobuf(kind)
		if err != nil {
			return Object{}, &scan.Fault{Err: err}
		}
		if err := k.protobufObject(msg, drop, r.options.KeepManagedFields); err != nil {
			return Object{}, err
		}
	}
	o := k.object(msg, Protobuf, r.options.arena())
	o.APIVersion, o.Kind = apiVersion, kind
	return o, nil
}

// complete sets the type of an object that does not contain one, from the options.
func (r *objectReader) complete(o *Object) {
	if o.APIVersion == "" {
		o.APIVersion = r.options.APIVersion
	}
	if r.untyped = o.Kind == ""; r.untyped {
		o.Kind = r.options.Kind
	}
}
