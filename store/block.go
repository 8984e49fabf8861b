package store

import (
	"encoding/binary"

	"github.com/skiff-k8s/skiff/store/internal/digits"
)

// What is packed is a block of S2, which begins with the length of what it holds. Behind that length,
// hexadecimal digits in it are halved if it has any: they are what no other object has.

// halve halves the digits of block, in the memory that it has, and says whether there were any to
// halve. It works in spare, which it returns for the next time.
func halve(block, spare []byte) (halved, forNextTime []byte, ok bool) {
	_, n := binary.Uvarint(block)
	spare, ok = digits.Pack(spare[:0], block[n:])
	if ok {
		block = append(block[:n], spare...)
	}
	return block, spare, ok
}

// restore returns the block that was halved, in the memory of into if it has room.
func restore(into, halved []byte) ([]byte, error) {
	_, n := binary.Uvarint(halved)
	return digits.Unpack(append(into[:0], halved[:n]...), halved[n:])
}
