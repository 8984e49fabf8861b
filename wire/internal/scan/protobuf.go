package scan

import (
	"errors"
	"fmt"
	"io"
	"math/bits"
)

// The wire types of protobuf's encoding. Groups (3 and 4) are not read.
const (
	Varint  = 0
	Fixed64 = 1
	Bytes   = 2
	Fixed32 = 5
)

const (
	// MaxVarintLen is how many bytes a number of 64 bits takes at most, 7 bits a byte.
	MaxVarintLen = 10
	// MaxFieldNumber is the largest that the encoding allows.
	MaxFieldNumber = 1<<29 - 1
)

// Protobuf reads the fields of one message:
//
//	for f.Next() {
//		switch f.Num {
//		case 1:
//			name = f.Text()
//		}
//	}
//	return f.Err
//
// Places are relative to the first byte that the reader was made with, also those in a message
// inside another. The exported fields are those of the field that Next has read; only Next and
// Header set them. The zero Protobuf is a message without fields. A Protobuf is for one goroutine
// at a time.
type Protobuf struct {
	Num         int
	Type        int    // Varint, Fixed64, Bytes or Fixed32
	Tag         int    // the place of its tag
	Length      int    // the place of its length, if it is of type Bytes
	Start, Stop int    // the place of its value
	Number      uint64 // its value, if it is of type Varint

	Err *Fault // the first error; nil if there is none

	b      []byte
	i, end int
}

// NewProtobuf returns a reader of the message that stands in b from place start on.
func NewProtobuf(b []byte, start int) Protobuf {
	return Protobuf{b: b, i: start, end: len(b)}
}

// Next reads a field. It reports whether there is one: not at the end of the message, and not after
// an error.
func (f *Protobuf) Next() bool {
	if f.i >= f.end || f.Err != nil {
		return false
	}
	n := f.Header()
	if f.Err != nil {
		return false
	}
	if n > uint64(f.end-f.i) {
		f.Fail(Overlong(f.Num, n))
		return false
	}
	f.Start = f.i
	f.i += int(n)
	f.Stop = f.i
	return true
}

// Header reads what stands before a field's value (of a varint, the value too). It returns how many
// bytes the value takes from there.
func (f *Protobuf) Header() (n uint64) {
	f.Tag = f.i
	tag := f.varint()
	if f.Err != nil {
		return 0
	}
	f.Type = int(tag & 7)
	if tag >>= 3; tag < 1 || tag > MaxFieldNumber {
		f.FailAt(f.Tag, fmt.Errorf("%d is no field number", tag))
		return 0
	}
	f.Num = int(tag)
	switch f.Type {
	case Bytes:
		f.Length = f.i
		return f.varint()
	case Varint:
		f.Number = f.varint()
		return 0
	case Fixed64:
		return 8
	case Fixed32:
		return 4
	}
	f.FailAt(f.Tag, fmt.Errorf("field %d has wire type %d, which is not supported", f.Num, f.Type))
	return 0
}

// Overlong returns the error of a field that claims more bytes than are left of what it stands in.
func Overlong(num int, n uint64) error {
	return fmt.Errorf("field %d claims %d bytes, more than are left: %w", num, n,
		io.ErrUnexpectedEOF)
}

func (f *Protobuf) varint() uint64 {
	if f.i < f.end && f.b[f.i] < 0x80 { // nearly every one
		f.i++
		return uint64(f.b[f.i-1])
	}
	v, n, err := varint(f.b[f.i:f.end])
	if err != nil {
		f.Fail(err)
		return 0
	}
	f.i += n
	return v
}

// Place returns the place of the next byte.
func (f *Protobuf) Place() int { return f.i }

// Fail makes err the reader's error, at the next byte, unless there is one.
func (f *Protobuf) Fail(err error) { f.FailAt(f.i, err) }

// FailAt makes err the reader's error, at a place, unless there is one.
func (f *Protobuf) FailAt(place int, err error) {
	if f.Err == nil {
		f.Err = &Fault{int64(place), err}
	}
}

// Want fails unless the field is of that wire type. It reports whether there is no error.
func (f *Protobuf) Want(wireType int) bool {
	if f.Type != wireType {
		f.FailAt(f.Tag, fmt.Errorf("field %d has wire type %d, not %d", f.Num, f.Type, wireType))
	}
	return f.Err == nil
}

// Text returns the place of the field's value, which is to be a string.
func (f *Protobuf) Text() Text {
	if !f.Want(Bytes) {
		return Text{}
	}
	return Text{Start: f.Start, End: f.Stop}
}

// Bytes returns the bytes at t.
func (f *Protobuf) Bytes(t Text) []byte { return f.b[t.Start:t.End] }

// Raw returns the whole field: tag, length and value.
func (f *Protobuf) Raw() []byte { return f.b[f.Tag:f.Stop] }

// RawTag returns the tag of a field of type Bytes.
func (f *Protobuf) RawTag() []byte { return f.b[f.Tag:f.Length] }

// Value returns the bytes of the field's value.
func (f *Protobuf) Value() []byte { return f.b[f.Start:f.Stop] }

// Int returns the field's value, which is to be a number.
func (f *Protobuf) Int() int64 {
	if !f.Want(Varint) {
		return 0
	}
	return int64(f.Number)
}

// Message returns a reader of the field's value, which is to be a message. Inner gives its error
// back.
func (f *Protobuf) Message() Protobuf {
	if !f.Want(Bytes) {
		return Protobuf{}
	}
	return Protobuf{b: f.b, i: f.Start, end: f.Stop}
}

// Inner makes the error of m, a message inside f, that of f.
func (f *Protobuf) Inner(m *Protobuf) {
	if f.Err == nil {
		f.Err = m.Err
	}
}

var errVarint = errors.New("a varint has more than 64 bits")

// varint reads the varint that b begins with, and returns how many bytes it takes. If b ends before
// it does, the error is io.ErrUnexpectedEOF.
func varint(b []byte) (v uint64, n int, err error) {
	for n < len(b) {
		c := b[n]
		if n == MaxVarintLen-1 && c > 1 { // the one bit left of 64
			return 0, 0, errVarint
		}
		v |= uint64(c&0x7f) << (7 * n)
		n++
		if c < 0x80 {
			return v, n, nil
		}
	}
	return 0, 0, io.ErrUnexpectedEOF
}

// VarintLen returns how many bytes v takes as a varint.
func VarintLen(v uint64) int { return (bits.Len64(v|1) + 6) / 7 }

// The fields of an entry of a map, which is a message.
const (
	MapKey   = 1
	MapValue = 2
)

// MapKey returns the key of the field, which is to be an entry of a map whose keys are strings.
func (f *Protobuf) MapKey() (key Text) {
	e := f.Message()
	for e.Next() {
		if e.Num == MapKey {
			key = e.Text()
		}
	}
	f.Inner(&e)
	return key
}

// MapEntry returns key and value of the field, which is to be an entry of a map of strings.
func (f *Protobuf) MapEntry() (key, value Text) {
	e := f.Message()
	for e.Next() {
		switch e.Num {
		case MapKey:
			key = e.Text()
		case MapValue:
			value = e.Text()
		}
	}
	f.Inner(&e)
	return key, value
}
