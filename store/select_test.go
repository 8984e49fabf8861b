package store

import (
	"fmt"
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/skiff-k8s/skiff/wire"
)

// selecting is a selector that calls a function each time that it is asked.
type selecting struct {
	labels.Selector
	f func(labels.Labels)
}

func (s selecting) Matches(l labels.Labels) bool { s.f(l); return s.Selector.Matches(l) }

func labelled(name, app string) wire.Object {
	o := object("ns", name, "u-"+name, "1")
	o.Meta.Labels = wire.NewLabels(wire.Label{Key: "app", Value: app})
	return o
}

// A selector is asked without a lock, so it may read and write the store. What it writes is in the
// list, as the store is when it has been asked.
func TestASelectorMayUseTheStore(t *testing.T) {
	web, err := labels.Parse("app=web")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		write func(*Store)
		want  string
	}{
		"nothing":                              {func(*Store) {}, "[ns/a ns/b]"},
		"one more of known labels":             {func(s *Store) { s.Set(labelled("d", "web")) }, "[ns/a ns/b ns/d]"},
		"one more of labels not yet asked for": {func(s *Store) { s.Set(labelled("d", "new")) }, "[ns/a ns/b]"},
		"one more of labels that match": {func(s *Store) {
			o := labelled("d", "web")
			o.Meta.Owner = wire.Owner{UID: "owner"} // other siblings, so another label set
			s.Set(o)
		}, "[ns/a ns/b ns/d]"},
		"one less":             {func(s *Store) { s.Delete("ns/b") }, "[ns/a]"},
		"the last of its kind": {func(s *Store) { s.Delete("ns/c") }, "[ns/a ns/b]"},
		"another label": {func(s *Store) {
			o := labelled("b", "db")
			o.Meta.ResourceVersion = "2"
			s.Set(o)
		}, "[ns/a]"},
		"all gone":    {func(s *Store) { s.Delete("ns/a"); s.Delete("ns/b"); s.Delete("ns/c") }, "[]"},
		"a new index": {func(s *Store) { _ = s.AddIndex("i", func(Item) []string { return nil }) }, "[ns/a ns/b]"},
		"other reads": {func(s *Store) { _ = s.Items(); _, _ = s.Get("ns/a"); _ = s.Stats() }, "[ns/a ns/b]"},
	} {
		for _, namespace := range []string{"", "ns"} {
			t.Run(fmt.Sprint(name, "/", namespace), func(t *testing.T) {
				s := New(Options{})
				for _, o := range []wire.Object{labelled("a", "web"), labelled("b", "web"), labelled("c", "db")} {
					s.Set(o)
				}
				asked := 0
				var found []string
				for item := range s.Select(namespace, selecting{web, func(labels.Labels) {
					if asked++; asked == 1 {
						c.write(s)
					}
				}}) {
					found = append(found, item.Key())
				}
				slices.Sort(found)
				if got := fmt.Sprint(found); got != c.want {
					t.Errorf("found %s, want %s", got, c.want)
				}
				if asked > 5 {
					t.Errorf("the selector was asked %d times; there were five label sets at most", asked)
				}
				checkBooks(t, s)
			})
		}
	}
}

// A function of an index cannot add an index, to no store: it would wait for itself.
func TestAnIndexFunctionCannotAddAnIndex(t *testing.T) {
	s, other := New(Options{}), New(Options{})
	none := func(Item) []string { return nil }
	var deep func(n int) []error
	deep = func(n int) []error { // the call is far down the stack
		if n > 0 {
			return deep(n - 1)
		}
		return []error{s.AddIndex("second", none), other.AddIndex("second", none)}
	}
	for _, depth := range []int{0, 1, 50, 62, 63, 64, 65, 300} {
		var errs []error
		err := s.AddIndex(fmt.Sprint("first ", depth), func(Item) []string {
			errs = append(errs, deep(depth)...)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		s.Set(object("ns", fmt.Sprint(depth), "u", "1"))
		if len(errs) < 2 || slices.Contains(errs, nil) {
			t.Errorf("at depth %d the errors are %v", depth, errs)
		}
	}
	if err := s.AddIndex("second", none); err != nil {
		t.Error(err)
	}
}
