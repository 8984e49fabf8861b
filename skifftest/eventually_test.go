package skifftest_test

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skiff-k8s/skiff/skifftest"
)

// failing is a test that records its failure and goes on.
type failing struct {
	testing.TB
	message  string
	deadline time.Time
}

func (f *failing) Helper()                           {}
func (f *failing) Fatalf(format string, args ...any) { f.message = fmt.Sprintf(format, args...) }
func (f *failing) Deadline() (time.Time, bool)       { return f.deadline, !f.deadline.IsZero() }

func TestEventuallyReturnsWithTheFirstSuccess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began, calls := time.Now(), 0
		skifftest.Eventually(t, func() error {
			if calls++; calls < 4 {
				return errors.New("not yet")
			}
			return nil
		})
		if took := time.Since(began); calls != 4 || took != 7*time.Millisecond { // 1, 2 and 4 ms
			t.Errorf("%d calls in %v", calls, took)
		}
		calls = 0
		skifftest.Eventually(t, func() bool { calls++; return true })
		if calls != 1 {
			t.Errorf("%d calls", calls)
		}
	})
}

func TestEventuallyFailsWithTheLastError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		at, began, calls := &failing{TB: t}, time.Now(), 0
		skifftest.Eventually(at, func() error { calls++; return fmt.Errorf("error %d", calls) })
		if took := time.Since(began); took != 2*time.Minute {
			t.Errorf("it took %v", took)
		}
		if !strings.HasPrefix(at.message, fmt.Sprintf("eventually: not after %d calls in 2m0s: error %d", calls, calls)) {
			t.Errorf("the message is %q after %d calls", at.message, calls)
		}
		if calls < 120 || calls > 140 { // a second between two, except the first ones
			t.Errorf("%d calls", calls)
		}
	})
}

// The time limit of the test holds if it comes first, and after it f is called once.
func TestEventuallyKeepsToTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for left, want := range map[time.Duration]time.Duration{
			time.Minute: 55 * time.Second, 5 * time.Second: 0, -time.Hour: 0, time.Hour: 2 * time.Minute,
		} {
			at, began, calls := &failing{TB: t, deadline: time.Now().Add(left)}, time.Now(), 0
			skifftest.Eventually(at, func() bool { calls++; return false })
			if took := time.Since(began); took != want || calls == 0 || !strings.Contains(at.message, "it reported false") {
				t.Errorf("with %v left it took %v and %d calls: %q", left, took, calls, at.message)
			}
		}
	})
}

func ExampleEventually() {
	t := &testing.T{} // of the test
	var ready atomic.Bool
	go ready.Store(true)
	skifftest.Eventually(t, func() error {
		if !ready.Load() {
			return errors.New("it is not ready")
		}
		return nil
	})
	fmt.Println("ready")
	// Output: ready
}
