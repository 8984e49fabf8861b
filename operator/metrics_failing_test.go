package operator

import (
	"errors"
	"testing"
	"time"

	"github.com/skiff-k8s/skiff/controller"
)

// Failing keys are counted from their first failure until they succeed, and are bounded.
func TestTheMetricsOfKeysThatFail(t *testing.T) {
	f := &failing{since: map[any]time.Time{}}
	now := time.Now()
	at := func(d time.Duration) time.Time { return now.Add(d) }
	state := func(d time.Duration, keys int, longest time.Duration) {
		t.Helper()
		if n, l := f.state(at(d)); n != keys || l != longest {
			t.Errorf("after %v: %d keys fail, the longest for %v; want %d and %v", d, n, l, keys, longest)
		}
	}
	bad := controller.Outcome{Err: errors.New("bad"), Next: controller.NextRetry}
	f.ended("a", bad, at(0))
	f.ended("b", bad, at(time.Second))
	f.ended("a", bad, at(2*time.Second))
	state(3*time.Second, 2, 3*time.Second)
	f.ended("a", controller.Outcome{}, at(3*time.Second))
	state(4*time.Second, 1, 3*time.Second)
	f.ended("b", controller.Outcome{Err: bad.Err, Next: controller.NextStopped}, at(4*time.Second))
	state(5*time.Second, 0, 0)
	f.ended("c", controller.Outcome{Err: bad.Err, Next: controller.NextGivenUp}, at(5*time.Second))
	state(6*time.Second, 1, time.Second)
	f.ended("c", controller.Outcome{Err: controller.Terminal(bad.Err), Next: controller.NextGivenUp}, at(6*time.Second))
	state(6*time.Second, 0, 0)

	for i := range maxFailing + 1 {
		f.ended(i, bad, at(0))
		if want := min(i+1, maxFailing); len(f.since) != want {
			t.Fatalf("%d keys of %d are remembered", len(f.since), i+1)
		}
	}
	f.ended(0, controller.Outcome{}, at(0))
	f.ended(maxFailing, bad, at(time.Second)) // there is room for it now
	if since, ok := f.since[maxFailing]; !ok || !since.Equal(at(time.Second)) {
		t.Error("a key is not remembered although there is room")
	}
}
