package store

import (
	"encoding/binary"
	"encoding/hex"

	"github.com/skiff-k8s/skiff/wire"
)

// What belongs to one object alone stands in one string, the state, because there is one of it for
// each cached object:
//
//	lengths  of key and resourceVersion, twice that of the UID (plus 1 if it is binary), and the
//	         generation: varints
//	key, resourceVersion, UID
//	body     the object, as pack made it
//
// A binary UID is the 16 bytes of a UID that is written as xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx.

const textUID = 36

// parsed is a state taken apart. Its strings are parts of it.
type parsed struct {
	key, version, body string
	uid                string // as it is stored
	uidBinary          bool
	generation         int64
}

// appendHead appends a state without its body.
func appendHead(b []byte, key []byte, version, uid string, generation int64) []byte {
	var raw [16]byte
	isBinary := parseUID(&raw, uid)
	n := uint64(len(uid)) << 1
	if isBinary {
		n = uint64(len(raw))<<1 | 1
	}
	b = binary.AppendUvarint(b, uint64(len(key)))
	b = binary.AppendUvarint(b, uint64(len(version)))
	b = binary.AppendUvarint(b, n)
	b = binary.AppendUvarint(b, uint64(generation))
	b = append(append(b, key...), version...)
	if isBinary {
		return append(b, raw[:]...)
	}
	return append(b, uid...)
}

func parseState(s string) (p parsed) {
	key, rest := cutUvarint(s)
	version, rest := cutUvarint(rest)
	uid, rest := cutUvarint(rest)
	generation, rest := cutUvarint(rest)
	p.uidBinary, uid = uid&1 != 0, uid>>1
	p.generation = int64(generation)
	p.key, rest = rest[:key], rest[key:]
	p.version, rest = rest[:version], rest[version:]
	p.uid, p.body = rest[:uid], rest[uid:]
	return p
}

// stateKey returns the key alone, which is asked for most.
func stateKey(s string) string {
	n, rest := cutUvarint(s)
	for skip := 0; skip < 3; rest = rest[1:] {
		if rest[0] < 0x80 {
			skip++
		}
	}
	return rest[:n]
}

// appendUID appends the UID as text.
func (p *parsed) appendUID(b []byte) []byte {
	if !p.uidBinary {
		return append(b, p.uid...)
	}
	var text [32]byte
	for i := range 16 {
		const digits = "0123456789abcdef"
		text[2*i], text[2*i+1] = digits[p.uid[i]>>4], digits[p.uid[i]&15]
	}
	b = append(b, text[:8]...)
	for _, at := range [...]int{8, 12, 16} {
		b = append(append(b, '-'), text[at:at+4]...)
	}
	return append(append(b, '-'), text[20:]...)
}

// parseUID parses a UID of the form that servers write, and reports whether it has that form
// exactly.
func parseUID(into *[16]byte, uid string) bool {
	if len(uid) != textUID || uid[8] != '-' || uid[13] != '-' || uid[18] != '-' || uid[23] != '-' {
		return false
	}
	var digits [32]byte
	n := copy(digits[:], uid[:8])
	n += copy(digits[n:], uid[9:13])
	n += copy(digits[n:], uid[14:18])
	n += copy(digits[n:], uid[19:23])
	copy(digits[n:], uid[24:])
	for _, c := range digits {
		if c >= 'A' && c <= 'F' {
			return false // would come back in lower case
		}
	}
	_, err := hex.Decode(into[:], digits[:])
	return err == nil
}

// appendKey appends m.Key().
func appendKey(b []byte, m *wire.Meta) []byte {
	if m.Namespace != "" {
		b = append(append(b, m.Namespace...), '/')
	}
	return append(b, m.Name...)
}

//go:noinline // to keep programs small
func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func cutString(b string) (s, rest string) {
	n, rest := cutUvarint(b)
	return rest[:n], rest[n:]
}

func cutUvarint(b string) (n uint64, rest string) {
	for i, shift := 0, 0; ; i, shift = i+1, shift+7 {
		n |= uint64(b[i]&0x7f) << shift
		if b[i] < 0x80 {
			return n, b[i+1:]
		}
	}
}
