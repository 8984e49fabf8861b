package informer

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/skiff-k8s/skiff/store"
	"github.com/skiff-k8s/skiff/wire"
)

// packer makes items with ever new resourceVersions.
type packer struct {
	store   *store.Store
	version int
}

func newPacker() *packer { return &packer{store: store.New(store.Options{})} }

func (p *packer) item(key, uid string) store.Item {
	p.version++
	return p.store.Pack(wire.Object{
		Format: wire.JSON,
		Meta:   wire.Meta{Name: key, UID: uid, ResourceVersion: fmt.Sprint(p.version)},
		Data:   []byte(`{}`),
	})
}

// takeAll empties a queue.
func takeAll(q *queue) (all []event) {
	var batch [processorBatch]event
	for {
		n := q.take(batch[:])
		if n == 0 {
			return all
		}
		all = append(all, batch[:n]...)
	}
}

func TestUpToTheBoundEveryChangeIsTold(t *testing.T) {
	p, q := newPacker(), newQueue()
	last := p.item("hot", "u")
	q.push(event{kind: eventAdd, new: last})
	for range lagBound {
		next := p.item("hot", "u")
		q.push(event{kind: eventUpdate, old: last, new: next})
		last = next
	}
	if n := len(takeAll(q)); n != lagBound+1 {
		t.Errorf("of %d changes %d are told", lagBound+1, n)
	}
}

func TestBeyondTheBoundAKeysChangesAreOne(t *testing.T) {
	p, q := newPacker(), newQueue()
	last := p.item("hot", "u")
	first := last
	for range 100 * lagBound {
		next := p.item("hot", "u")
		q.push(event{kind: eventUpdate, old: last, new: next})
		last = next
	}
	if n := q.len(); n > lagBound+1 {
		t.Errorf("%d events of one key wait", n)
	}
	at := first
	for _, e := range takeAll(q) {
		if e.old != at {
			t.Fatalf("an update begins at version %s, the one before ended at %s", e.old.ResourceVersion(), at.ResourceVersion())
		}
		at = e.new
	}
	if at != last {
		t.Error("the last state was not told")
	}
}

// A handler that is stuck for good while objects come and go costs what exists and what it knows of.
func TestAStuckHandlerCostsNoMoreThanWhatExists(t *testing.T) {
	p, q := newPacker(), newQueue()
	for i := range 200 * lagBound {
		item := p.item(fmt.Sprint("short-lived-", i), fmt.Sprint(i))
		q.push(event{kind: eventAdd, new: item}, event{kind: eventDelete, old: item})
	}
	if n := q.len(); n > 2*lagBound+2 {
		t.Errorf("%d events wait of objects that do not exist", n)
	}
	if n := cap(q.events); n > 16*lagBound {
		t.Errorf("the queue has room for %d events", n)
	}
	if n := len(q.last); n > 2*lagBound+2 {
		t.Errorf("%d keys are remembered", n)
	}
	takeAll(q)
	if q.last != nil || cap(q.events) > idleQueue || q.stale != 0 || q.dead != 0 {
		t.Errorf("a queue that caught up keeps %d keys and room for %d events (%d stale, %d dead)", len(q.last), cap(q.events), q.stale, q.dead)
	}
}

// Whatever happens and whenever the handler gets to it: what it is told of a key is legal,
// contiguous, and ends at the state that is.
func TestAQueueTellsLegalHistories(t *testing.T) {
	for seed := range uint64(10) {
		r := rand.New(rand.NewPCG(seed, 2))
		p, q := newPacker(), newQueue()
		exists, told := map[string]store.Item{}, map[string]store.Item{}
		tell := func(e event) {
			key := e.key()
			at, known := told[key]
			switch {
			case e.kind == eventAdd && !known:
				told[key] = e.new
			case e.kind == eventUpdate && known && at == e.old:
				told[key] = e.new
			case e.kind == eventSync && known && at == e.new:
			case e.kind == eventDelete && known && at.UID() == e.old.UID():
				delete(told, key)
			default:
				t.Fatalf("seed %d: told %+v of %s where the handler knew %q", seed, e.kind, key, at.ResourceVersion())
			}
		}
		for range 20000 {
			key := fmt.Sprint(r.IntN(50) * r.IntN(50))
			at, ok := exists[key]
			switch n := r.IntN(100); {
			case n == 0: // the handler gets to it, for a while
				batch := make([]event, r.IntN(2000)+1)
				for _, e := range batch[:q.take(batch)] {
					tell(e)
				}
			case n == 1:
				for _, item := range exists {
					q.push(event{kind: eventSync, old: item, new: item})
				}
			case !ok:
				exists[key] = p.item(key, fmt.Sprint("uid", p.version))
				q.push(event{kind: eventAdd, new: exists[key]})
			case n < 70:
				next := p.item(key, at.UID())
				exists[key] = next
				q.push(event{kind: eventUpdate, old: at, new: next})
			default:
				delete(exists, key)
				q.push(event{kind: eventDelete, old: at})
			}
		}
		for _, e := range takeAll(q) {
			tell(e)
		}
		if fmt.Sprint(told) != fmt.Sprint(exists) {
			t.Fatalf("seed %d: the handler knows %d objects, %d exist", seed, len(told), len(exists))
		}
	}
}

func BenchmarkQueue(b *testing.B) {
	p, q := newPacker(), newQueue()
	old, now := p.item("a", "u"), p.item("a", "u")
	var batch [processorBatch]event
	b.ReportAllocs()
	for b.Loop() {
		q.push(event{kind: eventUpdate, old: old, new: now})
		q.take(batch[:1])
	}
}
