package wire

import (
	"errors"
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/wire/fieldpath"
	"github.com/skiff-k8s/skiff/wire/internal/scan"
)

// envelopeMagic precedes every protobuf object that Kubernetes sends or accepts. A runtime.Unknown
// with the object's type and its message follows. No message of Kubernetes begins with these bytes:
// read as a tag, 'k' begins a group.
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
)

// envelope is the content of a runtime.Unknown.
type envelope struct {
	apiVersion, kind scan.Text
	raw              scan.Text // the object's message
	hasRaw           bool
}

// field reads one field of the envelope.
func (e *envelope) field(f *scan.Protobuf) {
	switch f.Num {
	case unknownTypeMeta:
		t := f.Message()
		for t.Next() {
			switch t.Num {
			case typeMetaAPIVersion:
				e.apiVersion = t.Text()
			case typeMetaKind:
				e.kind = t.Text()
			}
		}
		f.Inner(&t)
	case unknownRaw:
		if e.hasRaw {
			f.FailAt(f.Tag, errors.New("the envelope holds a second object"))
		}
		e.hasRaw = true
		e.raw = f.Text()
	case unknownContentEncoding:
		if t := f.Text(); t.End > t.Start {
			f.FailAt(f.Tag, fmt.Errorf(
				"the object has the content encoding %q, which nothing here reads", f.Bytes(t)))
		}
	case unknownContentType:
		if t := f.Text(); t.End > t.Start && string(f.Bytes(t)) != protobufType {
			f.FailAt(f.Tag, fmt.Errorf("the object is of content type %q, not protobuf",
				f.Bytes(t)))
		}
	}
}

var errEmptyEnvelope = errors.New("the envelope holds no object")

// protobufEnvelope reads the envelope of an object, if it has one: an object without it is the
// message itself. Places are relative to b.
func protobufEnvelope(b []byte) (envelope, *scan.Fault) {
	if len(b) < len(envelopeMagic) || string(b[:len(envelopeMagic)]) != envelopeMagic {
		return envelope{raw: scan.Text{End: len(b)}, hasRaw: true}, nil
	}
	var e envelope
	f := scan.NewProtobuf(b, len(envelopeMagic))
	for f.Next() {
		e.field(&f)
	}
	if !e.hasRaw {
		f.Fail(errEmptyEnvelope)
	}
	return e, f.Err
}

// hasObjectMeta reports whether objects of a kind have an ObjectMeta as their field 1. Only
// protobuf needs it, because its fields have numbers and no names.
func hasObjectMeta(kind string) bool {
	switch kind {
	case "Status", "APIVersions", "APIGroup", "WatchEvent", "SerializedReference",
		"AdmissionReview", "DeploymentRollback":
		return false
	}
	return !strings.HasSuffix(kind, "List") && !strings.HasSuffix(kind, "Options")
}

// protobufObject reads the message of an object with an ObjectMeta. It leaves out the fields that
// drop leads to, and managedFields unless they are kept.
func (k *outline) protobufObject(msg []byte, drop *fieldpath.Numbers,
	keepManagedFields bool) *scan.Fault {
	k.reset()
	hasMetadata := false
	f := scan.NewProtobuf(msg, 0)
	for f.Next() {
		if f.Num != objectMetadata {
			if drop != nil {
				k.protobufField(&f, drop.Field(f.Num))
			}
			continue
		}
		if hasMetadata {
			f.FailAt(f.Tag, errors.New("metadata stands there a second time"))
			break
		}
		hasMetadata = true
		k.protobufMetadata(&f, drop.Field(objectMetadata), keepManagedFields)
	}
	return f.Err
}

// protobufMetadata reads the ObjectMeta in the field f. Where something is cut out of it, its
// length changes too. The fields that Meta is made of are never dropped.
func (k *outline) protobufMetadata(f *scan.Protobuf, drop *fieldpath.Numbers,
	keepManagedFields bool) {
	at := k.lengthOf(f)
	shorter := 0
	m := f.Message()
	for m.Next() {
		switch m.Num {
		case metaName:
			k.name = m.Text()
		case metaNamespace:
			k.namespace = m.Text()
		case metaUID:
			k.uid = m.Text()
		case metaResourceVersion:
			k.resourceVersion = m.Text()
		case metaGeneration:
			k.generation = m.Int()
		case metaDeletionTimestamp:
			k.deleting = m.Want(scan.Bytes)
		case metaLabels:
			key, value := m.MapEntry()
			k.labels = append(k.labels, labelText{key, value})
		case metaAnnotations:
			shorter += k.protobufAnnotation(&m, drop.Field(metaAnnotations))
		case metaOwnerReferences:
			if owner := protobufOwner(&m); !k.owner.controller {
				k.owner = owner
			}
		case metaManagedFields:
			if m.Want(scan.Bytes) && !keepManagedFields {
				k.cut(m.Tag, m.Stop)
				shorter += m.Stop - m.Tag
				break
			}
			shorter += k.protobufField(&m, drop.Field(m.Num))
		default:
			if drop != nil {
				shorter += k.protobufField(&m, drop.Field(m.Num))
			}
		}
	}
	f.Inner(&m)
	k.setLength(at, f.Stop-f.Start-shorter)
}

// protobufAnnotation reads an annotation. It is checked to be of strings, because Annotation, which
// reads it later, returns no error.
func (k *outline) protobufAnnotation(f *scan.Protobuf, drop *fieldpath.Numbers) (shorter int) {
	key, _ := f.MapEntry()
	if drop == nil || f.Err != nil || string(f.Bytes(key)) == metav1.InitialEventsAnnotationKey {
		return 0
	}
	if !drop.Whole() && !drop.Entry(f.Bytes(key)).Whole() {
		return 0
	}
	k.cut(f.Tag, f.Stop)
	return f.Stop - f.Tag
}

func protobufOwner(f *scan.Protobuf) ownerText {
	var o ownerText
	r := f.Message()
	for r.Next() {
		switch r.Num {
		case ownerAPIVersion:
			o.apiVersion = r.Text()
		case ownerKind:
			o.kind = r.Text()
		case ownerName:
			o.name = r.Text()
		case ownerUID:
			o.uid = r.Text()
		case ownerController:
			o.controller = r.Int() != 0
		}
	}
	f.Inner(&r)
	return o
}
