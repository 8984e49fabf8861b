package workqueue_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skiff-k8s/skiff/workqueue"
)

func TestAPausedQueueHandsNothingOutAndLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := workqueue.New[string]()
		q.Add("a")
		a := get(t, q)
		var handed []string
		working, stop := context.WithCancel(t.Context())
		defer stop()
		go func() {
			for {
				key, err := q.Get(working)
				if err != nil {
					return
				}
				handed = append(handed, key)
				q.Done(key)
			}
		}()
		synctest.Wait()
		q.Pause()
		q.Pause()
		q.Add("b")
		q.Add("a") // while processed
		q.AddAfter("c", time.Second)
		q.Done(a)
		after(time.Minute)
		if s := q.Stats(); s.Depth != 3 || len(handed) != 0 {
			t.Errorf("%+v; handed out %v", s, handed)
		}
		q.Resume()
		q.Resume()
		synctest.Wait()
		wantKeys(t, handed, "b", "a", "c")

		q.Pause()
		q.Add("d")
		synctest.Wait()
		if len(handed) != 3 {
			t.Errorf("handed out %v", handed)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := q.ShutDownWithDrain(ctx); err != nil { // ends the pause
			t.Fatal(err)
		}
		wantKeys(t, handed, "b", "a", "c", "d")
	})
}
