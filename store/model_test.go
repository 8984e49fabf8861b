package store

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/skiff-k8s/skiff/wire"
)

// The store is a map also where numbers are used again and given anew: thousands of objects come,
// change their labels and owners, and go in masses, one by one and by lists.
func TestAgainstAPlainMapOfThousands(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			m := newModel(t, rand.New(rand.NewPCG(seed, 2)))
			for range 14 {
				m.step()
				m.check()
			}
			m.empty()
		})
	}
}

// model is a store beside a map that ought to hold the same.
type model struct {
	t     *testing.T
	r     *rand.Rand
	s     *Store
	plain map[string]wire.Object
	keys  []string // that plain may have
	next  int      // resourceVersion

	kept map[Item]string // items that were read at some time, and the data that they stand for
}

// byPlace and byColours are indexes: of one value an object or none, and of several.
func byPlace(i Item) []string   { return placeOf(i.Labels()) }
func byColours(i Item) []string { return coloursOf(i.Meta()) }

func placeOf(l wire.Labels) []string {
	if place, ok := l.Lookup("place"); ok {
		return []string{place}
	}
	return nil
}

func coloursOf(m wire.Meta) (colours []string) {
	for n := range m.Generation % 5 {
		colours = append(colours, fmt.Sprint("c", (m.Generation/5+n*7)%97), "all")
	}
	if m.Generation%11 == 0 {
		colours = append(colours, m.Name)
	}
	return colours
}

func newModel(t *testing.T, r *rand.Rand) *model {
	m := &model{t: t, r: r, s: New(Options{DecodedBytes: 10_000}), plain: map[string]wire.Object{}, kept: map[Item]string{}}
	for i := range 2500 {
		m.keys = append(m.keys, wire.Meta{Namespace: []string{"", "a", "b", "c"}[i%4], Name: fmt.Sprint("n", i/4)}.Key())
	}
	m.index("place", byPlace)
	return m
}

func (m *model) index(name string, f func(Item) []string) {
	if err := m.s.AddIndex(name, f); err != nil {
		m.t.Fatal(err)
	}
}

// object returns a random state of an object.
func (m *model) object(key string) wire.Object {
	namespace, name := "", key
	if key[1] == '/' {
		namespace, name = key[:1], key[2:]
	}
	m.next++
	owner := m.r.IntN(60)
	if m.r.IntN(3) == 0 {
		owner = m.r.IntN(1000)
	}
	o := replica(owner, m.r.IntN(2), m.next)
	o.Meta = wire.Meta{
		Namespace: namespace, Name: name, UID: fmt.Sprintf("%08x-0000-0000-0000-000000000000", m.next),
		ResourceVersion: fmt.Sprint(m.next), Generation: int64(m.r.IntN(500)), Deleting: m.r.IntN(10) == 0,
	}
	if before, ok := m.plain[key]; ok && m.r.IntN(3) > 0 {
		o.Meta.UID, o.Meta.Deleting = before.Meta.UID, before.Meta.Deleting
		if m.r.IntN(2) == 0 {
			o.Meta.Labels, o.Meta.Owner = before.Meta.Labels, before.Meta.Owner
			return o
		}
	}
	if owner%3 > 0 {
		o.Meta.Owner = wire.Owner{Kind: "ReplicaSet", UID: fmt.Sprint("owner-", owner)}
	}
	switch m.r.IntN(4) {
	case 0:
		o.Meta.Labels = wire.NewLabels(wire.Label{Key: "place", Value: fmt.Sprint(m.r.IntN(1000))})
	case 1, 2:
		o.Meta.Labels = wire.NewLabels(wire.Label{Key: "place", Value: "here"}, wire.Label{Key: "owner", Value: fmt.Sprint(owner)})
	}
	if m.r.IntN(50) == 0 {
		o.Kind, o.Format = "Other", wire.Protobuf
	}
	return o
}

func (m *model) set(key string) {
	before, had := m.plain[key]
	o := m.object(key)
	now, was := m.s.Set(o)
	if was.IsZero() == had || had && was.ResourceVersion() != before.Meta.ResourceVersion || now.ResourceVersion() != o.Meta.ResourceVersion {
		m.t.Fatalf("Set of %s returned %q and %q", key, now.ResourceVersion(), was.ResourceVersion())
	}
	m.plain[key] = o
	m.keep(now, o)
	if had {
		m.keep(was, before)
	}
}

func (m *model) delete(key string) {
	before, had := m.plain[key]
	last, ok := m.s.Delete(key)
	if ok != had || had && last.ResourceVersion() != before.Meta.ResourceVersion {
		m.t.Fatalf("Delete of %s returned %q, %v", key, last.ResourceVersion(), ok)
	}
	delete(m.plain, key)
	if had {
		m.keep(last, before)
		if m.r.IntN(20) == 0 {
			m.keep(m.s.Pack(before), before)
		}
	}
}

// keep remembers a few items.
func (m *model) keep(item Item, o wire.Object) {
	if m.r.IntN(20) == 0 {
		m.kept[item] = string(o.Data)
	}
}

