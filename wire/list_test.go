package wire_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	k8sprotobuf "k8s.io/apimachinery/pkg/runtime/serializer/protobuf"

	"github.com/skiff-k8s/skiff/wire"
)

// chunkings are ways for the same bytes to arrive.
func chunkings(seed int64) map[string]func(io.Reader) io.Reader {
	return map[string]func(io.Reader) io.Reader{
		"at once":              func(r io.Reader) io.Reader { return r },
		"byte by byte":         iotest.OneByteReader,
		"half of what fits":    iotest.HalfReader,
		"with the end at once": iotest.DataErrReader,
		"at random": func(r io.Reader) io.Reader {
			return &randomReader{r, rand.New(rand.NewSource(seed))}
		},
	}
}

// randomReader reads some bytes, and sometimes none.
type randomReader struct {
	r   io.Reader
	rng *rand.Rand
}

func (r *randomReader) Read(p []byte) (int, error) {
	return r.r.Read(p[:r.rng.Intn(min(len(p), 5000)+1)])
}

// readList reads a list to its end or error.
func readList(r io.Reader, f wire.Format, o wire.Options) ([]wire.Object, wire.ListMeta, error) {
	l := wire.NewListReader(r, f, o)
	var objects []wire.Object
	for {
		object, err := l.Next()
		if err != nil {
			if _, again := l.Next(); again != err {
				return objects, l.Meta(), fmt.Errorf("after %w, Next returned another error: %w", err, again)
			}
			return objects, l.Meta(), err
		}
		objects = append(objects, object)
	}
}

func podList(seed int64, n int) *corev1.PodList {
	remaining := int64(77)
	return &corev1.PodList{
		ListMeta: metav1.ListMeta{ResourceVersion: "4711", Continue: `to"ken`, RemainingItemCount: &remaining},
		Items:    randomPods(seed, n),
	}
}

func TestListIsTheSameHoweverItsBytesArrive(t *testing.T) {
	for _, f := range formats {
		for _, n := range []int{0, 1, 2, 37} {
			list := podList(int64(n), n)
			data := body(t, f, list)
			var want []wire.Object
			for i := range list.Items {
				o, err := wire.ReadObject(body(t, f, &list.Items[i]), f, wire.Options{})
				if err != nil {
					t.Fatal(err)
				}
				want = append(want, o)
			}
			for name, chunked := range chunkings(int64(n)) {
				t.Run(fmt.Sprintf("%v/%d/%s", f, n, name), func(t *testing.T) {
					objects, meta, err := readList(chunked(bytes.NewReader(data)), f, wire.Options{})
					if err != io.EOF {
						t.Fatal(err)
					}
					if len(objects) != n {
						t.Fatalf("%d objects, not %d", len(objects), n)
					}
					for i, o := range objects {
						if !reflect.DeepEqual(o.Meta, want[i].Meta) {
							t.Fatalf("item %d: Meta\n got %+v\nwant %+v", i, o.Meta, want[i].Meta)
						}
						var got, wanted corev1.Pod
						if err := errors.Join(wire.Decode(o, &got), wire.Decode(want[i], &wanted)); err != nil {
							t.Fatal(err)
						}
						if !reflect.DeepEqual(got, wanted) {
							t.Fatalf("item %d\n got %+v\nwant %+v", i, got, wanted)
						}
						if len(o.Data) != cap(o.Data) {
							t.Fatalf("item %d has %d bytes in %d", i, len(o.Data), cap(o.Data))
						}
					}
					wantMeta := wire.ListMeta{APIVersion: "v1", Kind: "PodList", ResourceVersion: "4711",
						Continue: `to"ken`, RemainingItemCount: list.RemainingItemCount}
					if !reflect.DeepEqual(meta, wantMeta) {
						t.Fatalf("list\n got %+v\nwant %+v", meta, wantMeta)
					}
				})
			}
		}
	}
}

