package store

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"unsafe"

	"github.com/klauspost/compress/s2"

	"github.com/skiff-k8s/skiff/store/internal/near"
	"github.com/skiff-k8s/skiff/wire"
)

var errNoObject = errors.New("store: the zero Item stands for no object")

// Object returns the object unpacked. Its Data is the caller's own copy.
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
// neither the object's Data and UID nor anything that refers to them (wire.Decode does not). It
// returns f's error.
func (i Item) Use(f func(wire.Object) error) error {
	if i.group == nil {
		return errNoObject
	}
	u := unpackers.Get().(*unpacker)
	defer u.release()
	p := parseState(i.state)
	if err := u.unpack(&p, i.group.base); err != nil {
		return fmt.Errorf("store: unpacking %s (the memory of this process is damaged): %w", p.key, err)
	}
	l := i.group.family.lineage
	return f(wire.Object{
		Format:     l.format,
		APIVersion: l.apiVersion,
		Kind:       l.kind,
		Meta:       i.meta(unsafeString(u.uid)),
		Data:       u.data,
	})
}

// unpacker is memory to unpack into.
type unpacker struct{ uid, dict, block, data []byte }

var unpackers = sync.Pool{New: func() any { return new(unpacker) }}

// maxPooled keeps a rare huge object from pinning memory for good.
const maxPooled = 1 << 20

func (u *unpacker) release() {
	if cap(u.dict)+cap(u.block)+cap(u.data) <= maxPooled {
		unpackers.Put(u)
	}
}

// unpack fills data and uid with what p says.
func (u *unpacker) unpack(p *parsed, b *base) (err error) {
	u.uid = p.appendUID(u.uid[:0])
	// The bytes of a string are only read here.
	body := unsafe.Slice(unsafe.StringData(p.body), len(p.body))
	if p.form == formNear {
		u.dict, u.block = b.open(u.dict, u.block)
		u.dict = p.appendHeader(near.Grow(u.dict, len(p.key)+len(u.uid)+len(p.version)))
	}
	if p.halved {
		if u.block, err = restore(u.block, body); err != nil {
			return err
		}
		body = u.block
	}
	switch p.form {
	case formS2:
		u.data, err = s2.Decode(u.data[:cap(u.data)], body)
	case formNear:
		u.data, err = near.Unpack(u.data[:0], u.dict, body)
	default:
		u.data = append(u.data[:0], body...)
	}
	return err
}

// rawLen is how long the object is that a state stands for.
func rawLen(state string) int {
	p := parseState(state)
	if p.form == formPlain {
		return len(p.body)
	}
	n, _ := cutUvarint(p.body)
	return int(n)
}

// unsafeString is b as a string, good as long as b is not written to.
func unsafeString(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
