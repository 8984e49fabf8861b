package workload

import (
	"encoding/binary"
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// protobufMagic begins every standalone protobuf object of Kubernetes.
var protobufMagic = []byte("k8s\x00")

// EnvelopeTail is the end of the envelope: contentEncoding and contentType, both empty, which the
// server's encoder writes nevertheless.
var EnvelopeTail = []byte{0x1a, 0, 0x22, 0}

// AppendObject appends a standalone object: as in a watch event, or as the answer to a get.
func AppendObject(dst []byte, f Format, src Source, i int, s State) []byte {
	if f == JSON {
		return appendJSONObject(dst, src, i, s)
	}
	// The message is appended first, and then moved behind the header that has its length.
	at := len(dst)
	dst = src.Append(dst, f, i, s)
	return envelop(dst, at, src.Info())
}

// AppendEvent appends a watch event, framed: protobuf with its length before it, JSON with a
// newline after it. kind is ADDED, MODIFIED or DELETED.
func AppendEvent(dst []byte, f Format, src Source, kind string, i int, s State) []byte {
	if f == JSON {
		dst = append(dst, `{"type":"`...)
		dst = append(dst, kind...)
		dst = append(dst, `","object":`...)
		dst = appendJSONObject(dst, src, i, s)
		return append(dst, "}\n"...)
	}
	at := len(dst)
	dst = src.Append(dst, f, i, s)
	return frameEvent(envelop(dst, at, src.Info()), at, kind)
}

// AppendBookmark appends a bookmark with a version. If initialEventsEnd is set, it is the bookmark
// that ends the initial events of a watch-list.
func AppendBookmark(dst []byte, f Format, src Source, version uint64, initialEventsEnd bool) []byte {
	object := src.Object(src.Len(), State{Version: version})
	meta := metav1.ObjectMeta{ResourceVersion: strconv.FormatUint(version, 10)}
	if initialEventsEnd {
		meta.Annotations = map[string]string{metav1.InitialEventsAnnotationKey: "true"}
	}
	clearObject(object, meta, src.Info())
	if f == JSON {
		dst = append(dst, `{"type":"BOOKMARK","object":`...)
		dst = append(dst, nameKind(marshalJSON(object), src.Info())...)
		return append(dst, "}\n"...)
	}
	at := len(dst)
	dst = append(dst, marshalProtobuf(object)...)
	return frameEvent(envelop(dst, at, src.Info()), at, "BOOKMARK")
}

func appendJSONObject(dst []byte, src Source, i int, s State) []byte {
	at := len(dst)
	dst = src.Append(dst, JSON, i, s)
	if !src.Info().Protobuf {
		return dst // custom resources contain their kind everywhere
	}
	head := jsonHead(src.Info())
	dst = shift(dst, at+1, len(head))
	copy(dst[at+1:], head)
	return dst
}

// nameKind adds kind and apiVersion to JSON that lacks them.
func nameKind(object []byte, info Info) []byte {
	if !info.Protobuf {
		return object
	}
	return append(append([]byte("{"), jsonHead(info)...), object[1:]...)
}

func jsonHead(info Info) []byte {
	head := make([]byte, 0, 64)
	head = append(head, `"kind":"`...)
	head = append(head, info.Kind...)
	head = append(head, `","apiVersion":"`...)
	head = append(head, info.APIVersion()...)
	return append(head, `",`...)
}

// envelop wraps the message at dst[at:] in the envelope (runtime.Unknown) with its type.
func envelop(dst []byte, at int, info Info) []byte {
	var head [96]byte
	h := AppendEnvelopeHead(head[:0], info.APIVersion(), info.Kind, len(dst)-at)
	dst = shift(dst, at, len(h))
	copy(dst[at:], h)
	return append(dst, EnvelopeTail...)
}

// AppendEnvelopeHead appends what precedes a message of n bytes in its envelope.
func AppendEnvelopeHead(dst []byte, apiVersion, kind string, n int) []byte {
	dst = append(dst, protobufMagic...)
	dst = append(dst, 0x0a, byte(4+len(apiVersion)+len(kind))) // typeMeta
	dst = append(dst, 0x0a, byte(len(apiVersion)))
	dst = append(dst, apiVersion...)
	dst = append(dst, 0x12, byte(len(kind)))
	dst = append(dst, kind...)
	dst = append(dst, 0x12) // raw
	return binary.AppendUvarint(dst, uint64(n))
}

// frameEvent wraps the object at dst[at:] in a WatchEvent and puts the length before it.
func frameEvent(dst []byte, at int, kind string) []byte {
	var head [48]byte
	n := len(dst) - at
	inner := 1 + uvarintLen(n) + n // RawExtension.raw
	h := append(head[:4], 0x0a, byte(len(kind)))
	h = append(h, kind...)
	h = append(h, 0x12)
	h = binary.AppendUvarint(h, uint64(inner))
	h = append(h, 0x0a)
	h = binary.AppendUvarint(h, uint64(n))
	binary.BigEndian.PutUint32(h, uint32(len(h)-4+n))
	dst = shift(dst, at, len(h))
	copy(dst[at:], h)
	return dst
}

// shift makes room for n bytes at dst[at:].
func shift(dst []byte, at, n int) []byte {
	var zero [128]byte
	dst = append(dst, zero[:n]...)
	copy(dst[at+n:], dst[at:len(dst)-n])
	return dst
}

func uvarintLen(n int) int {
	size := 1
	for ; n >= 0x80; n >>= 7 {
		size++
	}
	return size
}
