package wire_test

import (
	"bytes"
	"io"
	"math/rand"
	"reflect"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/randfill"

	"github.com/skiff-k8s/skiff/wire"
)

// Any object of any built-in type, as Kubernetes writes it in either format, alone, in a list and in a
// watch, whose bytes arrive in pieces of any size: what is read is what Kubernetes reads, with memory
// of its own and in an arena.
func FuzzBuiltInTypes(f *testing.F) {
	for i := range allTypes() {
		if i%5 == 0 {
			f.Add(uint16(i), []byte{byte(i), byte(i >> 8), 3, 1, 4, 1, 5}, int64(i))
		}
	}
	types, lists := allTypes(), listTypes()
	f.Fuzz(func(t *testing.T, number uint16, filling []byte, seed int64) {
		typ := types[int(number)%len(types)]
		fill := asKubernetes(randfill.NewFromGoFuzz(filling))
		objects := make([]runtime.Object, 1+int(uint64(seed)%3))
		for i := range objects {
			objects[i] = random(fill, typ)
		}
		rng := rand.New(rand.NewSource(seed))
		for _, format := range formatsOf(typ) {
			for _, obj := range objects {
				checkRead(t, format, body(t, format, obj), rng, []runtime.Object{obj}, func(data []byte, o wire.Options) ([]wire.Object, error) {
					return checkNoOverRead(t, data, rng, func(data []byte) ([]wire.Object, error) {
						one, err := wire.ReadObject(data, format, o)
						return []wire.Object{one}, err
					})
				})
			}
			checkRead(t, format, watchBody(t, format, modified(objects)), rng, objects, func(data []byte, o wire.Options) ([]wire.Object, error) {
				events, err := readWatch(inPieces(data, rng), format, o)
				return objectsOf(events), atEnd(err)
			})
			if list := lists[typ]; list != nil {
				checkRead(t, format, body(t, format, listOf(list, objects)), rng, objects, func(data []byte, o wire.Options) ([]wire.Object, error) {
					items, _, err := readList(inPieces(data, rng), format, o)
					return items, atEnd(err)
				})
			}
		}
	})
}

// checkRead checks that what read makes of data is what Kubernetes makes of the objects that data was
// written from, wherever it puts them.
func checkRead(t *testing.T, f wire.Format, data []byte, rng *rand.Rand, objects []runtime.Object, read func([]byte, wire.Options) ([]wire.Object, error)) {
	t.Helper()
	keep := rng.Intn(4) == 0
	own, err := read(data, wire.Options{KeepManagedFields: keep})
	if err != nil || len(own) != len(objects) {
		t.Fatalf("%v: %d objects, not %d: %v\n%q", f, len(own), len(objects), err, data)
	}
	for i, o := range own {
		want := decoded(t, f, body(t, f, objects[i]))
		if !keep {
			dropManagedFields(want)
		}
		checkObjectIs(t, o, want)
	}
	shared, err := read(data, wire.Options{KeepManagedFields: keep, Arena: arenasOf(rng.Intn(2*len(data) + 100))})
	if err != nil || !reflect.DeepEqual(shared, own) {
		t.Fatalf("%v, in arenas: %v\n got %+v\nwant %+v", f, err, shared, own)
	}
	for _, o := range shared {
		checkInside(t, o)
	}
}

// arenasOf are arenas for a reader whose objects are all kept: when one is full, there is another.
func arenasOf(size int) func() *wire.Arena {
	arena := wire.NewArena(size)
	return func() *wire.Arena {
		if arena.Full() {
			arena = wire.NewArena(size)
		}
		return arena
	}
}

// modified are events that tell of the objects.
func modified(objects []runtime.Object) []event {
	var events []event
	for _, o := range objects {
		events = append(events, event{"MODIFIED", o})
	}
	return events
}

func objectsOf(events []wire.Event) []wire.Object {
	var objects []wire.Object
	for _, e := range events {
		objects = append(objects, e.Object)
	}
	return objects
}

// atEnd is the error of a reader that has read all; what is none of an end is none here.
func atEnd(err error) error {
	if err == io.EOF {
		return nil
	}
	return err
}

// listOf is a list of the objects, of a type of list.
func listOf(typ reflect.Type, objects []runtime.Object) runtime.Object {
	list := reflect.New(typ)
	items := list.Elem().FieldByName("Items")
	for _, o := range objects {
		items.Set(reflect.Append(items, reflect.ValueOf(o).Elem()))
	}
	list.Interface().(metav1.ListInterface).SetResourceVersion("7")
	return list.Interface().(runtime.Object)
}

// inPieces reads data in pieces of random sizes.
func inPieces(data []byte, rng *rand.Rand) io.Reader {
	return &scratch{bytes.NewReader(data), rng, 1 + rng.Intn(1+2*len(data))}
}
