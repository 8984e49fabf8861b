package wire

import (
	"errors"
	"fmt"
	"io"
	"math/bits"
)

// The wire types of protobuf's encoding. Groups (3 and 4) are none of Kubernetes'.
const (
	wireVarint  = 0
	wireFixed64 = 1
	wireBytes   = 2
	wireFixed32 = 5
)

// maxVarintLen is how many bytes a number of 64 bits takes at most, 7 bits a byte.
const maxVarintLen = 10

// maxFieldNumber is the largest that the encoding allows.
const maxFieldNumber = 1<<29 - 1

// fields reads the fields of one message, which stands in b up to end:
//
//	for f.next() {
//		switch f.num {
//		case 1:
//			name = f.text()
//		}
//	}
//	return f.err
//
// Places are relative to b, so that what is read of a message inside another has its place in both.
type fields struct {
	b      []byte
	i, end int

	// The field that next has read.
	num         int
	wireType    int
	tag         int    // place of its tag
	length      int    // place of its length, if it has one: if it is of wire type bytes
	start, stop int    // place of its value
	number      uint64 // its value, if it is a varint

	err *fault // its place is relative to b too
}

// next reads a field. It says false at the end of the message and after an error.
func (f *fields) next() bool {
	if f.i >= f.end || f.err != nil {
		return false
	}
	n := f.header()
	if f.err != nil {
		return false
	}
	if n > uint64(f.end-f.i) {
		f.fail(errOverlong(f.num, n))
		return false
	}
	f.start = f.i
	f.i += int(n)
	f.stop = f.i
	return true
}

// header reads what stands before a field's value (of a varint, the value too), and returns how
// many bytes the value takes from there.
func (f *fields) header() (n uint64) {
	f.tag = f.i
	tag := f.varint()
	if f.err != nil {
		return 0
	}
	f.wireType = int(tag & 7)
	if tag >>= 3; tag < 1 || tag > maxFieldNumber {
		f.failAt(f.tag, fmt.Errorf("%d is no field number", tag))
		return 0
	}
	f.num = int(tag)
	switch f.wireType {
	case wireBytes:
		f.length = f.i
		return f.varint()
	case wireVarint:
		f.number = f.varint()
		return 0
	case wireFixed64:
		return 8
	case wireFixed32:
		return 4
	}
	f.failAt(f.tag, fmt.Errorf("field %d has wire type %d, which Kubernetes does not use", f.num, f.wireType))
	return 0
}

// errOverlong says that a field claims more bytes than are left of what it stands in.
func errOverlong(num int, n uint64) error {
	return fmt.Errorf("field %d claims %d bytes, more than are left: %w", num, n, io.ErrUnexpectedEOF)
}

func (f *fields) varint() uint64 {
	if f.i < f.end && f.b[f.i] < 0x80 { // nearly every one
		f.i++
		return uint64(f.b[f.i-1])
	}
	v, n, err := varint(f.b[f.i:f.end])
	if err != nil {
		f.fail(err)
		return 0
	}
	f.i += n
	return v
}

// fail makes err the error, at the next byte, unless there is one.
func (f *fields) fail(err error) { f.failAt(f.i, err) }

func (f *fields) failAt(place int, err error) {
	if f.err == nil {
		f.err = &fault{int64(place), err}
	}
}

// want fails unless the field is of that wire type.
func (f *fields) want(wireType int) bool {
	if f.wireType != wireType {
		f.failAt(f.tag, fmt.Errorf("field %d has wire type %d, not %d", f.num, f.wireType, wireType))
	}
	return f.err == nil
}

// text is the field as a string.
func (f *fields) text() text {
	if !f.want(wireBytes) {
		return text{}
	}
	return text{start: f.start, end: f.stop}
}

// bytes is the string at t.
func (f *fields) bytes(t text) []byte { return f.b[t.start:t.end] }

// int is the field as a number.
func (f *fields) int() int64 {
	if !f.want(wireVarint) {
		return 0
	}
	return int64(f.number)
}

// message is the field as a message. When it has been read, inner takes over its error.
func (f *fields) message() fields {
	if !f.want(wireBytes) {
		return fields{}
	}
	return fields{b: f.b, i: f.start, end: f.stop}
}

func (f *fields) inner(m *fields) {
	if f.err == nil {
		f.err = m.err
	}
}

var errVarint = errors.New("a varint has more than 64 bits")

// varint reads the varint that b begins with, and says how many bytes it takes. If b ends before it
// does, the error is io.ErrUnexpectedEOF.
func varint(b []byte) (v uint64, n int, err error) {
	for n < len(b) {
		c := b[n]
		if n == maxVarintLen-1 && c > 1 { // the one bit left of 64
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

// varintLen is how many bytes v takes as a varint.
func varintLen(v uint64) int { return (bits.Len64(v|1) + 6) / 7 }
