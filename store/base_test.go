package store

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/skiff-k8s/skiff/wire"
)

// replica is an object as an owner has many: nearly the same as the others of its template.
func replica(owner, template, i int) wire.Object {
	shared := rand.New(rand.NewPCG(uint64(owner), uint64(template)))
	var b strings.Builder
	fmt.Fprintf(&b, `{"metadata":{"name":"r-%d-%d","uid":"%032x"},"spec":{`, owner, i, rand.Uint64())
	for e := range 40 {
		fmt.Fprintf(&b, `"SETTING_%02d":"%016x-%016x",`, e, shared.Uint64(), shared.Uint64())
	}
	fmt.Fprintf(&b, `"ip":"10.0.%d.%d"}}`, i/250, i%250)
	return wire.Object{
		Format: wire.JSON, APIVersion: "v1", Kind: "Pod", Data: []byte(b.String()),
		Meta: wire.Meta{
			Namespace: "ns", Name: fmt.Sprintf("r-%d-%d", owner, i), UID: fmt.Sprint(owner, "/", i), ResourceVersion: "1",
			Labels: wire.NewLabels(wire.Label{Key: "owner", Value: fmt.Sprint(owner)}),
			Owner:  wire.Owner{Kind: "ReplicaSet", UID: fmt.Sprint("owner-", owner)},
		},
	}
}

// What siblings have in common is kept once.
func TestSiblingsArePackedAgainstEachOther(t *testing.T) {
	s := New(Options{})
	const owners, each = 20, 25
	for owner := range owners {
		for i := range each {
			s.Set(replica(owner, 0, i))
		}
	}
	st := s.Stats()
	if perObject := st.PackedBytes / owners / each; perObject > 130 {
		t.Errorf("an object of %d bytes takes %d", st.RawBytes/owners/each, perObject)
	}
	if st.Bases != owners+1 { // and the root
		t.Errorf("%d owners have %d bases", owners, st.Bases)
	}
	checkBooks(t, s)
	// The first of each owner came before there was a base.
	for item := range s.All() {
		if len(item.state) > 250 {
			t.Errorf("%s still takes %d bytes", item.Key(), len(item.state))
		}
		o, err := item.Object()
		if err != nil || !strings.Contains(string(o.Data), item.Name()) {
			t.Errorf("%s is not what it was: %v", item.Key(), err)
		}
	}
}

// Container IDs, checksums and UIDs are random digits, and take half of their length: in an object and
// in a base.
func TestDigitsTakeHalfOfTheirLength(t *testing.T) {
	const each, ids, digits = 20, 10, 64
	with, without := New(Options{}), New(Options{})
	for i := range each {
		o := replica(0, 0, i)
		without.Set(o)
		for range ids {
			o.Data = fmt.Appendf(o.Data, `{"id":"%016x%016x%016x%016x"}`, rand.Uint64(), rand.Uint64(), rand.Uint64(), rand.Uint64())
		}
		item, _ := with.Set(o)
		if got, err := item.Object(); err != nil || string(got.Data) != string(o.Data) {
			t.Fatalf("%s is not what was set: %v", item.Key(), err)
		}
	}
	a, b := with.Stats(), without.Stats()
	const more = ids * (digits/2 + 8) // and what it takes to say where they are
	if perObject := (a.PackedBytes - b.PackedBytes) / each; perObject > more {
		t.Errorf("%d IDs of %d digits take %d bytes", ids, digits, perObject)
	}
	for item := range with.All() {
		b := item.common.base
		if n, size := hidden(b, "data").Len(), int(hidden(b, "size").Uint()); n > size*3/4 || !hidden(b, "halved").Bool() {
			t.Errorf("a base of %d bytes takes %d", size, n)
		}
	}
	checkBooks(t, with)
}

