package store

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/skiff-k8s/skiff/wire"
)

// object makes an object whose every part is different memory from any other's.
func object(namespace, name, uid, version string) wire.Object {
	return wire.Object{
		Format: wire.JSON, APIVersion: "v1", Kind: "Pod",
		Meta: wire.Meta{Namespace: namespace, Name: name, UID: uid, ResourceVersion: version},
		Data: fmt.Appendf(nil, `{"metadata":{"name":%q,"annotations":{"a":"b-%s"}},"spec":%q}`, name, version, strings.Repeat("much the same ", 20)),
	}
}

func TestAnItemIsWhatWasSet(t *testing.T) {
	random := make([]byte, 5000)
	for i := range random {
		random[i] = byte(rand.Int())
	}
	full := object("ns", "name", "uid", "7")
	full.Meta.Generation, full.Meta.Deleting = 3, true
	full.Meta.Labels = wire.NewLabels(wire.Label{Key: "a", Value: "1"}, wire.Label{Key: "b", Value: ""})
	full.Meta.Owner = wire.Owner{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: "rs", UID: "rs-uid"}
	incompressible := object("", "cluster-scoped", "", "")
	incompressible.Data = random
	empty := wire.Object{Format: wire.Protobuf, Meta: wire.Meta{Name: "empty"}, Data: []byte{}}
	long := object("ns", strings.Repeat("n", 300), strings.Repeat("u", 1<<17), strings.Repeat("9", 1<<17))

	for name, o := range map[string]wire.Object{"full": full, "incompressible": incompressible, "empty": empty, "long": long} {
		t.Run(name, func(t *testing.T) {
			s := New(Options{})
			now, was := s.Set(o)
			if !was.IsZero() {
				t.Error("an empty store had something before")
			}
			got, ok := s.Get(o.Meta.Key())
			if !ok || got != now {
				t.Fatal("Get does not return what Set put there")
			}
			unpacked, err := got.Object()
			if err != nil {
				t.Fatal(err)
			}
			if fmt.Sprintf("%+v", unpacked) != fmt.Sprintf("%+v", o) {
				t.Errorf("got %+v\nset %+v", unpacked, o)
			}
			if got.Key() != o.Meta.Key() || got.Name() != o.Meta.Name || got.UID() != o.Meta.UID ||
				got.ResourceVersion() != o.Meta.ResourceVersion || got.Namespace() != o.Meta.Namespace {
				t.Errorf("metadata differs: %+v", got.Meta())
			}
		})
	}
}

// The store may not refer to the buffer that an object came in.
func TestNothingRefersToWhatWasSet(t *testing.T) {
	s := New(Options{})
	o := object("ns", "name", "uid", "1")
	want := string(o.Data)
	s.Set(o)
	for i := range o.Data {
		o.Data[i] = 'x'
	}
	item, _ := s.Get("ns/name")
	got, _ := item.Object()
	if string(got.Data) != want {
		t.Error("the item changed with the memory it was made of")
	}
	freed := make(chan struct{})
	big := object("ns", "big", "uid", "1")
	big.Data = append(big.Data, make([]byte, 1<<20)...)
	runtime.AddCleanup(&big.Data[0], func(c chan struct{}) { close(c) }, freed)
	s.Set(big)
	big = wire.Object{}
	for range 10 {
		runtime.GC()
		select {
		case <-freed:
			return
		default:
			runtime.Gosched()
		}
	}
	<-freed
}

// Use lends memory; what Object and Annotation return is the caller's.
func TestWhatIsReturnedIsTheCallers(t *testing.T) {
	s := New(Options{})
	item, _ := s.Set(object("ns", "a", "", "1"))
	other, _ := s.Set(object("ns", "b", "", "2"))
	mine, _ := item.Object()
	mine.Data[0] = 'x'
	value, ok := item.Annotation("a")
	for range 100 { // the lent memory is used again
		_ = other.Use(func(o wire.Object) error { clear(o.Data); return nil })
	}
	if !ok || value != "b-1" {
		t.Errorf("the annotation is %q", value)
	}
	if again, _ := item.Object(); again.Data[0] != '{' {
		t.Error("writing to what Object returned changed the item")
	}
	failure := errors.New("mine")
	if err := item.Use(func(wire.Object) error { return failure }); err != failure {
		t.Errorf("Use returned %v", err)
	}
	if err := (Item{}).Use(func(wire.Object) error { return nil }); err == nil {
		t.Error("the zero Item could be used")
	}
}

func touch(s *Store, name, uid, version string) bool {
	return s.Touch(object("ns", name, uid, version))
}

