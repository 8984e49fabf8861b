package skifftest

import (
	"errors"
	"testing"
	"time"
)

const (
	// eventuallyWithin bounds an Eventually. It is long beside what a test waits for, and short beside
	// the time limit of go test.
	eventuallyWithin = 2 * time.Minute
	// beforeDeadline is the time that the test keeps to fail with its own message.
	beforeDeadline = 5 * time.Second

	firstPause, longestPause = time.Millisecond, time.Second
)

var errNotYet = errors.New("it reported false")

// Eventually calls f until it returns nil or true, at growing pauses: one millisecond at first, and one
// second at most. f is called at least once.
//
// After two minutes, or shortly before the time limit of go test if that comes first, Eventually fails
// the test with f's last error, how often f was called, and for how long. In a bubble of
// testing/synctest the two minutes are the bubble's. Only the test's own goroutine may call Eventually.
// f may end the test itself.
func Eventually[F func() error | func() bool](t testing.TB, f F) {
	t.Helper()
	began := time.Now()
	last := began.Add(within(t))
	for calls, pause := 1, firstPause; ; calls, pause = calls+1, min(2*pause, longestPause) {
		err := call(f)
		if err == nil {
			return
		}
		left := time.Until(last)
		if left <= 0 {
			t.Fatalf("eventually: not after %d calls in %v: %v", calls, time.Since(began).Round(100*time.Millisecond), err)
			return // a TB that goes on
		}
		time.Sleep(min(pause, left))
	}
}

func call[F func() error | func() bool](f F) error {
	switch f := any(f).(type) {
	case func() error:
		return f()
	case func() bool:
		if !f() {
			return errNotYet
		}
	}
	return nil
}

// within returns how long an Eventually may last. In a bubble of testing/synctest a test has no
// deadline: asking for it panics.
func within(t testing.TB) time.Duration {
	d, ok := t.(interface{ Deadline() (time.Time, bool) })
	if !ok || inBubble() {
		return eventuallyWithin
	}
	deadline, ok := d.Deadline()
	return bounded(deadline, ok, time.Now())
}

// bounded returns how long an Eventually may last that begins now.
func bounded(deadline time.Time, has bool, now time.Time) time.Duration {
	if !has {
		return eventuallyWithin
	}
	return min(eventuallyWithin, deadline.Sub(now)-beforeDeadline)
}
