package store

import (
	"bytes"
	"testing"

	"github.com/skiff-k8s/skiff/wire"
)

// inTurns sets objects of one owner after one of another, so that each needs another base, and finds
// them as they were.
func inTurns(t *testing.T, s *Store, owners, each int) {
	t.Helper()
	var set []wire.Object
	for i := range each {
		for owner := range owners {
			set = append(set, replica(owner, 0, i))
			s.Set(set[len(set)-1])
		}
	}
	for _, o := range set {
		item, _ := s.Get(o.Meta.Key())
		if got, err := item.Object(); err != nil || !bytes.Equal(got.Data, o.Data) {
			t.Fatalf("%s is not what was set: %v", item.Key(), err)
		}
	}
}

func TestBasesThatAreNeededAgainAreAtHand(t *testing.T) {
	s := New(Options{})
	const owners, each = 6, 200
	for owner := range owners {
		for i := range each {
			s.Set(replica(owner, 0, i))
		}
	}
	if n := len(s.atHand.list); n > 0 {
		t.Errorf("after a list, which comes owner by owner, %d bases are at hand", n)
	}
	before := s.Stats().ScratchBytes
	inTurns(t, s, owners, 10)
	if n := len(s.atHand.list); n != owners {
		t.Errorf("%d bases of %d are at hand", n, owners)
	}
	if more := s.Stats().ScratchBytes - before; more < int64(s.atHand.bytes) {
		t.Errorf("%d bytes are at hand, and %d on the books", s.atHand.bytes, more)
	}
	checkBooks(t, s)

	for i := range each {
		s.Delete(replica(0, 0, i).Meta.Key())
	}
	if n := len(s.atHand.list); n != owners-1 {
		t.Errorf("%d bases are at hand, that of an owner without objects among them", n)
	}
	checkBooks(t, s)

	bases := s.atHand.list
	s.Rest()
	for _, at := range bases {
		if at.base.atHand != 0 {
			t.Fatal("a store at rest has bases at hand")
		}
	}
	inTurns(t, s, owners, 10)
	checkBooks(t, s)
}

func TestBasesAtHandAreBounded(t *testing.T) {
	s := New(Options{})
	const owners, each = 300, bornAt + 2
	for range 3 {
		inTurns(t, s, owners, each)
		if room := s.packed / 2; len(s.atHand.list) == 0 || int64(s.atHand.bytes) > room {
			t.Fatalf("%d bases of %d bytes are at hand, where there is room for %d bytes", len(s.atHand.list), s.atHand.bytes, room)
		}
		checkBooks(t, s)
	}
	// Room goes to those that are needed now.
	last := map[*base]bool{}
	for _, at := range s.atHand.list {
		last[at.base] = true
	}
	inTurns(t, s, owners, 1)
	changed := 0
	for _, at := range s.atHand.list {
		if !last[at.base] {
			changed++
		}
	}
	if changed == 0 {
		t.Error("the bases at hand are the same as before, though others were needed")
	}
}

// checkAtHand finds every base at hand as it should be.
func checkAtHand(t *testing.T, s *Store) {
	t.Helper()
	if s.workshop == nil {
		return
	}
	size := 0
	for i, at := range s.atHand.list {
		size += cap(at.text)
		open, _ := at.base.open(nil, nil)
		if at.base.atHand != i+1 || !at.base.known || !bytes.Equal(at.text, open) {
			t.Fatalf("a base at hand is not what it was, or nobody needs it (needed: %v)", at.base.known)
		}
	}
	if size != s.atHand.bytes || size > maxAtHand {
		t.Fatalf("bases at hand have %d bytes on their books, and %d in truth", s.atHand.bytes, size)
	}
}
