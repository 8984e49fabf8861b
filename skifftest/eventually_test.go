package skifftest_test

import (
	"context"
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
func (f *failing) Name() string                      { return "an example" }
func (f *failing) Failed() bool                      { return f.message != "" }
func (f *failing) Cleanup(func())                    {} // an example has no end
func (f *failing) Context() context.Context          { return context.Background() }
func (f *failing) Logf(string, ...any)               {}
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

// After the time limit of the test f is called once.
func TestEventuallyKeepsToTheDeadline(t *testing.T) {
	at, calls := &failing{TB: t, deadline: time.Now().Add(5 * time.Second)}, 0
	skifftest.Eventually(at, func() bool { calls++; return false })
	if calls != 1 || !strings.Contains(at.message, "not after 1 calls in 0s: it reported false") {
		t.Errorf("%d calls: %q", calls, at.message)
	}
}

func ExampleEventually() {
	var t testing.TB = &failing{} // of the test
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