// The API server writes long lists item by item; the bytes are nearly the same.
func TestListOfTheStreamingEncoder(t *testing.T) {
	list := podList(1, 12)
	list.APIVersion, list.Kind = "v1", "PodList"
	var out bytes.Buffer
	options := k8sprotobuf.SerializerOptions{StreamingCollectionsEncoding: true}
	if err := k8sprotobuf.NewSerializerWithOptions(scheme, scheme, options).Encode(list, &out); err != nil {
		t.Fatal(err)
	}
	objects, meta, err := readList(&out, wire.Protobuf, wire.Options{})
	if err != io.EOF || len(objects) != 12 || meta.ResourceVersion != "4711" {
		t.Fatalf("%d objects, %+v, %v", len(objects), meta, err)
	}
}

func TestListInJSONInAnyOrder(t *testing.T) {
	for name, tt := range map[string]struct {
		list    string
		options wire.Options
		want    []string // apiVersion, kind, key
		meta    wire.ListMeta
	}{
		"built-in: the items do not say what they are": {
			list: `{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"7"},
				"items":[{"metadata":{"name":"a","namespace":"n"}},{"metadata":{"name":"b","namespace":"n"}}]}`,
			want: []string{"v1 Pod n/a", "v1 Pod n/b"},
			meta: wire.ListMeta{APIVersion: "v1", Kind: "PodList", ResourceVersion: "7"},
		},
		"custom: sorted keys, so that the list says what it is after its items": {
			list: `{"apiVersion":"x.io/v1","items":[{"apiVersion":"x.io/v1","kind":"Foo","metadata":{"name":"a"}}],
				"kind":"FooList","metadata":{"continue":"c","resourceVersion":"7"}}`,
			want: []string{"x.io/v1 Foo a"},
			meta: wire.ListMeta{APIVersion: "x.io/v1", Kind: "FooList", ResourceVersion: "7", Continue: "c"},
		},
		"the type comes from the options where only they know it": {
			list:    `{"items":[{"metadata":{"name":"a"}}, {"kind":"Own","apiVersion":"o/v1","metadata":{"name":"b"}}]}`,
			options: wire.Options{APIVersion: "x.io/v1", Kind: "Foo"},
			want:    []string{"x.io/v1 Foo a", "o/v1 Own b"},
		},
		"a list of anything": {
			list: `{"kind":"List","apiVersion":"v1","items":[{"kind":"Own","apiVersion":"o/v1","metadata":{"name":"b"}},{}]}`,
			want: []string{"o/v1 Own b", "  "},
			meta: wire.ListMeta{APIVersion: "v1", Kind: "List"},
		},
		"no items":        {list: `{"items":[]}`},
		"null for items":  {list: `{"kind":null,"metadata":null,"items":null}`},
		"unknown fields":  {list: `{"x":{"items":[1,{"y":[]}]},"metadata":{"x":[]},"items":[],"z":1e9}`},
		"escapes in keys": {list: `{"\u0069tems":[{"metadat\u0061":{"n\u0061me":"a"}}]}`, want: []string{"  a"}},
		"white space":     {list: " \n\t\r{ \n\"items\" : [ { } , { } ] , \"a\" : 1 }\n\n ", want: []string{"  ", "  "}},
	} {
		t.Run(name, func(t *testing.T) {
			objects, meta, err := readList(iotest.OneByteReader(strings.NewReader(tt.list)), wire.JSON, tt.options)
			if err != io.EOF {
				t.Fatal(err)
			}
			var got []string
			for _, o := range objects {
				got = append(got, o.APIVersion+" "+o.Kind+" "+o.Meta.Key())
			}
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if !reflect.DeepEqual(meta, tt.meta) {
				t.Errorf("got %+v, want %+v", meta, tt.meta)
			}
		})
	}
}