func TestReplaceRemovesWhatWasNotInTheList(t *testing.T) {
	s := New(Options{})
	for _, name := range []string{"gone", "same", "changed", "deleted meanwhile"} {
		s.Set(object("ns", name, "u", "1"))
	}
	s.BeginReplace("")
	touch(s, "gone", "u", "1") // in a list that is broken off
	s.BeginReplace("")
	if !touch(s, "same", "u", "1") {
		t.Error("the same state was not recognised")
	}
	if touch(s, "changed", "u", "2") || touch(s, "same", "other", "1") || touch(s, "new", "u", "1") {
		t.Error("another state was taken for the same")
	}
	s.Set(object("ns", "changed", "u", "2"))
	s.Delete("ns/deleted meanwhile")
	gone := s.EndReplace("")
	if len(gone) != 1 || gone[0].Key() != "ns/gone" {
		t.Errorf("removed %v", gone)
	}
	if got := slices.Sorted(maps.Keys(itemsByKey(s))); !slices.Equal(got, []string{"ns/changed", "ns/same"}) {
		t.Errorf("left are %q", got)
	}
}

// A list shows one moment, and the store can be written to while it is gone over.
func TestAListShowsOneMoment(t *testing.T) {
	s := New(Options{})
	for i := range 100 {
		s.Set(object("ns", fmt.Sprint(i), "u", "1"))
	}
	n := 0
	for item := range s.All() {
		n++
		if item.ResourceVersion() != "1" {
			t.Fatalf("%s shows a later change", item.Key())
		}
		s.Set(object("ns", fmt.Sprint(n%100), "u", "2"))
		s.Set(object("new", fmt.Sprint(n), "u", "2"))
		s.Delete("ns/" + fmt.Sprint(n+1))
	}
	if n != 100 {
		t.Errorf("went over %d items", n)
	}
}

// The function of an index may read the store that it indexes, in every way there is.
func TestAnIndexMayReadTheStore(t *testing.T) {
	s := New(Options{DecodedBytes: -1})
	s.Set(object("ns", "a", "u", "1"))
	err := s.AddIndex("reading", func(i Item) []string {
		s.Stats()
		s.Get("ns/a")
		_, _ = s.ByIndex(NamespaceIndex, "ns")
		_, _, _ = i.Shared(func(o wire.Object) (any, error) { return len(o.Data), nil }, size100)
		return []string{fmt.Sprint(s.Len())}
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Set(object("ns", "b", "u", "1"))
	if values := indexValues(s, "reading"); len(values) != 1 {
		t.Errorf("the index has %q", values)
	}
}

func TestIndexErrors(t *testing.T) {
	s := New(Options{})
	var unknown *UnknownIndexError
	if _, err := s.ByIndex("nothing", ""); !errors.As(err, &unknown) || unknown.Name != "nothing" {
		t.Errorf("got %v", err)
	}
	if err := s.AddIndex(OwnerIndex, func(Item) []string { return nil }); err == nil {
		t.Error("a built-in index could be replaced")
	}
}

// A store costs what is in it, not what was ever in it.
func TestMemoryFollowsWhatIsCached(t *testing.T) {
	heap := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	s := New(Options{})
	round := func(r, n int) {
		for i := range n {
			o := object(fmt.Sprintf("ns-%d-%d", r, i%40), fmt.Sprintf("pod-%d-%d", r, i), fmt.Sprintf("uid-%d-%d", r, i), fmt.Sprint(i))
			o.Meta.Labels = wire.NewLabels(wire.Label{Key: "app", Value: fmt.Sprint(r, i/50)})
			o.Meta.Owner = wire.Owner{UID: fmt.Sprint(r, i/50)}
			s.Set(o)
		}
	}
	const n = 5000
	round(0, n)
	first := heap() - before
	for r := 1; r <= 10; r++ {
		for key := range itemsByKey(s) {
			s.Delete(key)
		}
		round(r, n)
	}
	if after := heap() - before; after > first*13/10 {
		t.Errorf("after ten generations %d objects take %d bytes; the first took %d", s.Len(), after, first)
	}
	for key := range itemsByKey(s) {
		if !strings.HasSuffix(key, "-0") {
			s.Delete(key)
		}
	}
	if after := heap() - before; after > first/10 {
		t.Errorf("%d objects take %d bytes where %d took %d", s.Len(), after, n, first)
	}
	if st := s.Stats(); st.Objects != s.Len() || st.Groups > st.Objects {
		t.Errorf("the books are wrong: %+v", st)
	}
	for key := range itemsByKey(s) {
		s.Delete(key)
	}
	if st := s.Stats(); st != (Stats{ScratchBytes: st.ScratchBytes}) {
		t.Errorf("an empty store has %+v on its books", st)
	}
	runtime.KeepAlive(s)
}

// Whatever happens to it, the store is a map of objects, and its indexes say what follows from it;
// readers meanwhile never see half a change.
func TestAgainstAPlainMap(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { againstAPlainMap(t, rand.New(rand.NewPCG(seed, 1))) })
	}
}

