package wire_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/wire"
)

// objectOf returns a ConfigMap of exactly n bytes in a format, as it stands in a list.
func objectOf(t testing.TB, f wire.Format, n int) []byte {
	t.Helper()
	for pad := n; pad >= 0; pad-- {
		cm := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "a"}, Data: map[string]string{"k": strings.Repeat("x", pad)}}
		o, err := wire.ReadObject(body(t, f, cm), f, wire.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if len(o.Data) == n {
			return o.Data
		}
		if over := len(o.Data) - n; over > 20 {
			pad -= over - 20
		}
	}
	t.Fatalf("no ConfigMap has %d bytes", n)
	return nil
}

// oneItem returns a list of one object.
func oneItem(f wire.Format, object []byte) io.Reader {
	if f == wire.JSON {
		return strings.NewReader(`{"items":[` + string(object) + `]}`)
	}
	kind := append(protobufField(1, []byte("v1")), protobufField(2, []byte("ConfigMapList"))...)
	return bytes.NewReader(append(append([]byte("k8s\x00"), protobufField(1, kind)...), protobufField(2, protobufField(2, object))...))
}

// oneEvent returns a watch of one event, and the size that its limit counts.
func oneEvent(f wire.Format, object []byte) (io.Reader, int) {
	if f == wire.JSON {
		return strings.NewReader(`{"type":"ADDED","object":` + string(object) + `}`), len(object)
	}
	kind := append(protobufField(1, []byte("v1")), protobufField(2, []byte("ConfigMap"))...)
	envelope := append(append([]byte("k8s\x00"), protobufField(1, kind)...), protobufField(2, object)...)
	frame := append(protobufField(1, []byte("ADDED")), protobufField(2, protobufField(1, envelope))...)
	n := len(frame)
	return bytes.NewReader(append([]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}, frame...)), n
}

// The limit of one object: at it, one byte below and one byte above, in windows that have their
// first size and in those that have grown.
func TestTheLimitOfAnObject(t *testing.T) {
	for _, f := range formats {
		for _, size := range []int{100, 32 << 10, 32<<10 + 1, 64 << 10, 100_000, 1 << 20, 1<<20 + 12345} {
			object := objectOf(t, f, size)
			_, eventSize := oneEvent(f, object)
			for name, read := range map[string]struct {
				size int
				read func(limit int) error
			}{
				"list": {size, func(limit int) error {
					_, _, err := readList(oneItem(f, object), f, wire.Options{MaxObjectBytes: limit})
					return err
				}},
				"watch": {eventSize, func(limit int) error {
					r, _ := oneEvent(f, object)
					_, err := readWatch(r, f, wire.Options{MaxObjectBytes: limit})
					return err
				}},
				"object": {size, func(limit int) error {
					if _, err := wire.ReadObject(object, f, wire.Options{MaxObjectBytes: limit}); err != nil {
						return err
					}
					return io.EOF
				}},
			} {
				for _, tt := range []struct {
					limit int
					good  bool
				}{{read.size + 1, true}, {read.size, true}, {read.size - 1, false}, {-1, true}, {0, true}} {
					err := read.read(tt.limit)
					var syntax *wire.SyntaxError
					if (err == io.EOF) != tt.good || !tt.good && !(errors.Is(err, wire.ErrTooLarge) && errors.As(err, &syntax)) {
						t.Errorf("%v, a %s of %d bytes, the limit %d: %v", f, name, read.size, tt.limit, err)
					}
				}
			}
		}
	}
}

// ones reads n bytes.
type ones struct{ n int64 }

func (o *ones) Read(p []byte) (int, error) {
	if o.n == 0 {
		return 0, io.EOF
	}
	p = p[:min(int64(len(p)), o.n)]
	for i := range p {
		p[i] = '1'
	}
	o.n -= int64(len(p))
	return len(p), nil
}