// A list that is cut is never taken for a complete one, wherever it is cut. (A list in protobuf is
// complete when its last field is: what may follow in its envelope says nothing of the list.)
func TestListCutAnywhereIsAnError(t *testing.T) {
	for _, f := range formats {
		list := smallList()
		data := bytes.TrimSpace(body(t, f, list))
		complete := len(data)
		if f == wire.Protobuf {
			complete = bytes.LastIndex(data, []byte("\x1a\x00\x22\x00")) // empty contentEncoding and contentType
		}
		for cut := range complete {
			objects, _, err := readList(bytes.NewReader(data[:cut]), f, wire.Options{})
			var syntax *wire.SyntaxError
			if !errors.Is(err, io.ErrUnexpectedEOF) || !errors.As(err, &syntax) {
				t.Fatalf("%v cut at %d of %d: %d objects, %v", f, cut, len(data), len(objects), err)
			}
			if syntax.Offset != int64(cut) {
				t.Fatalf("%v cut at %d: the error says %d: %v", f, cut, syntax.Offset, err)
			}
			_, _, err = readList(io.MultiReader(bytes.NewReader(data[:cut]), iotest.ErrReader(errReset)), f, wire.Options{})
			if !errors.Is(err, errReset) || errors.As(err, &syntax) {
				t.Fatalf("%v reset at %d: %v", f, cut, err)
			}
		}
		if _, _, err := readList(bytes.NewReader(data[:complete]), f, wire.Options{}); err != io.EOF {
			t.Fatalf("%v: %v", f, err)
		}
	}
}

var errReset = errors.New("connection reset by peer")

func TestCorruptListNeverPanics(t *testing.T) {
	for _, f := range formats {
		data := body(t, f, smallList())
		for i := range data {
			for bit := range 8 {
				corrupt := bytes.Clone(data)
				corrupt[i] ^= 1 << bit
				objects, _, _ := readList(bytes.NewReader(corrupt), f, wire.Options{})
				for _, o := range objects {
					_ = wire.Decode(o, new(corev1.Pod))
				}
			}
		}
	}
}

// An item is there as soon as its last byte is: a list may be long in coming.
func TestItemIsHandedOutWithItsLastByte(t *testing.T) {
	const n = 3
	for _, f := range formats {
		t.Run(f.String(), func(t *testing.T) {
			data := body(t, f, podList(3, n))
			whole, _, err := readList(bytes.NewReader(data), f, wire.Options{KeepManagedFields: true})
			if err != io.EOF {
				t.Fatal(err)
			}
			r, w := io.Pipe()
			defer r.Close()
			ends := make(chan int, n)
			go func() {
				at := 0
				for _, o := range whole {
					end := at + bytes.Index(data[at:], o.Data) + len(o.Data)
					_, _ = w.Write(data[at:end])
					at = end
					ends <- end
				}
				_, _ = w.Write(data[at:])
				w.Close()
			}()
			l := wire.NewListReader(r, f, wire.Options{KeepManagedFields: true})
			for i := range n {
				o, err := l.Next() // blocks for ever if it wants a byte more: the writer waits too
				if err != nil || !bytes.Equal(o.Data, whole[i].Data) {
					t.Fatalf("item %d: %v", i, err)
				}
			}
			if _, err := l.Next(); err != io.EOF {
				t.Fatal(err)
			}
		})
	}
}

func TestUnknownFormatIsAnError(t *testing.T) {
	if _, err := wire.NewListReader(strings.NewReader("{}"), 0, wire.Options{}).Next(); err == nil {
		t.Error("a list was read in no format")
	}
	if _, err := wire.NewWatchReader(strings.NewReader("{}"), 9, wire.Options{}).Next(); err == nil {
		t.Error("a watch was read in no format")
	}
	if _, err := wire.ReadObject([]byte("{}"), 0, wire.Options{}); err == nil {
		t.Error("an object was read in no format")
	}
}

// protobufField is a field of wire type bytes.
func protobufField(num byte, value []byte) []byte {
	b := []byte{num<<3 | 2}
	n := uint64(len(value))
	for ; n >= 0x80; n >>= 7 {
		b = append(b, byte(n)|0x80)
	}
	return append(append(b, byte(n)), value...)
}

// compact is JSON without white space.
func compact(t testing.TB, data []byte) string {
	t.Helper()
	var out bytes.Buffer
	if err := json.Compact(&out, data); err != nil {
		t.Fatalf("%v: %s", err, data)
	}
	return out.String()
}