// some returns a share of the keys, in a random order.
func (m *model) some(share float64) []string {
	keys := slices.Clone(m.keys)
	m.r.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
	return keys[:int(share*float64(len(keys)))]
}

// step changes very much at once.
func (m *model) step() {
	if m.s.index("colours") == nil && m.r.IntN(4) == 0 {
		m.index("colours", byColours)
	}
	switch m.r.IntN(6) {
	case 0, 1:
		for _, key := range m.some(m.r.Float64()) {
			m.set(key)
		}
	case 2:
		for _, key := range m.some(0.7 + 0.3*m.r.Float64()) {
			m.delete(key)
		}
	case 3:
		for _, key := range m.some(0.5) {
			if m.r.IntN(3) == 0 {
				m.delete(key)
			} else {
				m.set(key)
			}
		}
	case 4:
		m.list(m.r.Float64())
	case 5:
		m.list([]float64{0, 0.01, 0.1}[m.r.IntN(3)])
		if m.r.IntN(2) == 0 {
			m.s.Rest()
		}
	}
}

// list replaces all by a share of it, part of it changed. Deletions come in between, and lists that
// are given up.
func (m *model) list(share float64) {
	inList := map[string]bool{}
	m.s.BeginReplace("")
	for _, key := range m.some(share) {
		if len(inList) > 0 && m.r.IntN(500) == 0 {
			clear(inList)
			m.s.BeginReplace("")
		}
		o, had := m.plain[key]
		if had && m.r.IntN(2) == 0 {
			if !m.s.Touch(o) {
				m.t.Fatalf("%s is not recognised", key)
			}
		} else {
			m.set(key)
		}
		inList[key] = true
	}
	if m.r.IntN(2) == 0 {
		for _, key := range m.some(0.8) {
			m.delete(key)
		}
	}
	var want, got []string
	for key := range m.plain {
		if !inList[key] {
			want = append(want, key)
		}
	}
	for _, item := range m.s.EndReplace("") {
		got = append(got, item.Key())
		m.keep(item, m.plain[item.Key()])
		delete(m.plain, item.Key())
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		m.t.Fatalf("a list removed %d objects, not %d", len(got), len(want))
	}
}

func (m *model) check() {
	m.t.Helper()
	check(m.t, m.s, m.plain, m.indexes())
	for _, namespace := range []string{"", "a"} {
		for _, selector := range []labels.Selector{nil, labels.SelectorFromSet(labels.Set{"place": "here"})} {
			want, got := 0, 0
			for _, o := range m.plain {
				if (namespace == "" || o.Meta.Namespace == namespace) && (selector == nil || selector.Matches(o.Meta.Labels)) {
					want++
				}
			}
			for item := range m.s.Select(namespace, selector) {
				if got++; m.plain[item.Key()].Meta.ResourceVersion != item.ResourceVersion() {
					m.t.Fatalf("Select returns an old state of %s", item.Key())
				}
			}
			if got != want {
				m.t.Fatalf("Select of %q and %v returns %d items, not %d", namespace, selector, got, want)
			}
		}
	}
	for item, data := range m.kept {
		if o, err := item.Object(); err != nil || string(o.Data) != data {
			m.t.Fatalf("an item of %s that was kept is another: %v", item.Key(), err)
		}
	}
	for key, o := range m.plain {
		if item, ok := m.s.Get(key); !ok || item.UID() != o.Meta.UID || item.Meta().Owner != o.Meta.Owner || !item.Labels().Equal(o.Meta.Labels) {
			m.t.Fatalf("Get of %s returns %+v", key, item.Meta())
		}
	}
}

func (m *model) indexes() map[string]func(wire.Meta) []string {
	indexes := map[string]func(wire.Meta) []string{
		NamespaceIndex: func(m wire.Meta) []string { return []string{m.Namespace} },
		OwnerIndex: func(m wire.Meta) []string {
			if m.Owner.UID == "" {
				return nil
			}
			return []string{m.Owner.UID}
		},
		"place": func(m wire.Meta) []string { return placeOf(m.Labels) },
	}
	if m.s.index("colours") != nil {
		indexes["colours"] = coloursOf
	}
	return indexes
}

// empty takes out everything that is left, and finds nothing behind.
func (m *model) empty() {
	if m.r.IntN(2) == 0 {
		m.list(0)
	}
	for key := range maps.Clone(m.plain) {
		m.delete(key)
	}
	m.check()
	m.s.Rest()
	st := m.s.Stats()
	st.Hits, st.Misses = 0, 0
	if st != (Stats{}) || len(m.s.kinds) != 0 || m.s.sets.len() != 0 || m.s.siblings.len() != 0 {
		m.t.Errorf("an empty store has %+v", st)
	}
	if room := m.s.entries.room() + len(m.s.sets.at) + len(m.s.siblings.at); room > 3*(shrinkAbove+1) {
		m.t.Errorf("an empty store has room for %d", room)
	}
}
