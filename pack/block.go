package pack

import (
	"encoding/binary"

	"github.com/skiff-k8s/skiff/pack/internal/digits"
)

// A block of S2 begins with the length of the object. If there are hexadecimal digits behind that
// length, they are halved: they are what no other object has.

// halve halves the digits of block, in its own memory, and reports whether there were any. It works
// in spare, which it returns for the next time.
func halve(block, spare []byte) (halved, forNextTime []byte, ok bool) {
	n := blockHead(block)
	spare, ok = digits.Pack(spare[:0], block[n:])
	if ok {
		block = append(block[:n], spare...)
	}
	return block, spare, ok
}

// restore returns the block that was halved, in the memory of into if it has room.
func restore(into, halved []byte) ([]byte, error) {
	n := blockHead(halved)
	return digits.Unpack(append(into[:0], halved[:n]...), halved[n:])
}

// blockHead returns the size in bytes of the length at the beginning of block.
func blockHead(block []byte) int {
	_, n := binary.Uvarint(block)
	return max(n, 0)
}
