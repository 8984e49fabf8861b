package webhook

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// What is taken of a budget is at most its size, and whoever waits gets it when it is given back, or
// the end of its context.
func TestBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(10)
		for _, n := range []int64{4, 6} { // to the last byte
			if err := b.take(t.Context(), n); err != nil {
				t.Fatal(err)
			}
		}
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := b.take(short, 1); err != context.DeadlineExceeded {
			t.Errorf("one byte more: %v", err)
		}
		got := make(chan error, 2)
		for _, n := range []int64{6, 5} {
			go func() { got <- b.take(t.Context(), n) }()
		}
		synctest.Wait()
		b.give(4)
		synctest.Wait()
		if len(got) != 0 {
			t.Error("4 bytes were enough for 5")
		}
		b.give(6)
		synctest.Wait()
		if len(got) != 1 {
			t.Errorf("10 bytes were enough for %d of 5 and 6", len(got))
		}
		b.give(6)
		synctest.Wait()
		if len(got) != 2 {
			t.Error("one waits still")
		}
	})
	var none *budget
	if err := none.take(t.Context(), 1); err != nil {
		t.Error(err)
	}
	none.give(1)
}
