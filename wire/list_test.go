package wire_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"reflect"
	"runtime"
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

func TestMalformedListIsAnErrorThatSaysWhere(t *testing.T) {
	const item = `{"metadata":{"name":"a"}}`
	for name, tt := range map[string]struct {
		list string
		at   int64
		says string
	}{
		"not an object":                {`[]`, 0, `{ was expected, not "["`},
		"text":                         {`404 page not found`, 0, `{ was expected, not "4"`},
		"no list but a Status":         {`{"kind":"Status","code":410}`, 28, `it has no items, so it is no list; its kind is "Status"`},
		"a table":                      {`{"kind":"Table","rows":[]}`, 26, `it has no items`},
		"items that are an object":     {`{"items":{}}`, 9, `[ was expected, not "{"`},
		"an item that is null":         {`{"items":[null]}`, 10, `the list cannot be read: JSON at byte 10: { was expected, not "n"`},
		"an item that is a number":     {`{"items":[` + item + `,1]}`, 36, `the list after item 1 cannot be read: JSON at byte 36: { was expected, not "1"`},
		"no comma":                     {`{"items":[` + item + item + `]}`, 35, `a comma or ] was expected, not "{"`},
		"a comma too many":             {`{"items":[` + item + `,]}`, 36, `{ was expected, not "]"`},
		"a comma too many, in it":      {`{"items":[],}`, 12, `a key was expected, not "}"`},
		"a second document":            {`{"items":[]}{"items":[]}`, 12, `the end of the document was expected, not "{"`},
		"trailing text":                {`{"items":[]} x`, 13, `the end of the document was expected, not "x"`},
		"items twice":                  {`{"items":[],"items":[]}`, 13, `a second time`},
		"metadata twice":               {`{"metadata":{},"metadata":{},"items":[]}`, 16, `a second time`},
		"an item with metadata twice":  {`{"items":[{"metadata":{},"metadat\u0061":{}}]}`, 26, `a second time`},
		"metadata that are a string":   {`{"items":[{"metadata":"x"}]}`, 22, `{ was expected`},
		"a name that is a number":      {`{"items":[{"metadata":{"name":7}}]}`, 30, `a string was expected, not "7"`},
		"labels that are an array":     {`{"items":[{"metadata":{"labels":[]}}]}`, 32, `{ was expected`},
		"a label that is a number":     {`{"items":[{"metadata":{"labels":{"a":1}}}]}`, 37, `a string was expected`},
		"an annotation that is a map":  {`{"items":[{"metadata":{"annotations":{"a":{}}}}]}`, 42, `a string was expected`},
		"annotations that are a word":  {`{"items":[{"metadata":{"annotations":true}}]}`, 37, `{ was expected`},
		"a generation with a fraction": {`{"items":[{"metadata":{"generation":1.5}}]}`, 36, `1.5 is no integer`},
		"a generation that is huge":    {`{"items":[{"metadata":{"generation":9223372036854775808}}]}`, 36, `is no integer of 64 bits`},
		"owners that are an object":    {`{"items":[{"metadata":{"ownerReferences":{}}}]}`, 41, `[ was expected`},
		"a bad escape":                 {`{"items":[{"a":"\x"}]}`, 17, `an escape sequence was expected, not "x"`},
		"a bad \\u":                    {`{"items":[{"a":"\u12g4"}]}`, 20, `a hexadecimal digit was expected, not "g"`},
		"a line break in a string":     {"{\"items\":[{\"a\":\"\n\"}]}", 16, `control characters are to be escaped`},
		"a zero byte":                  {"{\"items\":\x00[]}", 9, `[ was expected, not "\x00"`},
		"a leading zero":               {`{"items":[{"a":01}]}`, 16, `a comma or } was expected, not "1"`},
		"a lone minus":                 {`{"items":[{"a":-}]}`, 16, `a digit was expected`},
		"no digit after the point":     {`{"items":[{"a":1.}]}`, 17, `a digit was expected`},
		"no exponent":                  {`{"items":[{"a":1e+}]}`, 18, `a digit was expected`},
		"an unknown word":              {`{"items":[{"a":nul}]}`, 18, `null was expected, not "}"`},
		"a key without quotes":         {`{"items":[{a:1}]}`, 11, `a key was expected`},
		"a comment":                    {`{"items":[/* */]}`, 10, `{ was expected, not "/"`},
		"no colon":                     {`{"items" []}`, 9, `a colon was expected`},
		"too deep":                     {`{"items":[{"a":` + strings.Repeat("[", 10001), 10012, `nest deeper than 10000`},
	} {
		t.Run(name, func(t *testing.T) {
			for _, chunked := range chunkings(1) {
				_, _, err := readList(chunked(strings.NewReader(tt.list)), wire.JSON, wire.Options{})
				var syntax *wire.SyntaxError
				if !errors.As(err, &syntax) {
					t.Fatalf("got %v", err)
				}
				if syntax.Offset != tt.at || !strings.Contains(err.Error(), tt.says) || syntax.Format != wire.JSON {
					t.Fatalf("got %q at %d, want %q at %d", err, syntax.Offset, tt.says, tt.at)
				}
			}
		})
	}
}

