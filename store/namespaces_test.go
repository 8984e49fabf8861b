package store

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/skiff-k8s/skiff/wire"
)

// The lists of several namespaces, taken in at a time: each removes the objects of its own namespace
// only, whatever happens to the others meanwhile.
func TestListsOfNamespaces(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 9))
			s := New(Options{})
			version := 0
			of := func(namespace, name string, value int) wire.Object {
				return object(namespace, name, "uid-"+name, fmt.Sprint(value))
			}
			have := map[string]int{}               // the value by key
			inList := map[string]map[string]bool{} // what has come of the list of a namespace
			namespaces := []string{"a", "b", "c"}
			for range 3000 {
				namespace := namespaces[r.IntN(3)]
				name := fmt.Sprint("o", r.IntN(40))
				key := namespace + "/" + name
				switch r.IntN(12) {
				case 0:
					s.BeginReplace(namespace)
					inList[namespace] = map[string]bool{}
				case 1:
					var want []string
					for key := range have {
						if listed, ok := inList[namespace]; ok && key[:1] == namespace && !listed[key] {
							want = append(want, key)
						}
					}
					var gone []string
					for _, item := range s.EndReplace(namespace) {
						gone = append(gone, item.Key())
						delete(have, item.Key())
					}
					delete(inList, namespace)
					slices.Sort(want)
					slices.Sort(gone)
					if !slices.Equal(gone, want) {
						t.Fatalf("the list of %s removed %v, not %v", namespace, gone, want)
					}
				case 2, 3:
					s.Delete(key)
					delete(have, key)
					delete(inList[namespace], key)
				case 4:
					s.Rest()
				case 5, 6, 7:
					value, ok := have[key]
					if !ok {
						continue
					}
					if !s.Touch(of(namespace, name, value)) {
						t.Fatalf("%s is not recognised", key)
					}
					if listed := inList[namespace]; listed != nil {
						listed[key] = true
					}
				default:
					version++
					s.Set(of(namespace, name, version))
					have[key] = version
					if listed := inList[namespace]; listed != nil {
						listed[key] = true
					}
				}
			}
			var keys []string
			for _, namespace := range namespaces {
				items := s.ItemsOf(namespace)
				for _, item := range items {
					if item.Namespace() != namespace {
						t.Errorf("ItemsOf(%q) has %s", namespace, item.Key())
					}
					keys = append(keys, item.Key())
				}
			}
			slices.Sort(keys)
			if want := slices.Sorted(maps.Keys(have)); !slices.Equal(keys, want) || len(s.ItemsOf("")) != len(want) {
				t.Errorf("the store has %v, not %v", keys, want)
			}
			checkBooks(t, s)
		})
	}
}

// A list that has ended leaves nothing behind, in whichever order lists begin and end: neither what it
// noted, nor that there is one, for a further EndReplace would delete objects.
func TestAListThatEndedLeavesNothing(t *testing.T) {
	for _, order := range [][]string{{"a"}, {"a", "b"}, {"b", "a"}, {"b", "c", "a"}} {
		s := New(Options{})
		for _, namespace := range []string{"a", "b", "c"}[:len(order)] {
			s.BeginReplace(namespace)
			s.BeginReplace(namespace)
		}
		for i, namespace := range order {
			if want := len(order) - i; len(s.replacing) != want {
				t.Errorf("%q: before the end of %s %q are taken in, want %d", order, namespace, s.replacing, want)
			}
			s.Set(object(namespace, "listed", "uid-"+namespace, "1"))
			if gone := s.EndReplace(namespace); len(gone) != 0 {
				t.Errorf("%q: %d objects are gone", order, len(gone))
			}
		}
		if s.replacing != nil || s.inList != nil {
			t.Errorf("%q: %q and %d words of notes are left", order, s.replacing, len(s.inList))
		}
	}
}
