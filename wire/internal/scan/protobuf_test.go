package scan

import (
	"encoding/binary"
	"math"
	"slices"
	"testing"
)

// A number has at most 64 bits, so 10 bytes of which the last is 0 or 1.
func TestVarints(t *testing.T) {
	nine := slices.Repeat([]byte{0xff}, 9)
	for _, tt := range []struct {
		in   []byte
		want uint64
		good bool
	}{
		{[]byte{0x7f}, 0x7f, true},
		{[]byte{0x80, 1}, 0x80, true},
		{append(slices.Clone(nine), 0), math.MaxUint64 >> 1, true},
		{append(slices.Clone(nine), 1), math.MaxUint64, true},
		{append(slices.Clone(nine), 2), 0, false},
		{append(slices.Clone(nine), 0x80, 0), 0, false},
		{append(slices.Clone(nine), 0x81, 0), 0, false},
		{nine, 0, false},
		{nil, 0, false},
	} {
		v, n, err := varint(tt.in)
		if (err == nil) != tt.good || tt.good && (v != tt.want || n != len(tt.in)) {
			t.Errorf("% x: %d in %d bytes, %v", tt.in, v, n, err)
		}
		if tt.good && VarintLen(v) != len(binary.AppendUvarint(nil, v)) {
			t.Errorf("%d takes %d bytes, by VarintLen", v, VarintLen(v))
		}
	}
}

// Field numbers are from 1 to 2^29-1.
func TestFieldNumbers(t *testing.T) {
	for num, good := range map[uint64]bool{0: false, 1: true, 2: true, MaxFieldNumber - 1: true,
		MaxFieldNumber: true, MaxFieldNumber + 1: false, 1<<32 + 1: false} {
		f := NewProtobuf(append(binary.AppendUvarint(nil, num<<3|Varint), 7), 0)
		if f.Next() != good || good && (uint64(f.Num) != num || f.Number != 7) || (f.Err == nil) != good {
			t.Errorf("field %d: %+v", num, f)
		}
	}
}

// A field ends with its message, or one byte before, but not one byte after.
func TestFieldsEndWithTheirMessage(t *testing.T) {
	for size, good := range map[int]bool{2: true, 3: true, 4: false} {
		message := append([]byte{1<<3 | Bytes, byte(size)}, "abc"...)
		f := NewProtobuf(message, 0)
		if f.Next() != good || (f.Err == nil) != good {
			t.Errorf("a field of %d bytes of 3: %v", size, f.Err)
		}
	}
}