// An owner with fewer objects than a base is worth has none; objects that nobody owns share one by
// their labels, or else by their namespace.
func TestWhoHasABase(t *testing.T) {
	unowned := func(labels string, i int) wire.Object {
		o := replica(7, 0, i)
		o.Meta.Name += labels
		o.Meta.Owner, o.Meta.Labels = wire.Owner{}, wire.Labels{}
		if labels != "" {
			o.Meta.Labels = wire.NewLabels(wire.Label{Key: "app", Value: labels})
		}
		return o
	}
	for name, c := range map[string]struct {
		objects []wire.Object
		bases   int
	}{
		"none":                   {nil, 0},
		"one":                    {[]wire.Object{replica(0, 0, 0)}, 1},
		"three of an owner":      {[]wire.Object{replica(0, 0, 0), replica(0, 0, 1), replica(0, 0, 2)}, 1},
		"four of an owner":       {[]wire.Object{replica(0, 0, 0), replica(0, 0, 1), replica(0, 0, 2), replica(0, 0, 3)}, 2},
		"four of four owners":    {[]wire.Object{replica(0, 0, 0), replica(1, 0, 1), replica(2, 0, 2), replica(3, 0, 3)}, 1},
		"four of one label":      {[]wire.Object{unowned("a", 0), unowned("a", 1), unowned("a", 2), unowned("a", 3)}, 2},
		"four of several labels": {[]wire.Object{unowned("a", 0), unowned("b", 1), unowned("c", 2), unowned("d", 3)}, 2},
		"four without labels":    {[]wire.Object{unowned("", 0), unowned("", 1), unowned("", 2), unowned("", 3)}, 2},
		"small ones":             {[]wire.Object{object("ns", "a", "", "1")}, 1},
		"one too large for one":  {[]wire.Object{func() wire.Object { o := replica(0, 0, 0); o.Data = make([]byte, maxBase+1); return o }()}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := New(Options{})
			for _, o := range c.objects {
				s.Set(o)
			}
			if n := s.Stats().Bases; n != c.bases {
				t.Errorf("there are %d bases, not %d", n, c.bases)
			}
			checkBooks(t, s)
			for _, o := range c.objects {
				s.Delete(o.Meta.Key())
			}
			if st := s.Stats(); st.Bases != 0 || st.BaseBytes != 0 {
				t.Errorf("an empty store has %d bases of %d bytes", st.Bases, st.BaseBytes)
			}
		})
	}
}

// A DaemonSet stays the owner of its Pods while their template changes, again and again: the base
// follows, and old bases go with the objects that need them.
func TestTheBaseFollowsItsObjects(t *testing.T) {
	s := New(Options{})
	const each = 40
	size := func() int64 { return s.Stats().PackedBytes / each }
	for i := range each {
		s.Set(replica(0, 0, i))
	}
	first := size()
	for template := 1; template < 6; template++ {
		for round := range 4 {
			for i := range each {
				o := replica(0, template, i)
				o.Meta.ResourceVersion = fmt.Sprint(template, round)
				s.Set(o)
				if n := s.Stats().Bases; n > 3 { // root, now, before
					t.Fatalf("an owner has %d bases", n)
				}
			}
			checkBooks(t, s)
		}
		if now := size(); now > 2*first {
			t.Errorf("template %d: an object takes %d bytes, at first it took %d", template, now, first)
		}
	}
}

// The Pods of a rollout are pending when they are first seen, without a status to speak of. What they
// cost in the end is what they would cost had they come as they are then.
func TestARolloutEndsAsSmallAsAList(t *testing.T) {
	const each = 50
	running := func(i int) wire.Object {
		o := replica(0, 0, i)
		o.Data = append(o.Data[:len(o.Data)-1:len(o.Data)-1], `,"status":{`...)
		for c := range 12 {
			o.Data = fmt.Appendf(o.Data, `"condition-%02d":{"status":"True","reason":"%x"},`, c, 1<<(c+30))
		}
		o.Data = append(o.Data, "}}"...)
		return o
	}
	list, rollout := New(Options{}), New(Options{})
	for i := range each {
		list.Set(running(i))
	}
	for i := range each + 8 { // each runs when eight more have been made
		if i < each {
			rollout.Set(replica(0, 0, i))
		}
		if i >= 8 {
			rollout.Set(running(i - 8))
		}
	}
	a, b := list.Stats(), rollout.Stats()
	if b.PackedBytes > a.PackedBytes*11/10 || b.BaseBytes > a.BaseBytes*11/10 {
		t.Errorf("after a rollout the objects take %d bytes and their bases %d; listed they take %d and %d",
			b.PackedBytes, b.BaseBytes, a.PackedBytes, a.BaseBytes)
	}
	checkBooks(t, rollout)
}

