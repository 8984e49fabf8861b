package store

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"unsafe"

	"github.com/klauspost/compress/s2"
	"github.com/skiff-k8s/skiff/wire"
)

// Item is one state of one object: metadata at hand, the object packed. It is an immutable value
// and safe for concurrent use; it stays what it is when the store moves on. As long as it is kept,
// or a string that it returned, so are its packed bytes.
//
// The zero Item stands for no object.
type Item struct{ r *record }

// record is what an Item refers to. Nothing in it changes once it is made.
//
// Memory is what the layout is about, for there is one record for each cached object: what belongs
// to the object alone stands in one string, one after the other, and what it has in common with its
// siblings in the family.
type record struct {
	family     *family
	all        string // key, uid, resourceVersion, data
	generation int64
	keyLen     uint32
	uidLen     uint32
	versionLen uint32
	rawLen     uint32 // the length of the object's data unpacked; that of data if it is not packed
}

// IsZero says that the item stands for no object.
func (i Item) IsZero() bool { return i.r == nil }

// Key returns "namespace/name", or "name" for a cluster-scoped object.
func (i Item) Key() string {
	if i.r == nil {
		return ""
	}
	return i.r.all[:i.r.keyLen]
}

// Namespace returns the object's namespace; "" when it is cluster-scoped.
func (i Item) Namespace() string {
	if i.r == nil {
		return ""
	}
	return i.r.family.namespace
}

// Name returns the object's name.
func (i Item) Name() string {
	if i.r == nil {
		return ""
	}
	key := i.Key()
	if ns := i.r.family.namespace; ns != "" {
		return key[len(ns)+1:]
	}
	return key
}

// UID returns the object's UID.
func (i Item) UID() string {
	if i.r == nil {
		return ""
	}
	return i.r.all[i.r.keyLen:][:i.r.uidLen]
}

// ResourceVersion returns the version of this state of the object.
func (i Item) ResourceVersion() string {
	if i.r == nil {
		return ""
	}
	return i.r.all[i.r.keyLen+i.r.uidLen:][:i.r.versionLen]
}

// Generation returns metadata.generation.
func (i Item) Generation() int64 {
	if i.r == nil {
		return 0
	}
	return i.r.generation
}

// Deleting says whether metadata.deletionTimestamp is set.
func (i Item) Deleting() bool { return i.r != nil && i.r.family.deleting }

// Labels returns the object's labels, which the caller must not change: other items share them.
func (i Item) Labels() wire.Labels {
	if i.r == nil {
		return nil
	}
	return i.r.family.labels
}

// Owner returns the owner that has controller: true; the zero Owner when there is none.
func (i Item) Owner() wire.Owner {
	if i.r == nil {
		return wire.Owner{}
	}
	return i.r.family.owner
}

// Meta returns all of the metadata together.
func (i Item) Meta() wire.Meta {
	if i.r == nil {
		return wire.Meta{}
	}
	return wire.Meta{
		Namespace:       i.Namespace(),
		Name:            i.Name(),
		UID:             i.UID(),
		ResourceVersion: i.ResourceVersion(),
		Generation:      i.Generation(),
		Deleting:        i.Deleting(),
		Labels:          i.Labels(),
		Owner:           i.Owner(),
	}
}

// SameVersion says whether both are the same state of the same object: equal in UID and
// resourceVersion. An object without a resourceVersion is never the same as any.
func (i Item) SameVersion(uid, resourceVersion string) bool {
	return i.r != nil && resourceVersion != "" && i.ResourceVersion() == resourceVersion && i.UID() == uid
}

// Annotation returns the value of one annotation and whether there is one, unpacking the object but
// not decoding it.
func (i Item) Annotation(key string) (value string, ok bool) {
	if i.r == nil {
		return "", false
	}
	_ = i.Use(func(o wire.Object) error {
		value, ok = o.Annotation(key)
		value = strings.Clone(value) // o's bytes are lent
		return nil
	})
	return value, ok
}

// Object returns the object unpacked. Its Data is the caller's own copy.
func (i Item) Object() (wire.Object, error) {
	if i.r == nil {
		return wire.Object{}, errNoObject
	}
	data, err := i.r.unpack(make([]byte, i.r.rawLen))
	if err != nil {
		return wire.Object{}, err
	}
	return i.object(data), nil
}

// Use calls f with the object unpacked into memory that is used again afterwards: f must keep
// neither the object's Data nor anything that refers to it (wire.Decode does not). It returns f's
// error.
func (i Item) Use(f func(wire.Object) error) error {
	if i.r == nil {
		return errNoObject
	}
	buf := buffers.Get().(*[]byte)
	defer func() {
		if cap(*buf) <= maxPooledBuffer {
			buffers.Put(buf)
		}
	}()
	if cap(*buf) < int(i.r.rawLen) {
		*buf = make([]byte, i.r.rawLen)
	}
	data, err := i.r.unpack((*buf)[:i.r.rawLen])
	if err != nil {
		return err
	}
	return f(i.object(data))
}

var errNoObject = errors.New("store: the zero Item stands for no object")

func (i Item) object(data []byte) wire.Object {
	return wire.Object{
		Format:     i.r.family.format,
		APIVersion: i.r.family.apiVersion,
		Kind:       i.r.family.kind,
		Meta:       i.Meta(),
		Data:       data,
	}
}

// data is the object's bytes as they are kept.
func (r *record) data() string { return r.all[r.keyLen+r.uidLen+r.versionLen:] }

// unpack fills into, whose length is rawLen, and returns it.
func (r *record) unpack(into []byte) ([]byte, error) {
	data := r.data()
	if len(data) == int(r.rawLen) {
		copy(into, data)
		return into, nil
	}
	// s2 reads from the bytes of a string here, which it does not change.
	out, err := s2.Decode(into, unsafe.Slice(unsafe.StringData(data), len(data)))
	if err != nil {
		return nil, fmt.Errorf("store: unpacking %s (the memory of this process is damaged): %w", r.all[:r.keyLen], err)
	}
	return out, nil
}

// maxPooledBuffer keeps a rare huge object from pinning memory for good.
const maxPooledBuffer = 1 << 20

var buffers = sync.Pool{New: func() any { return new([]byte) }}
