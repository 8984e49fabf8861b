package fieldpath

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"math"
	"reflect"
	"strconv"
	"unicode/utf8"

	"github.com/skiff-k8s/skiff/wire/internal/message"
	"github.com/skiff-k8s/skiff/wire/internal/scan"
)

// scalar is a type whose values are, in JSON, one string or number, or true or false; or may be.
type scalar struct {
	t     reflect.Type
	omits bool // JSON leaves the field out if it is zero
}

// scalarOf is how to read a t; nil if it is a list or an object. What has its own way to be JSON
// may be anything there.
func scalarOf(t reflect.Type, omits bool) *scalar {
	switch k := t.Kind(); {
	case isOpaque(t), isBytes(t), k == reflect.String, reflect.Bool <= k && k <= reflect.Float64:
		return &scalar{t, omits}
	}
	return nil
}

// text is the value of the field f as JSON has it, a string without its quotes; false if JSON has
// none.
func (s *scalar) text(f *scan.Protobuf) (string, bool) {
	switch {
	case f.Type == scan.Bytes:
		return s.bytes(f.Value())
	case s.omits && f.Number == 0 && f.Type == scan.Varint:
		return "", false
	}
	bits := s.t.Bits
	switch k := s.t.Kind(); {
	case f.Type == scan.Varint && k == reflect.Bool:
		return strconv.FormatBool(f.Number != 0), true
	case f.Type == scan.Varint && reflect.Int <= k && k <= reflect.Int64:
		unused := 64 - bits()
		return strconv.FormatInt(int64(f.Number<<unused)>>unused, 10), true
	case f.Type == scan.Varint && reflect.Uint <= k && k <= reflect.Uint64:
		unused := 64 - bits()
		return strconv.FormatUint(f.Number<<unused>>unused, 10), true
	case f.Type == scan.Fixed64 && k == reflect.Float64:
		return s.json(math.Float64frombits(binary.LittleEndian.Uint64(f.Value())))
	case f.Type == scan.Fixed32 && k == reflect.Float32:
		return s.json(math.Float32frombits(binary.LittleEndian.Uint32(f.Value())))
	}
	return "", false
}

// bytes is text of a field that is bytes in protobuf.
func (s *scalar) bytes(b []byte) (string, bool) {
	switch {
	case isOpaque(s.t):
		// A time, a quantity: few are looked up, so they may take the way through their Go type.
		v := reflect.New(s.t).Interface()
		if m, ok := v.(message.Message); !ok || m.Unmarshal(b) != nil {
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
	doc := scan.NewJSON(scan.Whole(append(data, '\n'))) // which ends a number
	all.values(&doc, func(value string) bool {
		text, ok = value, true
		return true
	})
	return text, ok
}
