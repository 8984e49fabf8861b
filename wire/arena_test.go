package wire_test

import (
	"bytes"
	"io"
	"reflect"
	"strings"
	"testing"
	"unsafe"

	"github.com/skiff-k8s/skiff/wire"
)

// always says that objects go into this arena.
func always(a *wire.Arena) func() *wire.Arena { return func() *wire.Arena { return a } }

// inArena says whether b is part of the arena that has handed out first as its first Data.
func inArena(b, first []byte, size int) bool {
	at, begins := uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(unsafe.Pointer(unsafe.SliceData(first)))
	return at >= begins && at+uintptr(len(b)) <= begins+uintptr(size)
}

func TestObjectsOfAnArenaAreTheSameAsOthers(t *testing.T) {
	for _, f := range formats {
		for seed := range int64(4) {
			data := watchBody(t, f, someEvents(seed))
			want, err := readWatch(bytes.NewReader(data), f, wire.Options{})
			if err != io.EOF {
				t.Fatal(err)
			}
			for _, size := range []int{0, 1, 100, 1000, len(data), 10 * len(data)} {
				got, err := readWatch(bytes.NewReader(data), f, wire.Options{Arena: always(wire.NewArena(size))})
				if err != io.EOF || !reflect.DeepEqual(got, want) {
					t.Fatalf("%v, arena of %d bytes: %v\n got %+v\nwant %+v", f, size, err, got, want)
				}
				for i := range got {
					if len(got[i].Object.Data) != cap(got[i].Object.Data) || got[i].Object.Meta.Labels.Len() != cap(got[i].Object.Meta.Labels.Slice()) {
						t.Fatalf("%v: what is appended to event %d is written over its neighbour", f, i)
					}
				}
			}
		}
	}
}

// In one arena objects stand one after the other; after Reset the next stand where the first stood.
func TestArenaIsUsedAgain(t *testing.T) {
	const size = 1 << 16
	for _, f := range formats {
		data := watchBody(t, f, smallEvents())
		arena := wire.NewArena(size)
		first, err := readWatch(bytes.NewReader(data), f, wire.Options{Arena: always(arena)})
		if err != io.EOF {
			t.Fatal(err)
		}
		used := 0
		for i, e := range first {
			if !inArena(e.Object.Data, first[0].Object.Data, size) {
				t.Errorf("%v: event %d is not in the arena", f, i)
			}
			if uintptr(unsafe.Pointer(unsafe.SliceData(e.Object.Data)))%8 != 0 {
				t.Errorf("%v: event %d is not aligned", f, i)
			}
			if name := e.Object.Meta.Name; name != "" && !inArena(unsafe.Slice(unsafe.StringData(name), len(name)), first[0].Object.Data, size) {
				t.Errorf("%v: the name of event %d is not in the arena", f, i)
			}
			used += len(e.Object.Data)
		}
		if n := arena.Len(); n < used || n > used+8*len(first) {
			t.Errorf("%v: %d bytes of Data take %d of the arena", f, used, n)
		}
		arena.Reset()
		if arena.Len() != 0 || arena.Full() {
			t.Errorf("%v: after Reset %d bytes are used, full: %v", f, arena.Len(), arena.Full())
		}
		again, err := readWatch(bytes.NewReader(data), f, wire.Options{Arena: always(arena)})
		if err != io.EOF {
			t.Fatal(err)
		}
		for i := range again {
			if unsafe.SliceData(again[i].Object.Data) != unsafe.SliceData(first[i].Object.Data) {
				t.Errorf("%v: event %d stands elsewhere than before Reset", f, i)
			}
			if labels := again[i].Object.Meta.Labels.Slice(); len(labels) > 0 && unsafe.SliceData(labels) != unsafe.SliceData(first[i].Object.Meta.Labels.Slice()) {
				t.Errorf("%v: labels of event %d stand elsewhere than before Reset", f, i)
			}
		}
	}
}

// Reset lets go of strings in other memory, however long the arena is kept.
func TestResetForgetsTheLabels(t *testing.T) {
	arena := wire.NewArena(1 << 16)
	o, err := wire.ReadObject([]byte(`{"metadata":{"labels":{"\u0061":"\u0062"}}}`), wire.JSON, wire.Options{Arena: always(arena)})
	if err != nil || o.Meta.Labels.Get("a") != "b" {
		t.Fatal(o, err)
	}
	arena.Reset()
	if o.Meta.Labels.Slice()[0] != (wire.Label{}) {
		t.Errorf("the arena still refers to %q", o.Meta.Labels.Slice()[0])
	}
}

