package wire_test

import (
	"bytes"
	"io"
	"math/rand"
	"reflect"
	"testing"
	"unsafe"

	"github.com/skiff-k8s/skiff/wire"
)

// Nobody looks at bytes beyond those that have come, nor writes to any: what stands beside them here
// would change the result, or end the test.

// poison is what stands beside the input: each of these goes on with something that JSON or protobuf
// may end with.
const poison = "\"}]\\,1e \x00\x08\x7f\x80\xff"

// scratch reads pieces of at most so many bytes, and writes what it likes to the rest of the buffer, as
// a Reader may.
type scratch struct {
	r    io.Reader
	rng  *rand.Rand
	most int
}

func (s *scratch) Read(p []byte) (int, error) {
	n, err := s.r.Read(p[:s.rng.Intn(min(len(p), s.most)+1)])
	c := poison[s.rng.Intn(len(poison))]
	for i := n; i < min(len(p), n+2000); i++ {
		p[i] = c
	}
	return n, err
}

// checkNoOverRead reads data that ends with its memory, and data amid poison; it returns what the first
// makes of it, after the second has made the same.
func checkNoOverRead(t *testing.T, data []byte, rng *rand.Rand, read func([]byte) ([]wire.Object, error)) ([]wire.Object, error) {
	t.Helper()
	objects, err := read(data[:len(data):len(data)])
	around := bytes.Repeat([]byte{poison[rng.Intn(len(poison))]}, len(data)+100)
	amid := around[50 : 50+len(data)]
	copy(amid, data)
	before := bytes.Clone(around)
	again, errAgain := read(amid)
	if (err == nil) != (errAgain == nil) || err != nil && err.Error() != errAgain.Error() || !reflect.DeepEqual(objects, again) {
		t.Fatalf("%q\n   alone %+v, %v\namid %q %+v, %v", data, objects, err, around[0], again, errAgain)
	}
	if !bytes.Equal(around, before) {
		t.Fatalf("%q: what was only to be read was written to", data)
	}
	for _, o := range objects {
		checkInside(t, o)
	}
	return objects, err
}

// checkInside checks that the strings of an object's Meta that begin in its Data end there too.
func checkInside(t *testing.T, o wire.Object) {
	t.Helper()
	first := uintptr(unsafe.Pointer(unsafe.SliceData(o.Data)))
	end := first + uintptr(len(o.Data))
	check := func(s string) {
		t.Helper()
		if at := uintptr(unsafe.Pointer(unsafe.StringData(s))); at >= first && at < end && at+uintptr(len(s)) > end {
			t.Fatalf("%q of the Meta goes on after Data", s)
		}
	}
	m := o.Meta
	for _, s := range []string{m.Namespace, m.Name, m.UID, m.ResourceVersion, m.Owner.APIVersion, m.Owner.Kind, m.Owner.Name, m.Owner.UID} {
		check(s)
	}
	for key, value := range m.Labels.All() {
		check(key)
		check(value)
	}
}

// Cut anywhere, an object ends where it is cut, whatever stands there next.
func TestObjectIsNotReadBeyondItsEnd(t *testing.T) {
	pods := smallPods()
	rng := rand.New(rand.NewSource(1))
	for _, f := range formats {
		data := body(t, f, &pods[0])
		for cut := range len(data) + 1 {
			for range 3 {
				_, err := checkNoOverRead(t, data[:cut], rng, func(data []byte) ([]wire.Object, error) {
					one, err := wire.ReadObject(data, f, wire.Options{})
					return []wire.Object{one}, err
				})
				if cut == len(data) && err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}
