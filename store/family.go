package store

import (
	"encoding/binary"

	"github.com/skiff-k8s/skiff/wire"
)

// family is what many objects have in common, held once: the Pods of one ReplicaSet differ in
// nothing of it. (Whether an object is being deleted stands here because a record has no bit left
// for it.)
//
// A family is immutable but for refs. The store forgets it with the last of its objects; items that
// are still about keep theirs alive.
type family struct {
	id                          string // all of it, encoded; the strings below are parts of it
	format                      wire.Format
	deleting                    bool
	apiVersion, kind, namespace string
	owner                       wire.Owner
	labels                      wire.Labels

	refs int // objects in the store that belong to it; guarded by Store.write
}

// familyID appends what tells families apart to b.
func familyID(b []byte, o *wire.Object) []byte {
	m := &o.Meta
	b = append(b, byte(o.Format), 0)
	if m.Deleting {
		b[len(b)-1] = 1
	}
	for _, s := range [...]string{
		o.APIVersion, o.Kind, m.Namespace, m.Owner.APIVersion, m.Owner.Kind, m.Owner.Name, m.Owner.UID,
	} {
		b = appendString(b, s)
	}
	b = binary.AppendUvarint(b, uint64(len(m.Labels)))
	for i := range m.Labels {
		b = appendString(b, m.Labels[i].Key)
		b = appendString(b, m.Labels[i].Value)
	}
	return b
}

// newFamily reads back what familyID wrote.
func newFamily(id string) *family {
	f := &family{id: id, format: wire.Format(id[0]), deleting: id[1] == 1}
	rest := id[2:]
	for _, s := range [...]*string{
		&f.apiVersion, &f.kind, &f.namespace, &f.owner.APIVersion, &f.owner.Kind, &f.owner.Name, &f.owner.UID,
	} {
		*s, rest = cutString(rest)
	}
	n, rest := cutUvarint(rest)
	if n > 0 {
		f.labels = make(wire.Labels, n)
	}
	for i := range f.labels {
		f.labels[i].Key, rest = cutString(rest)
		f.labels[i].Value, rest = cutString(rest)
	}
	return f
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func cutString(b string) (s, rest string) {
	n, rest := cutUvarint(b)
	return rest[:n], rest[n:]
}

func cutUvarint(b string) (n uint64, rest string) {
	for i, shift := 0, 0; ; i, shift = i+1, shift+7 {
		n |= uint64(b[i]&0x7f) << shift
		if b[i] < 0x80 {
			return n, b[i+1:]
		}
	}
}