// An item reads the same for ever, whatever became of what it was packed against.
func TestAnItemOutlivesItsBase(t *testing.T) {
	s := New(Options{})
	var items []Item
	var want []string
	for i := range 10 {
		o := replica(0, 0, i)
		item, _ := s.Set(o)
		items, want = append(items, item), append(want, string(o.Data))
	}
	last := replica(0, 0, 11)
	items, want = append(items, s.Pack(last)), append(want, string(last.Data))
	for i := range 10 {
		s.Delete(items[i].Key())
	}
	for i := range 10 {
		s.Set(replica(1, 1, i))
	}
	for i, item := range items {
		if o, err := item.Object(); err != nil || string(o.Data) != want[i] {
			t.Errorf("%s is not what it was: %v", item.Key(), err)
		}
	}
	checkBooks(t, s)
}

// A store that rests holds no memory to pack with, and packs as well when it is needed again.
func TestAStoreThatRests(t *testing.T) {
	s := New(Options{})
	s.Rest()
	for i := range 30 {
		o := replica(0, 0, i)
		item, _ := s.Set(o)
		if s.Stats().ScratchBytes == 0 {
			t.Fatal("a store that packs has no memory for it on its books")
		}
		s.Rest()
		s.Rest()
		if n := s.Stats().ScratchBytes; n != 0 {
			t.Fatalf("a store that rests holds %d bytes to pack with", n)
		}
		if got, err := item.Object(); err != nil || string(got.Data) != string(o.Data) {
			t.Fatalf("%s is not what was set: %v", item.Key(), err)
		}
		if i > 5 && len(item.state) > 250 {
			t.Errorf("%s takes %d bytes", item.Key(), len(item.state))
		}
	}
	checkBooks(t, s)
}

// Objects that have little in common are packed by themselves, at little more than that costs.
func TestABaseThatDoesNotHelpIsLeftAlone(t *testing.T) {
	s := New(Options{})
	r := rand.New(rand.NewPCG(1, 1))
	tried := 0
	const n = 400
	for i := range n {
		o := replica(0, 0, i)
		o.Data = nil
		for range 60 {
			o.Data = fmt.Appendf(o.Data, "%016x address: ", r.Uint64())
		}
		const formMask, formNear = 3, 2 // package pack
		if item, _ := s.Set(o); item.handle().Bytes[0]&formMask == formNear {
			tried++
		}
	}
	if tried > n/4 {
		t.Errorf("%d of %d objects are packed against a base that does not help", tried, n)
	}
}

// Pack stores nothing: the last state of a deleted object leaves no count behind, even if packing it
// shows that a base does not resemble the objects any more.
func TestPackLeavesNoCountBehind(t *testing.T) {
	s := New(Options{})
	const each = 4
	for i := range each {
		s.Set(replica(0, 0, i))
	}
	for i := range each { // too large for a base from here on, so that only the scope needs it
		o := replica(0, 0, i)
		o.Data = append(o.Data, make([]byte, maxNear)...)
		s.Set(o)
	}
	for i := range 200 {
		s.Pack(replica(0, i/16, i)) // of another template soon
	}
	if n := s.Stats().Bases; n != 1 {
		t.Errorf("there are %d bases, and only the root is left", n)
	}
	checkBooks(t, s)
	for item := range s.All() {
		s.Delete(item.Key())
	}
	if st := s.Stats(); st.Bases != 0 || st.BaseBytes != 0 {
		t.Errorf("an empty store has %d bases of %d bytes on its books", st.Bases, st.BaseBytes)
	}
}