// An object that does not fit is read all the same, and makes the arena full: were it not, a stream of
// such objects would wait for a full arena for ever.
func TestArenaIsFullWhenAnObjectDoesNotFit(t *testing.T) {
	const size = 1 << 17
	arena := wire.NewArena(size)
	options := wire.Options{Arena: always(arena)}
	read := func(n int) wire.Object {
		t.Helper()
		o, err := wire.ReadObject([]byte(`{"x":"`+strings.Repeat("x", n)+`"}`), wire.JSON, options)
		if err != nil || len(o.Data) != n+8 || cap(o.Data) != n+8 {
			t.Fatal(len(o.Data), cap(o.Data), err)
		}
		return o
	}
	first := read(size - 30_000)
	if arena.Full() {
		t.Error("an arena with room for 30 kB is full")
	}
	if large := read(size); inArena(large.Data, first.Data, size) || !arena.Full() {
		t.Errorf("an object that does not fit is in the arena, or the arena is not full: %v", arena.Full())
	}
	if small := read(10); !inArena(small.Data, first.Data, size) || !arena.Full() {
		t.Error("an object that fits is not in the arena, or the arena is no longer full")
	}
	arena.Reset()
	read(size - 1000)
	if !arena.Full() {
		t.Error("an arena with room for 1 kB is not full")
	}
}

// Which arena an object goes into is asked once, when all its bytes have come.
func TestArenaIsAskedForEachObject(t *testing.T) {
	for _, f := range formats {
		arenas := []*wire.Arena{wire.NewArena(1 << 16), nil, wire.NewArena(1 << 16), wire.NewArena(1 << 16)}
		asked := 0
		events, err := readWatch(bytes.NewReader(watchBody(t, f, smallEvents())), f, wire.Options{Arena: func() *wire.Arena {
			asked++
			return arenas[asked-1]
		}})
		if err != io.EOF || asked != len(events) {
			t.Fatalf("%v: %d events, asked %d times: %v", f, len(events), asked, err)
		}
		for i, a := range arenas {
			if a != nil && a.Len() != (len(events[i].Object.Data)+7)&^7 && a.Len() != len(events[i].Object.Data) {
				t.Errorf("%v: %d bytes of arena %d are used for %d", f, a.Len(), i, len(events[i].Object.Data))
			}
		}
	}
}

// Labels without end, of 2 bytes each on the wire, do not make the arena keep memory without end.
func TestLabelsOfAnArenaAreBounded(t *testing.T) {
	const size = 1 << 16
	arena := wire.NewArena(size)
	msg := protobufField(1, bytes.Repeat([]byte("\x5a\x00"), size/4))
	o, err := wire.ReadObject(msg, wire.Protobuf, wire.Options{Arena: always(arena)})
	if err != nil || o.Meta.Labels.Len() != 1 {
		t.Fatal(o.Meta.Labels.Len(), err)
	}
	arena.Reset()
	again, err := wire.ReadObject(msg, wire.Protobuf, wire.Options{Arena: always(arena)})
	if err != nil || again.Meta.Labels.Len() != 1 {
		t.Fatal(again.Meta.Labels.Len(), err)
	}
	if unsafe.SliceData(o.Meta.Labels.Slice()) == unsafe.SliceData(again.Meta.Labels.Slice()) {
		t.Errorf("an arena of %d bytes keeps memory for %d labels", size, size/4)
	}
}

func TestReadingIntoAnArenaAllocatesNothing(t *testing.T) {
	for _, f := range formats {
		data := watchBody(t, f, []event{{"MODIFIED", samplePod()}})
		arena := wire.NewArena(1 << 20)
		w := wire.NewWatchReader(&repeated{data: data}, f, wire.Options{Arena: func() *wire.Arena {
			if arena.Full() {
				arena.Reset()
			}
			return arena
		}})
		next := func() {
			if e, err := w.Next(); err != nil || e.Object.Meta.Labels.Len() != 4 {
				t.Fatal(e, err)
			}
		}
		for range 1000 { // until the window and the labels have grown to what they need
			next()
		}
		if n := testing.AllocsPerRun(1000, next); n != 0 {
			t.Errorf("%v: an event takes %v allocations", f, n)
		}
	}
}