func againstAPlainMap(t *testing.T, r *rand.Rand) {
	// A budget of a few decoded objects, so that they come and go all the time.
	s, plain := New(Options{DecodedBytes: 3000}), map[string]wire.Object{}
	stop := make(chan struct{})
	var readers sync.WaitGroup
	readers.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			read(t, s)
		}
	})
	defer readers.Wait()
	defer close(stop)

	indexes := map[string]func(wire.Meta) []string{
		NamespaceIndex: func(m wire.Meta) []string { return []string{m.Namespace} },
		OwnerIndex: func(m wire.Meta) []string {
			if m.Owner.UID == "" {
				return nil
			}
			return []string{m.Owner.UID}
		},
	}
	key := func() (ns, name string) { return []string{"", "a", "b"}[r.IntN(3)], fmt.Sprint("n", r.IntN(30)) }
	inList := map[string]bool(nil)
	for step := range 400 {
		ns, name := key()
		switch r.IntN(20) {
		default:
			o := object(ns, name, fmt.Sprint("uid", r.IntN(5)), fmt.Sprint(step))
			o.Data = someData(r, o)
			o.Meta.Generation = int64(step)
			o.Meta.Deleting = r.IntN(5) == 0
			var labels []wire.Label
			for i := range r.IntN(3) {
				labels = append(labels, wire.Label{Key: fmt.Sprint("l", i), Value: fmt.Sprint(r.IntN(3))})
			}
			o.Meta.Labels = wire.NewLabels(labels...)
			if r.IntN(2) == 0 {
				o.Meta.Owner = wire.Owner{Kind: "X", UID: fmt.Sprint("owner", r.IntN(4))}
			}
			before, had := plain[o.Meta.Key()]
			now, was := s.Set(o)
			if was.IsZero() == had || had && was.ResourceVersion() != before.Meta.ResourceVersion {
				t.Fatalf("Set said that %q was there before, not %q", was.ResourceVersion(), before.Meta.ResourceVersion)
			}
			if now.ResourceVersion() != o.Meta.ResourceVersion {
				t.Fatal("Set returned another item")
			}
			plain[o.Meta.Key()] = o
			if inList != nil {
				inList[o.Meta.Key()] = true
			}
		case 0, 1, 2:
			k := wire.Meta{Namespace: ns, Name: name}.Key()
			before, had := plain[k]
			last, ok := s.Delete(k)
			if ok != had || last.ResourceVersion() != before.Meta.ResourceVersion {
				t.Fatalf("Delete of %s returned %q, %v", k, last.ResourceVersion(), ok)
			}
			delete(plain, k)
		case 3:
			if inList == nil || r.IntN(2) == 0 {
				s.BeginReplace("")
				inList = map[string]bool{}
				continue
			}
			for k := range plain {
				o := plain[k]
				if r.IntN(2) == 0 {
					if !s.Touch(o) {
						t.Fatalf("%s was not recognised", k)
					}
					inList[k] = true
				}
			}
			var want []string
			for k := range plain {
				if !inList[k] {
					want = append(want, k)
					delete(plain, k)
				}
			}
			var got []string
			for _, item := range s.EndReplace("") {
				got = append(got, item.Key())
			}
			slices.Sort(want)
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Fatalf("a replacement removed %q, not %q", got, want)
			}
			inList = nil
		case 4:
			if len(indexes) < 5 {
				name, f := fmt.Sprint("index", len(indexes)), func(m wire.Meta) []string {
					values := []string{m.Labels.Get("l0"), m.Labels.Get("l1")} // now and then the same twice
					if m.Deleting {
						values = nil
					}
					return values
				}
				indexes[name] = f
				if err := s.AddIndex(name, func(i Item) []string { return f(i.Meta()) }); err != nil {
					t.Fatal(err)
				}
			}
		}
		if step%50 == 0 {
			check(t, s, plain, indexes)
		}
	}
	check(t, s, plain, indexes)
}

// someData is data of every form and length that the store treats in its own way; read finds the
// resourceVersion in it.
func someData(r *rand.Rand, o wire.Object) []byte {
	data := o.Data
	n := []int{0, 0, 0, 0, 0, 0, 0, 0, 1, 100, 2000, 128, maxBase, maxBase + 1, maxNear, maxNear + 1, 70000}[r.IntN(17)]
	for i := 0; i < n; i += 16 {
		switch r.IntN(1 + n%3) {
		case 0:
			data = append(data, "0123456789abcdef"...)
		default:
			data = fmt.Appendf(data, "%016x", r.Uint64())
		}
	}
	if r.IntN(30) == 0 { // what is too small to be packed against anything
		data = fmt.Appendf(nil, `{"metadata":{"annotations":{"a":"b-%s"}}}`, o.Meta.ResourceVersion)
	}
	return data
}

