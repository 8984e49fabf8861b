package wire

import (
	"errors"
	"fmt"
	"strings"
)

// envelopeMagic stands before every protobuf object that Kubernetes sends or takes; a
// runtime.Unknown follows, which says the object's type and holds its message. No message of
// Kubernetes begins like it: read as a tag, 'k' begins a group.
const envelopeMagic = "k8s\x00"

// Fields of k8s.io/apimachinery/pkg/runtime/generated.proto.
const (
	unknownTypeMeta        = 1
	unknownRaw             = 2
	unknownContentEncoding = 3
	unknownContentType     = 4

	typeMetaAPIVersion = 1
	typeMetaKind       = 2
)

// Fields of k8s.io/apimachinery/pkg/apis/meta/v1/generated.proto.
const (
	objectMetadata = 1 // of every type that has an ObjectMeta, in whatever group

	metaName              = 1
	metaNamespace         = 3
	metaUID               = 5
	metaResourceVersion   = 6
	metaGeneration        = 7
	metaDeletionTimestamp = 9
	metaLabels            = 11
	metaAnnotations       = 12
	metaOwnerReferences   = 13
	metaManagedFields     = 17

	ownerKind       = 1
	ownerName       = 3
	ownerUID        = 4
	ownerAPIVersion = 5
	ownerController = 6

	mapKey   = 1
	mapValue = 2
)

// envelope is what a runtime.Unknown says.
type envelope struct {
	apiVersion, kind text
	raw              text // the object's message
	hasRaw           bool
}

// field reads one field of the envelope.
func (e *envelope) field(f *fields) {
	switch f.num {
	case unknownTypeMeta:
		t := f.message()
		for t.next() {
			switch t.num {
			case typeMetaAPIVersion:
				e.apiVersion = t.text()
			case typeMetaKind:
				e.kind = t.text()
			}
		}
		f.inner(&t)
	case unknownRaw:
		if e.hasRaw {
			f.failAt(f.tag, errors.New("the envelope holds a second object"))
		}
		e.hasRaw = true
		e.raw = f.text()
	case unknownContentEncoding:
		if t := f.text(); t.end > t.start {
			f.failAt(f.tag, fmt.Errorf("the object has the content encoding %q, which nothing here reads", f.bytes(t)))
		}
	case unknownContentType:
		if t := f.text(); t.end > t.start && string(f.bytes(t)) != protobufType {
			f.failAt(f.tag, fmt.Errorf("the object is of content type %q, not protobuf", f.bytes(t)))
		}
	}
}

var errEmptyEnvelope = errors.New("the envelope holds no object")

// protobufEnvelope reads the envelope of an object, if it has one: an object without it is the
// message itself. Places are relative to b.
func protobufEnvelope(b []byte) (envelope, *fault) {
	if len(b) < len(envelopeMagic) || string(b[:len(envelopeMagic)]) != envelopeMagic {
		return envelope{raw: text{end: len(b)}, hasRaw: true}, nil
	}
	var e envelope
	f := fields{b: b, i: len(envelopeMagic), end: len(b)}
	for f.next() {
		e.field(&f)
	}
	if !e.hasRaw {
		f.fail(errEmptyEnvelope)
	}
	return e, f.err
}

// hasObjectMeta says whether objects of a kind have an ObjectMeta as their field 1. It is asked for
// protobuf only, where a field has no name that would tell.
func hasObjectMeta(kind string) bool {
	switch kind {
	case "Status", "APIVersions", "APIGroup", "WatchEvent", "SerializedReference", "AdmissionReview", "DeploymentRollback":
		return false
	}
	return !strings.HasSuffix(kind, "List") && !strings.HasSuffix(kind, "Options")
}

// protobufObject reads the message of an object with an ObjectMeta.
func (k *outline) protobufObject(msg []byte, keepManagedFields bool) *fault {
	k.reset()
	hasMetadata := false
	f := fields{b: msg, end: len(msg)}
	for f.next() {
		if f.num != objectMetadata {
			continue
		}
		if hasMetadata {
			f.failAt(f.tag, errors.New("metadata stands there a second time"))
			break
		}
		hasMetadata = true
		k.protobufMetadata(&f, keepManagedFields)
	}
	return f.err
}

// protobufMetadata reads the ObjectMeta in the field f. Where managedFields are cut out of it, its
// length changes too.
func (k *outline) protobufMetadata(f *fields, keepManagedFields bool) {
	k.edits = append(k.edits, edit{start: f.length, end: f.start}) // its length comes below
	length := f.stop - f.start
	m := f.message()
	for m.next() {
		switch m.num {
		case metaName:
			k.name = m.text()
		case metaNamespace:
			k.namespace = m.text()
		case metaUID:
			k.uid = m.text()
		case metaResourceVersion:
			k.resourceVersion = m.text()
		case metaGeneration:
			k.generation = m.int()
		case metaDeletionTimestamp:
			k.deleting = m.want(wireBytes)
		case metaLabels:
			key, value := protobufMapEntry(&m)
			k.labels = append(k.labels, labelText{key, value})
		case metaAnnotations:
			protobufMapEntry(&m) // so that Annotation, which has no error to return, finds it in order
		case metaOwnerReferences:
			if owner := protobufOwner(&m); !k.owner.controller {
				k.owner = owner
			}
		case metaManagedFields:
			if m.want(wireBytes) && !keepManagedFields {
				k.cut(m.tag, m.stop)
				length -= m.stop - m.tag
			}
		}
	}
	f.inner(&m)
	k.edits[0].length = length
}

// protobufMapEntry reads an entry of a map of strings.
func protobufMapEntry(f *fields) (key, value text) {
	e := f.message()
	for e.next() {
		switch e.num {
		case mapKey:
			key = e.text()
		case mapValue:
			value = e.text()
		}
	}
	f.inner(&e)
	return key, value
}

func protobufOwner(f *fields) ownerText {
	var o ownerText
	r := f.message()
	for r.next() {
		switch r.num {
		case ownerAPIVersion:
			o.apiVersion = r.text()
		case ownerKind:
			o.kind = r.text()
		case ownerName:
			o.name = r.text()
		case ownerUID:
			o.uid = r.text()
		case ownerController:
			o.controller = r.int() != 0
		}
	}
	f.inner(&r)
	return o
}
