package controller

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// Q1: 10,000 keys that fail once in the first second, and would succeed from the second one on, are
// reconciled by second 10, with at most 2,000 reconciles in any second after the first.
func TestAnOutageOfASecondIsOverInSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const keys = 10_000
		var objects []string
		for i := range keys {
			objects = append(objects, configMap("n", fmt.Sprint("a", i), 5))
		}
		s := newStage(t)
		s.server.set("configmaps", lists(objects...))

		var (
			mu       sync.Mutex
			began    time.Time       // of the first reconcile
			begun    []time.Duration // since began, after the first second
			finished = map[Key]time.Duration{}
		)
		outage := errors.New("scripted outage")
		reconcile := func(_ context.Context, key Key) (Result, error) {
			mu.Lock()
			if began.IsZero() {
				began = time.Now()
			}
			at := time.Since(began)
			if at >= time.Second {
				begun = append(begun, at)
			}
			mu.Unlock()
			time.Sleep(time.Millisecond)
			if at < time.Second {
				return Result{}, outage
			}
			mu.Lock()
			defer mu.Unlock()
			finished[key] = time.Since(began)
			return Result{}, nil
		}
		c := New("test", reconcile, For(s.configMaps()), Workers(10), Logger(slog.New(slog.DiscardHandler)))
		stop, _ := start(func(ctx context.Context) error { return Run(ctx, s.factory, c) })
		time.Sleep(20 * time.Second)
		if err := stop(); err != nil {
			t.Error(err)
		}

		var last time.Duration
		for _, at := range finished {
			last = max(last, at)
		}
		if len(finished) != keys || last > 10*time.Second {
			t.Errorf("%d of %d keys were reconciled in 20s, the last after %v, want all by second 10",
				len(finished), keys, last)
		}
		slices.Sort(begun)
		from := 0
		for to, at := range begun {
			for begun[from] <= at-time.Second {
				from++
			}
			if n := to - from + 1; n > 2000 {
				t.Fatalf("%d reconciles in the second before %v, want 2000 at most", n, at)
			}
		}
		if n := c.Stats().Failed; n != keys {
			t.Errorf("%d reconciles failed, want %d", n, keys)
		}
	})
}
