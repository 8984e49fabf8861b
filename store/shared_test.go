package store

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/skiff-k8s/skiff/wire"
)

// decodeVersion stands for decoding: the value is the resourceVersion of the object it was made of.
func decodeVersion(calls *int) func(wire.Object) (any, error) {
	return func(o wire.Object) (any, error) {
		*calls++
		return &[]string{string([]byte(o.Meta.ResourceVersion))}[0], nil
	}
}

func size100(any) int64 { return 100 }

func TestWhatIsReadOftenStaysDecoded(t *testing.T) {
	s := New(Options{DecodedBytes: 1 << 20})
	item, _ := s.Set(object("ns", "a", "u", "1"))
	calls := 0
	var first any
	for i := range 5 {
		value, shared, err := item.Shared(decodeVersion(&calls), size100)
		if err != nil || *value.(*string) != "1" {
			t.Fatal(value, err)
		}
		if shared != (i > 1) {
			t.Errorf("read %d: shared is %v", i, shared)
		}
		if i == 2 {
			first = value
		}
		if i > 2 && value != first {
			t.Error("not the same value for everyone")
		}
	}
	if calls != 3 {
		t.Errorf("decoded %d times", calls)
	}
	if st := s.Stats(); st.DecodedObjects != 1 || st.DecodedBytes < 100 || st.Hits != 2 || st.Misses != 3 {
		t.Errorf("%+v", st)
	}
	s.Set(object("ns", "a", "u", "2"))
	if st := s.Stats(); st.DecodedObjects != 0 || st.DecodedBytes != 0 {
		t.Errorf("what the store has no longer is kept decoded: %+v", st)
	}
	for range 3 { // the old state can still be read, and is not kept
		if _, shared, err := item.Shared(decodeVersion(&calls), size100); shared || err != nil {
			t.Error(shared, err)
		}
	}
	s.SetDecodedBytes(-1)
	now, _ := s.Get("ns/a")
	if value, shared, _ := now.Shared(decodeVersion(&calls), size100); !shared || *value.(*string) != "2" {
		t.Error("without a limit the first read is not kept")
	}
	s.Delete("ns/a")
	if n := s.Stats().DecodedObjects; n != 0 {
		t.Errorf("%d deleted objects are kept decoded", n)
	}
}

func TestAnErrorOfDecodingIsTheCallers(t *testing.T) {
	s := New(Options{DecodedBytes: -1})
	item, _ := s.Set(object("ns", "a", "u", "1"))
	failure := errors.New("mine")
	if _, _, err := item.Shared(func(wire.Object) (any, error) { return nil, failure }, size100); err != failure {
		t.Errorf("got %v", err)
	}
	if n := s.Stats().DecodedObjects; n != 0 {
		t.Error("a failure is kept")
	}
	if _, _, err := (Item{}).Shared(nil, nil); err == nil {
		t.Error("the zero Item could be read")
	}
}

// However reads and writes meet, what is kept decoded is what the store has.
func TestNothingOldStaysDecoded(t *testing.T) {
	s := New(Options{DecodedBytes: -1})
	const keys = 8
	var writers, readers sync.WaitGroup
	stop := make(chan struct{})
	for range 3 {
		readers.Go(func() {
			calls := 0
			for {
				select {
				case <-stop:
					return
				default:
				}
				for item := range s.All() {
					value, _, err := item.Shared(decodeVersion(&calls), size100)
					if err != nil || *value.(*string) != item.ResourceVersion() {
						t.Errorf("%s at %s is read as %v (%v)", item.Key(), item.ResourceVersion(), value, err)
					}
				}
			}
		})
	}
	writers.Go(func() {
		for i := range 5000 {
			name := fmt.Sprint(i % keys)
			if i%5 == 4 {
				s.Delete("ns/" + name)
				continue
			}
			s.Set(object("ns", name, "u", fmt.Sprint(i)))
		}
	})
	writers.Wait()
	close(stop)
	readers.Wait()
	for item := range s.All() {
		s.Delete(item.Key())
	}
	if n := s.Stats().DecodedObjects; n != 0 {
		t.Errorf("%d objects that the store does not have are kept decoded", n)
	}
}
