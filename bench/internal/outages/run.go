package outages

import (
	"log/slog"
	"maps"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skiff-k8s/skiff/faults"
)

const (
	// giveUp is how long a run waits for the cache to be right.
	giveUp = time.Hour
	// calm is the time between the initial list and the fault.
	calm = time.Minute
	// writesBefore is how many times objects are written after the initial list: more than during a
	// fault, so that a restored server is behind what the cache has read.
	writesBefore = 20
)

// result is what a side did.
type result struct {
	Never    bool          // the cache was not right within giveUp
	After    time.Duration // from the server's recovery, or from the fault if there is none, until it was
	Requests int           // from the fault until then, or until giveUp
	Burst    int           // the most of these within a second
	Lines    int           // log lines at warn and above meanwhile
}

// run plays a scenario to a side, in a bubble of its own.
func run(t *testing.T, s scenario, with side) (r result) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.backup = w.store.Snapshot()
		log := faults.NewLog()
		if s.atStart {
			w.fail(t, s)
		}
		c := with.start(t, w, log)
		defer c.stop()
		first, from := 0, time.Now()
		if !s.atStart {
			waitFor(t, w, c)
			for range writesBefore {
				w.write(t)
			}
			time.Sleep(calm)
			first, from = len(w.layer.Requests()), time.Now()
			w.fail(t, s)
		}
		logged := len(log.Lines(slog.LevelWarn, slog.LevelError))
		stop := w.churn(t, s)
		defer stop()
		time.Sleep(time.Second)
		w.write(t)
		if s.heals > 0 {
			time.Sleep(s.heals - time.Second)
			w.layer.SetRules()
			if s.heal != nil {
				s.heal(t, w)
			}
			from = time.Now()
		}
		r.Never = !waitFor(t, w, c)
		r.After = time.Since(from)
		requests := w.layer.Requests()[first:]
		r.Requests, r.Burst = len(requests), burst(requests)
		r.Lines = len(log.Lines(slog.LevelWarn, slog.LevelError)) - logged
	})
	return r
}

func (w *world) fail(t *testing.T, s scenario) {
	w.layer.SetRules(s.rules...)
	if s.begin != nil {
		s.begin(t, w)
	}
}

// churn changes an object each 10 seconds if the scenario wants it, until stop is called.
func (w *world) churn(t *testing.T, s scenario) (stop func()) {
	if !s.busy {
		return func() {}
	}
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(10 * time.Second)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				w.put(t, "busy", time.Now().String())
			case <-done:
				return
			}
		}
	}()
	return func() { close(done); <-ended }
}

// waitFor waits until the cache is synced and equal to the server, and reports whether it was within
// giveUp.
func waitFor(t *testing.T, w *world, c cache) bool {
	t.Helper()
	var want map[string]string
	at := ""
	for began := time.Now(); time.Since(began) < giveUp; {
		synctest.Wait()
		if now := w.store.ResourceVersion(); now != at { // else the server has not changed
			want, at = w.state(t), now
		}
		if c.synced() && maps.Equal(c.state(t), want) {
			return true
		}
		// The cache is compared each 100 ms at first, then more seldom: to 5 % of what is measured.
		time.Sleep(max(100*time.Millisecond, time.Since(began)/20))
	}
	return false
}

// burst returns the most requests within any second.
func burst(requests []faults.Request) (most int) {
	for i, first := 0, 0; i < len(requests); i++ {
		for requests[i].At-requests[first].At >= time.Second {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}
