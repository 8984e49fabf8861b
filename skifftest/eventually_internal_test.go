package skifftest

import (
	"testing"
	"time"
)

func TestEventuallyIsBoundedByTheDeadline(t *testing.T) {
	now := time.Now()
	for left, want := range map[time.Duration]time.Duration{
		2*time.Minute + 4*time.Second: 2*time.Minute - time.Second,
		2*time.Minute + 5*time.Second: 2 * time.Minute,
		2*time.Minute + 6*time.Second: 2 * time.Minute,
		time.Minute:                   55 * time.Second,
	} {
		if got := bounded(now.Add(left), true, now); got != want {
			t.Errorf("with %v left: %v, want %v", left, got, want)
		}
	}
	if got := bounded(time.Time{}, false, now); got != 2*time.Minute {
		t.Errorf("without a deadline: %v", got)
	}
}
