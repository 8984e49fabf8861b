package controller

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skiff-k8s/skiff/informer"
)

// slow is a Reconcile that takes a second, and notes the order of its keys.
type slow struct {
	mu    sync.Mutex
	names []string
	first []func() (Result, error) // what the first reconciles return
}

func (s *slow) reconcile(_ context.Context, key Key) (Result, error) {
	time.Sleep(time.Second)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.names = append(s.names, key.Name)
	if n := len(s.names); n <= len(s.first) {
		return s.first[n-1]()
	}
	return Result{}, nil
}

// at returns the place of the last reconcile of a name, -1 if there was none; "" is any name.
func (s *slow) at(name string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, n := range slices.Backward(s.names) {
		if n == name || name == "" {
			return i
		}
	}
	return -1
}

func (s *slow) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.names = nil
}

// manyConfigMaps are n objects of an initial list: m-000, m-001, …
func manyConfigMaps(n int) (objects []string) {
	for i := range n {
		objects = append(objects, configMap("n", fmt.Sprintf("m-%03d", i), 1+i%9))
	}
	return objects
}

// A long initial list holds back neither live events nor retries nor RequeueAfter.
func TestWhatHappensGoesBeforeTheInitialList(t *testing.T) {
	for _, tt := range []struct {
		name  string
		opts  []Option
		first bool
	}{
		{"default", nil, true},
		{"0", []Option{LowWait(0)}, true},
		{"long", []Option{LowWait(time.Hour)}, true},
		{"off", []Option{LowWait(-1)}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t)
				s.server.set("configmaps", lists(manyConfigMaps(100)...))
				r := &slow{first: []func() (Result, error){
					func() (Result, error) { return Result{}, errTest },
					func() (Result, error) { return Result{RequeueAfter: 10 * time.Second}, nil },
				}}
				c := New("test", r.reconcile, append(tt.opts, s.logger(), For(s.configMaps()))...)
				stop, _ := start(func(ctx context.Context) error { return Run(ctx, s.factory, c) })
				time.Sleep(50*time.Second + time.Second/2)
				s.server.watch("configmaps").event("ADDED", configMap("n", "live", 11))
				time.Sleep(5 * time.Second)
				synctest.Wait()
				for name, soon := range map[string]int{r.names[0]: 3, r.names[1]: 20, "live": 56} {
					if at := r.at(name); (at > 1 && at <= soon) != tt.first {
						t.Errorf("%s was reconciled again as number %d of %d", name, at+1, len(r.names))
					}
				}
				time.Sleep(time.Minute)
				for i := range 100 {
					if name := fmt.Sprintf("m-%03d", i); r.at(name) < 0 {
						t.Errorf("%s was not reconciled", name)
					}
				}
				if r.at("live") < 0 || len(r.names) != 103 {
					t.Errorf("%d reconciles, want 103", len(r.names))
				}
				if err := stop(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestWhatHappensGoesBeforeAResync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.server.set("configmaps", lists(manyConfigMaps(100)...))
		r := &slow{}
		c := New("test", r.reconcile, s.logger(), For(s.configMaps(informer.Resync(time.Hour))))
		stop, _ := start(func(ctx context.Context) error { return Run(ctx, s.factory, c) })
		time.Sleep(time.Hour - time.Second)
		r.reset()
		for r.at("") == -1 { // until the resync has begun
			time.Sleep(time.Second)
		}
		s.server.watch("configmaps").event("MODIFIED", configMap("n", "m-099", 11))
		s.server.watch("configmaps").event("DELETED", configMap("n", "m-098", 12))
		time.Sleep(5 * time.Second)
		for _, name := range []string{"m-099", "m-098"} {
			if at := r.at(name); at < 0 || at > 5 {
				t.Errorf("%s was reconciled as number %d", name, at+1)
			}
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// What sources name first is of low priority, and an event of one of those keys makes it high.
func TestQueueStatsShowTheInitialList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.server.set("configmaps", lists(manyConfigMaps(100)...))
		c := New("test", (&slow{}).reconcile, s.logger(), For(s.configMaps()))
		stop, _ := start(func(ctx context.Context) error { return Run(ctx, s.factory, c) })
		time.Sleep(time.Second / 2)
		if q := c.Stats().Queue; q.Depth != 99 || q.Low != 99 {
			t.Errorf("%+v, want 99 of low priority", q)
		}
		s.server.watch("configmaps").event("MODIFIED", configMap("n", "m-050", 11))
		synctest.Wait()
		if q := c.Stats().Queue; q.Depth != 99 || q.Low != 98 {
			t.Errorf("after an event: %+v, want 98 of low priority", q)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}