// An object of 200 MB is given up at the default limit of 64 MiB, and until then takes no more
// memory than twice the limit: the buffers that it grew through, all together.
func TestAnObjectOf200MBTakesLittleMemory(t *testing.T) {
	const size, limit = 200_000_000, wire.DefaultMaxObjectBytes
	protobufHead := func(parts ...[]byte) string { return string(bytes.Join(parts, nil)) }
	length := func(num byte, n int) []byte { // the tag and the length of a field of n bytes
		return append([]byte{num<<3 | 2}, uvarint(n)...)
	}
	for name, tt := range map[string]struct {
		head   string
		format wire.Format
		watch  bool
		most   uint64
	}{
		"list in JSON":               {`{"items":[{"metadata":{"name":"a"},"data":{"k":"`, wire.JSON, false, 2*limit + 1<<20},
		"list in JSON, its metadata": {`{"metadata":{"continue":"`, wire.JSON, false, 2*limit + 1<<20},
		"watch in JSON":              {`{"type":"ADDED","object":{"metadata":{"name":"a"},"data":{"k":"`, wire.JSON, true, 2*limit + 1<<20},
		"list in protobuf": {protobufHead([]byte("k8s\x00"), length(2, size+10), length(2, size)),
			wire.Protobuf, false, 1 << 20},
		"list in protobuf, its metadata": {protobufHead([]byte("k8s\x00"), length(2, size+10), length(1, size)),
			wire.Protobuf, false, 1 << 20},
		"watch in protobuf": {string([]byte{size >> 24, size >> 16 & 0xff, size >> 8 & 0xff, size & 0xff}),
			wire.Protobuf, true, 1 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			body := &ones{n: size}
			r := io.MultiReader(strings.NewReader(tt.head), body)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			var err error
			if tt.watch {
				_, err = readWatch(r, tt.format, wire.Options{})
			} else {
				_, _, err = readList(r, tt.format, wire.Options{})
			}
			runtime.ReadMemStats(&after)
			var syntax *wire.SyntaxError
			if !errors.As(err, &syntax) {
				t.Fatalf("got %v", err)
			}
			if taken := after.TotalAlloc - before.TotalAlloc; taken > tt.most {
				t.Errorf("%d bytes were allocated, more than %d", taken, tt.most)
			}
			if read := size - body.n; read > limit {
				t.Errorf("%d bytes were read, more than %d", read, limit)
			}
		})
	}
}

func uvarint(n int) (b []byte) {
	for ; n >= 0x80; n >>= 7 {
		b = append(b, byte(n)|0x80)
	}
	return append(b, byte(n))
}

// The type and the metadata of a list in protobuf have a limit of their own, 1 MiB.
func TestTheLimitOfAListsMetadata(t *testing.T) {
	const limit = 1 << 20
	for size, good := range map[int]bool{limit - 1: true, limit: true, limit + 1: false} {
		token := bytes.Repeat([]byte("t"), size)
		for len(protobufField(3, token)) > size {
			token = token[1:]
		}
		list := protobufField(1, protobufField(3, token))
		_, meta, err := readList(bytes.NewReader(append([]byte("k8s\x00"), protobufField(2, list)...)), wire.Protobuf, wire.Options{})
		if (err == io.EOF) != good || good && meta.Continue != string(token) {
			t.Errorf("metadata of %d bytes: %v", size, err)
		}
	}
}

// JSON may nest as deeply as encoding/json decodes it, 10,000 levels, and one level less; not one
// more.
func TestTheLimitOfDepth(t *testing.T) {
	const limit = 10000
	for depth, good := range map[int]bool{limit - 1: true, limit: true, limit + 1: false} {
		nested := func(levels int) string {
			return `{"a":` + strings.Repeat("[", levels-1) + strings.Repeat("]", levels-1) + `}`
		}
		_, err := wire.ReadObject([]byte(nested(depth)), wire.JSON, wire.Options{})
		if (err == nil) != good || !good && !strings.Contains(err.Error(), "deeper than 10000") {
			t.Errorf("an object of %d levels: %v", depth, err)
		}
		// In a list, an object stands two levels deep.
		_, _, err = readList(strings.NewReader(fmt.Sprintf(`{"items":[%s]}`, nested(depth-2))), wire.JSON, wire.Options{})
		if (err == io.EOF) != good {
			t.Errorf("a list of %d levels: %v", depth, err)
		}
	}
}
