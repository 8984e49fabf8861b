package near

// The elements of an S2 block, as its format description has them
// (github.com/klauspost/compress/s2, "Block format", which extends that of Snappy). The low two
// bits of an element's first byte tell what it is.
const (
	tagLiteral = 0 // bytes as they are
	tagCopy1   = 1 // 4 to 11 bytes, from up to 2047 bytes before; offset 0: from the offset of the last copy
	tagCopy2   = 2 // 1 to 64 bytes, from up to 65535 bytes before

	copy1Offsets = 1 << 11
	copy1Longest = 11
)

// appendLiteral appends an element for b, which has at most MaxBytes; none if it is empty.
func appendLiteral(dst, b []byte) []byte {
	switch n := len(b) - 1; {
	case n < 0:
		return dst
	case n < 60:
		dst = append(dst, byte(n)<<2|tagLiteral)
	case n < 1<<8:
		dst = append(dst, 60<<2|tagLiteral, byte(n))
	default:
		dst = append(dst, 61<<2|tagLiteral, byte(n), byte(n>>8))
	}
	return append(dst, b...)
}

// appendCopy appends elements for length bytes, at least minMatch, from offset bytes before. again
// reports whether this is the last copy's offset.
func appendCopy(dst []byte, offset, length int, again bool) []byte {
	const longest = 64
	switch {
	case again:
		return appendRepeat(dst, length)
	case offset < copy1Offsets && length <= copy1Longest:
		return append(dst, byte(offset>>8)<<5|byte(length-4)<<2|tagCopy1, byte(offset))
	case length <= longest:
		return append(dst, byte(length-1)<<2|tagCopy2, byte(offset), byte(offset>>8))
	}
	first := min(longest, length-minMatch) // what is left is a copy too
	dst = append(dst, byte(first-1)<<2|tagCopy2, byte(offset), byte(offset>>8))
	return appendRepeat(dst, length-first)
}

// appendRepeat appends an element that copies length bytes, 4 to MaxBytes, from the last offset.
func appendRepeat(dst []byte, length int) []byte {
	switch length -= minMatch; {
	case length < 5:
		return append(dst, byte(length)<<2|tagCopy1, 0)
	case length < 1<<8+4:
		//mutants:equal[(5<<2) + 1] tagCopy1 has that bit
		return append(dst, 5<<2|tagCopy1, 0, byte(length-4))
	}
	length -= 1 << 8
	//mutants:equal[(6<<2) + 1] tagCopy1 has that bit
	return append(dst, 6<<2|tagCopy1, 0, byte(length), byte(length>>8))
}
