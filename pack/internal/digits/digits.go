// Package digits stores hexadecimal digits two to a byte. Container IDs, UIDs, checksums and hashes
// occur in objects as text, and are random: no search for repetitions shortens them. Of a Pod that
// is packed against another one of its ReplicaSet, they are a third of what is left.
//
//	packed, ok := digits.Pack(nil, block) // false: there are none
//	block, err := digits.Unpack(nil, packed)
//
// Digits are lower case, as everything in Kubernetes writes them: runs of at least 16 of them, and
// UIDs with their dashes.
package digits

import (
	"encoding/binary"
	"errors"
)

// What is packed is a series of
//
//	length of what comes as it is, a varint; and that
//	kind of the run behind it, a varint: 0 is a UID, else half its digits; and their values
//
// that ends after something that comes as it is, which may be empty.
const (
	kindUID = 0 //mutants:equal[1] no run has two digits

	uidText   = 36
	uidValues = 16
	uidGroup  = 8 // digits before the first dash

	// minRun is a run of digits that is worth the two or three bytes that it costs.
	minRun = 16
	// step is how far apart digits are looked for: no run and no UID's first group fits between.
	step = 8 //mutants:tuning[7] looks at more bytes and finds the same
)

const digit = "0123456789abcdef"

// value of each digit; notDigit for all other bytes.
var value = func() (v [256]byte) { //mutants:equal[257] a byte indexes it
	for i := range v {
		v[i] = notDigit
	}
	for i := range digit {
		v[digit[i]] = byte(i)
	}
	return v
}()

const notDigit = 0xff //mutants:equal[254] any value above 15 will do

// run is digits from start to end; those of a UID have dashes among them.
type run struct {
	start, end int
	uid        bool
}

// Pack appends src to dst with its digits halved, and reports whether that made it shorter. If not,
// it returns dst as it was.
func Pack(dst, src []byte) ([]byte, bool) {
	begin, at := len(dst), 0
	for {
		r, ok := next(src, at)
		if !ok {
			break
		}
		dst = binary.AppendUvarint(dst, uint64(r.start-at))
		dst = append(dst, src[at:r.start]...)
		if r.uid {
			dst = append(dst, kindUID)
		} else {
			dst = binary.AppendUvarint(dst, uint64(r.end-r.start)/2)
		}
		dst = appendValues(dst, src[r.start:r.end])
		at = r.end
	}
	if at == 0 { //mutants:tuning[-1,1] spares a copy that would be longer than src
		return dst, false
	}
	dst = binary.AppendUvarint(dst, uint64(len(src)-at))
	dst = append(dst, src[at:]...)
	if len(dst)-begin >= len(src) {
		return dst[:begin], false
	}
	return dst, true
}

// next returns the first run that is not before a place.
func next(src []byte, from int) (run, bool) {
	for i := from + step - 1; i < len(src); i += step { //mutants:tuning[2] looks a byte earlier
		if value[src[i]] == notDigit {
			continue
		}
		start, end := i, i+1 //mutants:equal[0] the loop below goes on from i as well
		for start > from && value[src[start-1]] != notDigit {
			start--
		}
		for end < len(src) && value[src[end]] != notDigit {
			end++
		}
		if n := end - start; n >= minRun {
			return run{start: start, end: start + n&^1}, true
		}
		if start = end - uidGroup; start >= from && isUID(src[start:]) {
			return run{start: start, end: start + uidText, uid: true}, true
		}
	}
	return run{}, false
}

// isUID reports whether b begins with xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx.
func isUID(b []byte) bool {
	if len(b) < uidText || b[8] != '-' || b[13] != '-' || b[18] != '-' || b[23] != '-' {
		return false
	}
	for i, c := range b[:uidText] {
		if value[c] == notDigit && c != '-' || c == '-' && i != 8 && i != 13 && i != 18 && i != 23 {
			return false
		}
	}
	return true
}

// appendValues appends the values of digits, two in a byte. Dashes are left out.
func appendValues(dst, digits []byte) []byte {
	for i := 0; i < len(digits); i += 2 {
		if digits[i] == '-' {
			i--
			continue
		}
		dst = append(dst, value[digits[i]]<<4|value[digits[i+1]])
	}
	return dst
}

var errDamaged = errors.New("restore digits: the bytes are damaged")

// Unpack appends to dst what Pack made packed of. It returns an error if packed is not the output
// of Pack.
func Unpack(dst, packed []byte) ([]byte, error) {
	for {
		n, size := binary.Uvarint(packed)
		if size <= 0 || n > uint64(len(packed)-size) {
			return dst, errDamaged
		}
		packed = packed[size:]
		dst = append(dst, packed[:n]...)
		if packed = packed[n:]; len(packed) == 0 {
			return dst, nil
		}
		kind, size := binary.Uvarint(packed)
		//mutants:equal[<,-1] a kind that is cut off, read as 0, has too few values behind it
		if size <= 0 {
			return dst, errDamaged
		}
		packed = packed[size:]
		n = kind
		if kind == kindUID {
			n = uidValues
		}
		//mutants:equal[>=] without a length behind the values the bytes are damaged too
		if n > uint64(len(packed)) {
			return dst, errDamaged
		}
		dst = appendDigits(dst, packed[:n], kind == kindUID)
		packed = packed[n:]
	}
}

// appendDigits appends the digits of values, with the dashes of a UID if they are one.
func appendDigits(dst, values []byte, uid bool) []byte {
	for i, v := range values {
		if uid && (i == 4 || i == 6 || i == 8 || i == 10) {
			dst = append(dst, '-')
		}
		dst = append(dst, digit[v>>4], digit[v&15])
	}
	return dst
}
