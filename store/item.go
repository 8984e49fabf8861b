package store

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/skiff-k8s/skiff/pack"
	"github.com/skiff-k8s/skiff/wire"
)

// Item is one state of one object: its metadata, and the object packed. It is an immutable value
// and safe for concurrent use. It does not change when the store changes.
//
// An Item keeps alive its packed bytes, the bases that they need (at most two, of at most 16 KB
// each), and the metadata that it shares with other objects. It does not keep the store. The
// strings that it returns are valid for ever. Key, Name and ResourceVersion are parts of the packed
// bytes, so that to keep one of them keeps those bytes; Namespace, Labels and Owner are parts of
// the shared metadata. UID and Annotation return new strings.
//
// The zero Item stands for no object.
type Item struct {
	common     *common
	state      string // what belongs to the object alone; state.go has its layout
	generation uint64 // no other state in the store's life has the same
}

// handle returns the packed object.
//
//go:noinline // to keep programs small
func (i Item) handle() pack.Handle {
	return pack.Handle{Bytes: parseState(i.state).body, Base: i.common.base}
}

// IsZero reports whether the item stands for no object.
func (i Item) IsZero() bool { return i.common == nil }

// Key returns "namespace/name", or "name" for a cluster-scoped object.
func (i Item) Key() string {
	if i.common == nil {
		return ""
	}
	return stateKey(i.state)
}

// Namespace returns the object's namespace; "" when it is cluster-scoped.
func (i Item) Namespace() string {
	if i.common == nil {
		return ""
	}
	return i.common.origin.namespace
}

// Name returns the object's name.
func (i Item) Name() string {
	key := i.Key()
	if ns := i.Namespace(); ns != "" {
		return key[len(ns)+1:]
	}
	return key
}

// UID returns the object's UID. It is stored in binary, so each call makes a new string. To compare
// UIDs, call SameObject or HasUID.
func (i Item) UID() string {
	if i.common == nil {
		return ""
	}
	p := parseState(i.state)
	return string(p.appendUID(make([]byte, 0, textUID)))
}

// ResourceVersion returns the version of this state of the object.
func (i Item) ResourceVersion() string {
	if i.common == nil {
		return ""
	}
	return parseState(i.state).version
}

// Generation returns metadata.generation.
func (i Item) Generation() int64 {
	if i.common == nil {
		return 0
	}
	return parseState(i.state).generation
}

// Deleting reports whether metadata.deletionTimestamp is set.
func (i Item) Deleting() bool { return i.common != nil && i.common.deleting }

// Labels returns the object's labels.
func (i Item) Labels() wire.Labels {
	if i.common == nil {
		return wire.Labels{}
	}
	return i.common.labels
}

// Owner returns the owner that has controller: true; the zero Owner when there is none.
func (i Item) Owner() wire.Owner {
	if i.common == nil {
		return wire.Owner{}
	}
	return i.common.origin.owner
}

// Meta returns all of the metadata.
func (i Item) Meta() wire.Meta {
	if i.common == nil {
		return wire.Meta{}
	}
	p := parseState(i.state)
	return i.common.meta(&p, string(p.appendUID(make([]byte, 0, textUID))))
}

// meta returns the metadata of an object with that state and UID.
func (c *common) meta(p *parsed, uid string) wire.Meta {
	name := p.key
	if ns := c.origin.namespace; ns != "" {
		name = name[len(ns)+1:]
	}
	return wire.Meta{
		Namespace:       c.origin.namespace,
		Name:            name,
		UID:             uid,
		ResourceVersion: p.version,
		Generation:      p.generation,
		Deleting:        c.deleting,
		Labels:          c.labels,
		Owner:           c.origin.owner,
	}
}

// SameObject reports whether both are states of the same object: whether their UIDs are equal.
func (i Item) SameObject(o Item) bool {
	if i.common == nil || o.common == nil {
		return i.common == o.common
	}
	a, b := parseState(i.state), parseState(o.state)
	return a.uid == b.uid && a.uidBinary == b.uidBinary
}

// HasUID reports whether the object's UID is uid. Unlike UID it makes no string.
func (i Item) HasUID(uid string) bool {
	if i.common == nil {
		return uid == ""
	}
	p := parseState(i.state)
	if !p.uidBinary {
		return p.uid == uid
	}
	var text [textUID]byte
	return string(p.appendUID(text[:0])) == uid
}

// Annotation returns the value of an annotation, and reports whether there is one. It unpacks the
// object and does not decode it.
func (i Item) Annotation(key string) (value string, ok bool) {
	if i.common == nil {
		return "", false
	}
	_ = i.Use(func(o wire.Object) error {
		value, ok = o.Annotation(key)
		value = strings.Clone(value) // o's bytes are lent
		return nil
	})
	return value, ok
}

var errNoObject = errors.New("store: use item: the zero Item stands for no object")

// Object returns the object unpacked. All its memory is the caller's own, except that the strings
// of Meta but the UID are the item's.
func (i Item) Object() (wire.Object, error) {
	var own wire.Object
	err := i.Use(func(o wire.Object) error {
		own = o
		own.Data = bytes.Clone(o.Data)
		own.Meta = i.Meta()
		return nil
	})
	return own, err
}

// Use calls f with the object unpacked into memory that is used again afterwards: f must keep
// neither the object's Data and UID nor anything that refers to them (wire.Decode does not). Use
// returns f's error. It is an error to use the zero Item.
func (i Item) Use(f func(wire.Object) error) error {
	if i.common == nil {
		return errNoObject
	}
	u := unpackers.Get().(*unpacker)
	defer u.giveBack()
	p := parseState(i.state)
	u.uid = p.appendUID(u.uid[:0])
	uid := unsafeString(u.uid)
	var err error
	u.data, err = pack.Handle{Bytes: p.body, Base: i.common.base}.Unpack(u.data, p.key, uid,
		p.version)
	if err != nil {
		return fmt.Errorf("store: use %s: the memory of this process is damaged: %w", p.key, err)
	}
	o := i.common.origin
	return f(wire.Object{
		Format: o.format, APIVersion: o.apiVersion, Kind: o.kind,
		Meta: i.common.meta(&p, uid), Data: u.data,
	})
}

// unpacker is memory to unpack into.
type unpacker struct{ uid, data []byte }

var unpackers = sync.Pool{New: func() any { return new(unpacker) }}

func (u *unpacker) giveBack() {
	u.uid, u.data = small(u.uid), small(u.data)
	unpackers.Put(u)
}