func TestMalformedProtobufListIsAnErrorThatSaysWhere(t *testing.T) {
	// typed is the envelope of a list with what its message is to be.
	typed := func(kind, msg string) string {
		typeMeta := "\x0a\x02v1\x12" + string(rune(len(kind))) + kind
		return "k8s\x00" + "\x0a" + string(rune(len(typeMeta))) + typeMeta + "\x12" + string(rune(len(msg))) + msg
	}
	begin := int64(len(typed("PodList", "")))
	const named = "\x0a\x03\x0a\x01a" // an object with the name a
	if objects, _, err := readList(strings.NewReader(typed("PodList", "\x12\x05"+named)), wire.Protobuf, wire.Options{}); err != io.EOF ||
		len(objects) != 1 || objects[0].Meta.Name != "a" || objects[0].Kind != "Pod" {
		t.Fatalf("the list that the others are made from is not good: %+v, %v", objects, err)
	}
	for name, tt := range map[string]struct {
		list string
		at   int64
		says string
	}{
		"JSON":                             {`{"items":[]}`, 0, `it begins with "{\"it"`},
		"a pod":                            {typed("Pod", named), begin - 6, `it is no list, by the name of its kind`},
		"a status":                         {typed("Status", ""), begin - 3, `the Status cannot be read`},
		"no list in the envelope":          {"k8s\x00\x0a\x04\x0a\x02v1", 10, io.ErrUnexpectedEOF.Error()},
		"two lists in the envelope":        {typed("PodList", "") + "\x12\x00", begin, `a second list`},
		"a list as a number":               {"k8s\x00\x10\x07", 4, `field 2 has wire type 0, not 2`},
		"a list of a varint without end":   {"k8s\x00\x12" + strings.Repeat("\xff", 11), 5, `more than 64 bits`},
		"a list larger than any":           {"k8s\x00\x12" + strings.Repeat("\xff", 9) + "\x01", 4, `more than are left`},
		"a compressed list":                {typed("PodList", "") + "\x1a\x04gzip", begin, `content encoding "gzip"`},
		"a list that is said to be JSON":   {typed("PodList", "") + "\x22\x10application/json", begin, `content type "application/json"`},
		"field number 0":                   {typed("PodList", "\x02\x00"), begin, `0 is no field number`},
		"a group":                          {typed("PodList", "\x0b"), begin, `wire type 3`},
		"an item longer than the list":     {typed("PodList", "\x12\x06"+named), begin, `field 2 claims 6 bytes`},
		"an item that is a number":         {typed("PodList", "\x10\x06"), begin, `field 2 has wire type 0, not 2`},
		"a header longer than the list":    {typed("PodList", "\x12") + "\x00", begin + 1, io.ErrUnexpectedEOF.Error()},
		"a field longer than its item":     {typed("PodList", "\x12\x05\x0a\x04\x0a\x01a"), begin + 4, `field 1 claims 4 bytes`},
		"a name longer than its metadata":  {typed("PodList", "\x12\x05\x0a\x03\x0a\x02a"), begin + 6, `field 1 claims 2 bytes`},
		"a name that is a number":          {typed("PodList", "\x12\x04\x0a\x02\x08\x02"), begin + 4, `field 1 has wire type 0, not 2`},
		"an item with metadata twice":      {typed("PodList", "\x12\x0a"+named+named), begin + 7, `a second time`},
		"a list with metadata twice":       {typed("PodList", "\x0a\x00\x0a\x00"), begin + 2, `a second time`},
		"a list's metadata of no sense":    {typed("PodList", "\x0a\x02\x12\x09"), begin + 4, `field 2 claims 9 bytes`},
		"a list's metadata of a gigabyte":  {"k8s\x00\x12\xff\xff\xff\xff\x7f\x0a\x80\x80\x80\x80\x04", 10, `more than any list needs`},
		"an owner that is cut":             {typed("PodList", "\x12\x07\x0a\x05\x6a\x03\x0a\x02a"), begin + 8, `field 1 claims 2 bytes`},
		"a label that is cut":              {typed("PodList", "\x12\x07\x0a\x05\x5a\x03\x0a\x02a"), begin + 8, `field 1 claims 2 bytes`},
		"an annotation that is cut":        {typed("PodList", "\x12\x07\x0a\x05\x62\x03\x0a\x02a"), begin + 8, `field 1 claims 2 bytes`},
		"an unknown field of a bad length": {typed("PodList", "\x3a\x05a"), begin, `field 7 claims 5 bytes`},
	} {
		t.Run(name, func(t *testing.T) {
			for _, chunked := range chunkings(1) {
				_, _, err := readList(chunked(strings.NewReader(tt.list)), wire.Protobuf, wire.Options{})
				var syntax *wire.SyntaxError
				if !errors.As(err, &syntax) {
					t.Fatalf("got %v", err)
				}
				if syntax.Offset != tt.at || !strings.Contains(err.Error(), tt.says) || syntax.Format != wire.Protobuf {
					t.Fatalf("got %q at %d, want %q at %d", err, syntax.Offset, tt.says, tt.at)
				}
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

// endless is a list of n items that are made while they are read.
type endless struct {
	head, item, between, tail []byte
	n                         int
	rest                      []byte
}

func (e *endless) Read(p []byte) (int, error) {
	if len(e.rest) == 0 {
		switch {
		case e.head != nil:
			e.rest, e.head = e.head, nil
		case e.n > 0:
			e.rest = e.item
			if e.n--; e.n > 0 {
				e.rest = append(bytes.Clone(e.item), e.between...)
			}
		case e.tail != nil:
			e.rest, e.tail = e.tail, nil
		default:
			return 0, io.EOF
		}
	}
	n := copy(p, e.rest)
	e.rest = e.rest[n:]
	return n, nil
}

// longList is a list of n times the same pod.
func longList(t testing.TB, f wire.Format, pod *corev1.Pod, n int) *endless {
	o, err := wire.ReadObject(body(t, f, pod), f, wire.Options{KeepManagedFields: true})
	if err != nil {
		t.Fatal(err)
	}
	if f == wire.JSON {
		return &endless{head: []byte(`{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"1"},"items":[`),
			item: o.Data, between: []byte(","), tail: []byte("]}"), n: n}
	}
	item := protobufField(2, o.Data)
	head := append([]byte("k8s\x00"), protobufField(1, append(protobufField(1, []byte("v1")), protobufField(2, []byte("PodList"))...))...)
	list := protobufField(1, protobufField(2, []byte("1")))
	length := protobufField(2, make([]byte, len(list)+n*len(item)))
	head = append(head, length[:len(length)-len(list)-n*len(item)]...)
	return &endless{head: append(head, list...), item: item, n: n}
}

func TestListIsNeverWholeInMemory(t *testing.T) {
	pod := samplePod()
	const n = 20000
	for _, f := range formats {
		l := wire.NewListReader(longList(t, f, pod, n), f, wire.Options{})
		before := heap()
		items, most := 0, uint64(0)
		for {
			_, err := l.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if items++; items%(n/8) == 0 {
				most = max(most, heap()-min(before, heap()))
			}
		}
		if items != n {
			t.Fatalf("%v: %d items", f, items)
		}
		if most > 1<<20 {
			t.Errorf("%v: the heap grew by %d bytes while a list of %d pods was read", f, most, n)
		}
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// A length is only a claim: memory is taken as bytes come, not as they are announced.
func TestClaimedLengthTakesNoMemory(t *testing.T) {
	const claim = 60 << 20
	head := "k8s\x00\x12\xff\xff\xff\xff\x7f\x12\x80\x80\x80\x1e" // an item of 60 MiB
	frame := "\x03\xc0\x00\x00\x0a\x05ADDED"                      // an event of 60 MiB
	for name, read := range map[string]func() error{
		"list": func() error {
			_, _, err := readList(strings.NewReader(head+"x"), wire.Protobuf, wire.Options{})
			return err
		},
		"watch": func() error {
			_, err := readWatch(strings.NewReader(frame), wire.Protobuf, wire.Options{})
			return err
		},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := read()
		runtime.ReadMemStats(&after)
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: %v", name, err)
		}
		if taken := after.TotalAlloc - before.TotalAlloc; taken > claim/100 {
			t.Errorf("%s: %d bytes were allocated for the claim of %d", name, taken, claim)
		}
	}
}

func TestObjectOverTheLimitIsAnError(t *testing.T) {
	const limit = 100_000
	for _, f := range formats {
		pod := samplePod()
		pod.Annotations["large"] = strings.Repeat("x", limit-10*len(body(t, f, samplePod())))
		if _, _, err := readList(longList(t, f, pod, 3), f, wire.Options{MaxObjectBytes: limit}); err != io.EOF {
			t.Errorf("%v: %v", f, err)
		}
		pod.Annotations["large"] = strings.Repeat("x", limit)
		data := body(t, f, pod)
		_, _, listErr := readList(longList(t, f, pod, 3), f, wire.Options{MaxObjectBytes: limit})
		_, watchErr := readWatch(bytes.NewReader(watchBody(t, f, []event{{"ADDED", pod}})), f, wire.Options{MaxObjectBytes: limit})
		_, objectErr := wire.ReadObject(data, f, wire.Options{MaxObjectBytes: limit})
		for _, err := range []error{listErr, watchErr, objectErr} {
			var syntax *wire.SyntaxError
			if !errors.Is(err, wire.ErrTooLarge) || !errors.As(err, &syntax) {
				t.Errorf("%v: %v", f, err)
			}
		}
		// An object within the limit is read, though a small one: whether it has come already when
		// it is asked for does not matter.
		for _, tt := range []struct {
			limit int
			good  bool
		}{{len(`{"metadata":{"name":"a"}}`), true}, {len(`{"metadata":{"name":"a"}}`) - 1, false}} {
			_, _, err := readList(strings.NewReader(`{"items":[{"metadata":{"name":"a"}}]}`), wire.JSON, wire.Options{MaxObjectBytes: tt.limit})
			if (err == io.EOF) != tt.good || !tt.good && !errors.Is(err, wire.ErrTooLarge) {
				t.Errorf("limit %d: %v", tt.limit, err)
			}
		}
	}
}

// A stream without an end is given up at the limit, wherever in it the end is missing.
func TestRunawayStreamIsGivenUpAtTheLimit(t *testing.T) {
	const limit = 1 << 20
	for _, tt := range []struct {
		begins string
		then   byte
	}{
		{``, ' '}, {`{"items":[`, ' '}, {`{"items":[{"a":"`, 'x'}, {`{"items":[{"a":`, '1'}, {`{"items":[{"`, 'x'}, {`{"a":"`, 'x'}, {`{"items":[]}`, ' '},
	} {
		runaway := &endless{head: []byte(tt.begins), item: bytes.Repeat([]byte{tt.then}, 1024), n: 100 * limit / 1024}
		_, _, err := readList(runaway, wire.JSON, wire.Options{MaxObjectBytes: limit})
		if !errors.Is(err, wire.ErrTooLarge) || runaway.n < 97*limit/1024 {
			t.Errorf("%s%c: %v with %d KiB left", tt.begins, tt.then, err, runaway.n)
		}
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