// read reads what there is, and finds each item whole.
func read(t *testing.T, s *Store) {
	for item := range s.Select("a", labels.SelectorFromSet(labels.Set{"l0": "1"})) {
		if item.Namespace() != "a" || item.Labels().Get("l0") != "1" {
			t.Errorf("%s does not belong to the selection", item.Key())
		}
	}
	seen := map[string]bool{}
	for item := range s.All() {
		if seen[item.Key()] {
			t.Errorf("%s is listed twice", item.Key())
		}
		seen[item.Key()] = true
		o, err := item.Object()
		if err != nil || !bytes.Contains(o.Data, []byte("b-"+item.ResourceVersion()+`"`)) {
			t.Errorf("%s is torn: %v", item.Key(), err)
		}
		value, _, err := item.Shared(func(o wire.Object) (any, error) { return string(o.Data), nil }, func(v any) int64 { return int64(len(v.(string))) })
		if err != nil || value.(string) != string(o.Data) {
			t.Errorf("%s is decoded as another state: %v", item.Key(), err)
		}
	}
}

func check(t *testing.T, s *Store, plain map[string]wire.Object, indexes map[string]func(wire.Meta) []string) {
	t.Helper()
	got := map[string]wire.Object{}
	for item := range s.All() {
		o, err := item.Object()
		if err != nil {
			t.Fatal(err)
		}
		got[item.Key()] = o
	}
	if !reflect.DeepEqual(got, plain) {
		t.Fatalf("the store has %d objects that are not the %d of the map", len(got), len(plain))
	}
	if s.Len() != len(plain) {
		t.Fatalf("Len is %d, not %d", s.Len(), len(plain))
	}
	for name, values := range indexes {
		want := map[string][]string{}
		for k, o := range plain {
			vs := values(o.Meta)
			slices.Sort(vs)
			for _, v := range slices.Compact(vs) {
				want[v] = append(want[v], k)
			}
		}
		if found := indexValues(s, name); len(found) != len(want) {
			t.Fatalf("index %s has the values %q, not %d", name, found, len(want))
		}
		for v, keys := range want {
			items, err := s.ByIndex(name, v)
			if err != nil {
				t.Fatal(err)
			}
			var have []string
			for _, i := range items {
				have = append(have, i.Key())
				if i.ResourceVersion() != plain[i.Key()].Meta.ResourceVersion {
					t.Fatalf("index %s finds an old state of %s", name, i.Key())
				}
			}
			slices.Sort(keys)
			slices.Sort(have)
			if !slices.Equal(have, keys) {
				t.Fatalf("index %s finds %q under %q, not %q", name, have, v, keys)
			}
		}
	}
	sets := map[string]bool{}
	for _, o := range plain {
		sets[string(appendOriginID(nil, &o))+string(appendLabelSetID(nil, 0, &o))] = true
	}
	if n := s.byLabels.n; n != len(sets) {
		t.Fatalf("%d label sets are remembered, there are %d", n, len(sets))
	}
	checkBooks(t, s)
}

func BenchmarkSet(b *testing.B) {
	s := New(Options{})
	o := object("ns", "name", "uid", "1")
	o.Meta.Labels = wire.NewLabels(wire.Label{Key: "app", Value: "web"})
	b.ReportAllocs()
	for b.Loop() {
		s.Set(o)
	}
}

// BenchmarkSetOfManyOwners is a flood of changes: owner by owner, so that the base that is needed is
// the one that was, and in turns, so that it never is; and in turns where no base stays at hand.
func BenchmarkSetOfManyOwners(b *testing.B) {
	const owners, each = 100, 50
	var objects []wire.Object
	for owner := range owners {
		for i := range each {
			objects = append(objects, replica(owner, 0, i))
		}
	}
	for _, c := range []struct {
		name string
		step int
		rest bool
	}{{"ownerByOwner", 1, false}, {"inTurns", each + 1, false}, {"inTurnsAndRest", each + 1, true}} {
		b.Run(c.name, func(b *testing.B) {
			s := New(Options{})
			for _, o := range objects {
				s.Set(o)
			}
			at := 0
			for b.Loop() {
				s.Set(objects[at])
				if c.rest {
					s.Rest()
				}
				at = (at + c.step) % len(objects)
			}
		})
	}
}

func BenchmarkGetAndUse(b *testing.B) {
	s := New(Options{})
	s.Set(object("ns", "name", "uid", "1"))
	b.ReportAllocs()
	for b.Loop() {
		item, _ := s.Get("ns/name")
		_ = item.Use(func(wire.Object) error { return nil })
	}
}
