package store

import (
	"strings"

	"github.com/skiff-k8s/skiff/wire"
)

// Item is one state of one object: metadata at hand, the object packed. It is an immutable value
// and safe for concurrent use; it stays what it is when the store moves on. As long as it is kept,
// so are its packed bytes, what they were packed against, and the store; with a string that it
// returned, only its packed bytes.
//
// The zero Item stands for no object.
type Item struct {
	group *group
	state string // what belongs to the object alone; state.go says how it is laid out
}

// IsZero says that the item stands for no object.
func (i Item) IsZero() bool { return i.group == nil }

// Key returns "namespace/name", or "name" for a cluster-scoped object.
func (i Item) Key() string {
	if i.group == nil {
		return ""
	}
	return stateKey(i.state)
}

// Namespace returns the object's namespace; "" when it is cluster-scoped.
func (i Item) Namespace() string {
	if i.group == nil {
		return ""
	}
	return i.group.family.lineage.namespace
}

// Name returns the object's name.
func (i Item) Name() string {
	key := i.Key()
	if ns := i.Namespace(); ns != "" {
		return key[len(ns)+1:]
	}
	return key
}

// UID returns the object's UID. It is kept in binary, so that each call makes a new string; to
// compare there is SameObject.
func (i Item) UID() string {
	if i.group == nil {
		return ""
	}
	p := parseState(i.state)
	return string(p.appendUID(make([]byte, 0, textUID)))
}

// ResourceVersion returns the version of this state of the object.
func (i Item) ResourceVersion() string {
	if i.group == nil {
		return ""
	}
	return parseState(i.state).version
}

// Generation returns metadata.generation.
func (i Item) Generation() int64 {
	if i.group == nil {
		return 0
	}
	return parseState(i.state).generation
}

// Deleting says whether metadata.deletionTimestamp is set.
func (i Item) Deleting() bool { return i.group != nil && i.group.family.deleting }

// Labels returns the object's labels.
func (i Item) Labels() wire.Labels {
	if i.group == nil {
		return wire.Labels{}
	}
	return i.group.family.labels
}

// Owner returns the owner that has controller: true; the zero Owner when there is none.
func (i Item) Owner() wire.Owner {
	if i.group == nil {
		return wire.Owner{}
	}
	return i.group.family.lineage.owner
}

// Meta returns all of the metadata together.
func (i Item) Meta() wire.Meta { return i.meta(i.UID()) }

// meta is Meta, with the UID as the caller has it.
func (i Item) meta(uid string) wire.Meta {
	if i.group == nil {
		return wire.Meta{}
	}
	return wire.Meta{
		Namespace:       i.Namespace(),
		Name:            i.Name(),
		UID:             uid,
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
	return i.group != nil && resourceVersion != "" && i.ResourceVersion() == resourceVersion && i.HasUID(uid)
}

// SameObject says whether both are states of the same object, which their UIDs tell.
func (i Item) SameObject(o Item) bool {
	if i.group == nil || o.group == nil {
		return i.group == o.group
	}
	a, b := parseState(i.state), parseState(o.state)
	return a.uid == b.uid && a.uidBinary == b.uidBinary
}

// HasUID says whether the object's UID is uid. Unlike UID it makes no string.
func (i Item) HasUID(uid string) bool {
	if i.group == nil {
		return uid == ""
	}
	p := parseState(i.state)
	if !p.uidBinary {
		return p.uid == uid
	}
	var text [textUID]byte
	return string(p.appendUID(text[:0])) == uid
}

// Annotation returns the value of one annotation and whether there is one, unpacking the object but
// not decoding it.
func (i Item) Annotation(key string) (value string, ok bool) {
	if i.group == nil {
		return "", false
	}
	_ = i.Use(func(o wire.Object) error {
		value, ok = o.Annotation(key)
		value = strings.Clone(value) // o's bytes are lent
		return nil
	})
	return value, ok
}
