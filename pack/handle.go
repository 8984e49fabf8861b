package pack

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"unsafe"

	"github.com/klauspost/compress/s2"

	"github.com/skiff-k8s/skiff/pack/internal/near"
)

// Handle is a packed object. It is an immutable value, safe for concurrent use, and can be unpacked
// as long as it is kept, whatever has been released. It keeps alive its bytes, its base, and the
// base of the outermost group.
type Handle struct {
	Bytes string // as Add, Pack or Repack returned them
	Base  *Base  // likewise; nil for none
}

// The first byte of a packed object is its form.
type form byte

const (
	formPlain form = iota // the object as it came
	formS2                // a block of S2
	formNear              // a block of S2, with the base and the own strings as its dictionary
	formMask       = 3

	halved form = 4 // the block's digits are halved: see block.go
)

var errDamaged = errors.New("pack: unpack object: its bytes are damaged")

// Size returns the size of the object unpacked, in bytes.
func (h Handle) Size() int {
	if h.Bytes == "" {
		return 0
	}
	if form(h.Bytes[0])&formMask == formPlain {
		return len(h.Bytes) - 1
	}
	size, _ := binary.Uvarint(h.body())
	return int(size)
}

// body returns the bytes behind the form, which may only be read.
func (h Handle) body() []byte { return unsafe.Slice(unsafe.StringData(h.Bytes), len(h.Bytes))[1:] }

// Unpack returns the object, in the memory of dst if it has room; what dst contains is overwritten.
// own are the strings that the object was packed with. Unpack returns an error if the bytes are not
// what Add, Pack or Repack returned together with the base.
func (h Handle) Unpack(dst []byte, own ...string) ([]byte, error) {
	if h.Bytes == "" {
		return dst, errDamaged
	}
	f := form(h.Bytes[0])
	if f == formPlain {
		return append(dst[:0], h.body()...), nil
	}
	u := unpackers.Get().(*unpacker)
	defer u.giveBack()
	dst, err := u.unpack(dst, f, h.body(), h.Base, own)
	if err != nil {
		return dst, fmt.Errorf("pack: unpack object: %w", err)
	}
	return dst, nil
}

// unpacker is memory that unpacking works in.
type unpacker struct{ dict, block []byte }

var unpackers = sync.Pool{New: func() any { return new(unpacker) }}

func (u *unpacker) giveBack() {
	u.dict, u.block = small(u.dict), small(u.block)
	unpackers.Put(u)
}

func (u *unpacker) unpack(dst []byte, f form, body []byte, b *Base, own []string) (data []byte, err error) {
	isNear := f&formMask == formNear
	if isNear {
		if b == nil {
			return dst, errors.New("it needs a base and has none")
		}
		if u.dict, u.block, err = b.unpack(u.dict, u.block); err != nil {
			return dst, fmt.Errorf("its base: %w", err)
		}
		u.dict = appendOwn(near.Grow(u.dict, ownLen(own)), own)
	}
	if f&halved != 0 {
		if u.block, err = restore(u.block, body); err != nil {
			return dst, err
		}
		body = u.block
	}
	if isNear {
		return near.Unpack(dst[:0], u.dict, body)
	}
	return s2.Decode(dst[:cap(dst)], body)
}

// pack appends an object, packed against b or alone, to dst.
func (p *Packer) pack(dst []byte, b *Base, data []byte, own []string) []byte {
	head := len(dst)
	dst = append(dst, byte(formPlain))
	body := head + 1
	f := formPlain
	if b != nil && b.helps() && fits(b, data, own) {
		p.own = appendOwn(p.own[:0], own)
		dst = p.matcherFor(b).Pack(dst, p.own, data)
		f = formNear
		p.note(b, len(dst)-body, len(data))
	}
	if b != nil {
		b.packs++
	}
	// An object that has little in common with its base may have more with itself.
	if size := len(dst) - body; f == formPlain || size > len(data)/2 {
		p.other = s2.Encode(p.other[:cap(p.other)], data)
		//mutants:tuning[<=] of two blocks of one size either will do
		if f == formPlain || len(p.other) < size {
			dst, f = append(dst[:body], p.other...), formS2
		}
	}
	if len(dst)-body >= len(data) {
		dst, f = append(dst[:body], data...), formPlain
	} else {
		var block []byte
		var ok bool
		if block, p.other, ok = halve(dst[body:], p.other); ok {
			dst, f = dst[:body+len(block)], f|halved
		}
	}
	dst[head] = byte(f)
	p.other, p.own = small(p.other), small(p.own)
	p.scratchBytes.Store(p.scratch.bytes())
	return dst
}

// fits reports whether a base, own strings and an object are small enough together to be packed
// against each other.
func fits(b *Base, data []byte, own []string) bool {
	return int(b.size)+ownLen(own)+len(data) <= near.MaxBytes
}

func ownLen(own []string) (n int) {
	for _, s := range own {
		n += len(s)
	}
	return n
}

func appendOwn(b []byte, own []string) []byte {
	for _, s := range own {
		b = append(b, s...)
	}
	return b
}
