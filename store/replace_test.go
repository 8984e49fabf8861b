package store

import (
	"fmt"
	"strings"
	"testing"

	"github.com/skiff-k8s/skiff/wire"
)

// sized returns an object of a given size in bytes, whose last byte is last.
func sized(format wire.Format, size int, last byte) wire.Object {
	o := object("ns", "name", "uid", "1")
	o.Format = format
	o.Data = append([]byte(strings.Repeat("0123456789abcdef", size/16+1))[:size-1], last)
	return o
}

// A list repeats an object if all of its bytes are the cached ones, at whatever version they are.
func TestTouchComparesTheBytes(t *testing.T) {
	base := object("ns", "name", "uid", "1")
	labelled := base
	labelled.Meta.Labels = wire.NewLabels(wire.Label{Key: "a", Value: "1"})
	with := func(change func(*wire.Object)) wire.Object {
		o := base.Clone()
		change(&o)
		return o
	}
	json := func(data string) wire.Object {
		return with(func(o *wire.Object) { o.Data = []byte(data) })
	}
	const typed, bare = `{"kind":"Pod","apiVersion":"v1","spec":1}`, `{"spec":1}`
	for name, c := range map[string]struct {
		cached, listed wire.Object
		same           bool
	}{
		"nothing changed":               {base, base.Clone(), true},
		"a byte":                        {base, with(func(o *wire.Object) { o.Data[20]++ }), false},
		"the last byte":                 {base, with(func(o *wire.Object) { o.Data[len(o.Data)-2]++ }), false},
		"a byte less":                   {base, with(func(o *wire.Object) { o.Data = o.Data[:len(o.Data)-1] }), false},
		"a byte more":                   {base, with(func(o *wire.Object) { o.Data = append(o.Data, ' ') }), false},
		"the version":                   {base, with(func(o *wire.Object) { o.Meta.ResourceVersion = "2" }), false},
		"the uid":                       {base, with(func(o *wire.Object) { o.Meta.UID = "other" }), false},
		"another key":                   {base, with(func(o *wire.Object) { o.Meta.Name = "other" }), false},
		"a label":                       {base, labelled, false},
		"the API version":               {base, with(func(o *wire.Object) { o.APIVersion = "v2" }), false},
		"the kind":                      {base, with(func(o *wire.Object) { o.Kind = "Node" }), false},
		"the format":                    {base, with(func(o *wire.Object) { o.Format = wire.Protobuf }), false},
		"no version":                    {object("ns", "name", "uid", ""), object("ns", "name", "uid", ""), true},
		"no version, a byte":            {object("ns", "name", "uid", ""), base, false},
		"a watch with type, a list not": {json(typed), json(bare), true},
		"a list without type, a watch":  {json(bare), json(typed), true},
		"without type, and changed":     {json(typed), json(`{"spec":2}`), false},
		"another type":                  {json(typed), json(`{"kind":"Pod","apiVersion":"v2","spec":1}`), false},
		"fields in another order":       {json(`{"a":1,"b":2}`), json(`{"b":2,"a":1}`), false},
		"empty":                         {json(`{}`), json(`{}`), true},
		"protobuf":                      {sized(wire.Protobuf, 500, 'a'), sized(wire.Protobuf, 500, 'a'), true},
		"protobuf, a byte":              {sized(wire.Protobuf, 500, 'a'), sized(wire.Protobuf, 500, 'b'), false},
		"protobuf, a byte less":         {sized(wire.Protobuf, 500, 'a'), sized(wire.Protobuf, 499, 'a'), false},
	} {
		t.Run(name, func(t *testing.T) {
			s := New(Options{})
			s.Set(c.cached)
			s.BeginReplace("")
			if same := s.Touch(c.listed); same != c.same {
				t.Fatalf("Touch returned %v", same)
			}
			if c.same == (len(s.EndReplace("")) == 1) {
				t.Error("an object that Touch recognises is in the list, and no other is")
			}
			checkBooks(t, s)
		})
	}
}

// A relist of unchanged objects stores nothing and allocates nothing, however large it is; what an
// object in maxBuffer takes is used again, and beyond that the memory is given back.
func TestAnUnchangedRelistAllocatesNothing(t *testing.T) {
	const n = 2000
	s := New(Options{})
	for i := range n {
		s.Set(owned(i, 10))
	}
	list := make([]wire.Object, n)
	for i := range list {
		list[i] = owned(i, 10)
	}
	before := s.Stats()
	allocs := testing.AllocsPerRun(5, func() {
		s.BeginReplace("")
		for _, o := range list {
			if !s.Touch(o) {
				t.Fatalf("%s is not recognised", o.Meta.Key())
			}
		}
		if gone := s.EndReplace(""); len(gone) != 0 {
			t.Fatalf("%d objects are gone", len(gone))
		}
	})
	most := float64(n / 100)
	if raceDetector { // under which a sync.Pool drops a part of what it gets
		most = n
	}
	if allocs > most {
		t.Errorf("a relist of %d objects makes %v allocations", n, allocs)
	}
	now := s.Stats()
	now.ScratchBytes = before.ScratchBytes
	if now != before {
		t.Errorf("the relist made\n%+v\nof\n%+v", now, before)
	}
	for _, c := range []struct {
		size int
		kept bool
	}{{maxBuffer - 1, true}, {maxBuffer, true}, {maxBuffer + 1, false}} {
		t.Run(fmt.Sprint(c.size), func(t *testing.T) {
			s := New(Options{})
			s.buffers = new(buffers)
			s.Set(sized(wire.Protobuf, c.size, 'a'))
			if !s.Touch(sized(wire.Protobuf, c.size, 'a')) {
				t.Error("not recognised")
			}
			if kept := s.data != nil; kept != c.kept {
				t.Errorf("the memory is kept: %v", kept)
			}
		})
	}
}
