package wire

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"math"
	"reflect"
	"strconv"
	"unicode/utf8"
)

// scalar is a type whose values are, in JSON, one string or number, or true or false; or may be.
type scalar struct {
	t     reflect.Type
	omits bool // JSON leaves the field out if it is zero
}

// scalarOf is how to read a t; nil if it is a list or an object. What has its own way to be JSON may
// be anything there.
func scalarOf(t reflect.Type, omits bool) *scalar {
	switch k := t.Kind(); {
	case isOpaque(t), isBytes(t), k == reflect.String, reflect.Bool <= k && k <= reflect.Float64:
		return &scalar{t, omits}
	}
	return nil
}

// text is the value of the field f as JSON has it, a string without its quotes; false if JSON has none.
func (s *scalar) text(f *fields) (string, bool) {
	switch {
	case f.wireType == wireBytes:
		return s.bytes(f.b[f.start:f.stop])
	case s.omits && f.number == 0 && f.wireType == wireVarint:
		return "", false
	}
	bits := s.t.Bits
	switch k := s.t.Kind(); {
	case f.wireType == wireVarint && k == reflect.Bool:
		return strconv.FormatBool(f.number != 0), true
	case f.wireType == wireVarint && reflect.Int <= k && k <= reflect.Int64:
		unused := 64 - bits()
		return strconv.FormatInt(int64(f.number<<unused)>>unused, 10), true
	case f.wireType == wireVarint && reflect.Uint <= k && k <= reflect.Uint64:
		unused := 64 - bits()
		return strconv.FormatUint(f.number<<unused>>unused, 10), true
	case f.wireType == wireFixed64 && k == reflect.Float64:
		return s.json(math.Float64frombits(binary.LittleEndian.Uint64(f.b[f.start:f.stop])))
	case f.wireType == wireFixed32 && k == reflect.Float32:
		return s.json(math.Float32frombits(binary.LittleEndian.Uint32(f.b[f.start:f.stop])))
	}
	return "", false
}

// bytes is text of a field that is bytes in protobuf.
func (s *scalar) bytes(b []byte) (string, bool) {
	switch {
	case isOpaque(s.t):
		// A time, a quantity: few are looked up, so they may take the way through their Go type.
		v := reflect.New(s.t).Interface()
		if m, ok := v.(message); !ok || m.Unmarshal(b) != nil {
			return "", false
		}
		return s.json(v)
	case s.omits && len(b) == 0:
		return "", false
	case isBytes(s.t):
		return base64.StdEncoding.EncodeToString(b), true
	case s.t.Kind() == reflect.String && utf8.Valid(b):
		return string(b), true
	case s.t.Kind() == reflect.String:
		return string([]rune(string(b))), true // as in JSON, each wrong byte is U+FFFD
	}
	return "", false
}

// zero is the text of a value that is nowhere.
func (s *scalar) zero() (string, bool) {
	if isBytes(s.t) {
		return "", true
	}
	return s.json(reflect.New(s.t).Interface())
}

// json is text of a Go value.
func (s *scalar) json(v any) (text string, ok bool) {
	data, err := json.Marshal(v)
	if err != nil {
		return "", false
	}
	scan := newScanner(wholeWindow(append(data, '\n'))) // which ends a number
	whole := jsonNode{whole: true}
	whole.values(&scan, func(value string) bool {
		text, ok = value, true
		return true
	})
	return text, ok
}
