package addingress

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/skiff-k8s/skiff/controller"
)

func TestPaceOfWritesIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p pace
		web := controller.Key{Namespace: "shop", Name: "web"}
		begin := time.Now()
		writes := 0
		for time.Since(begin) < time.Minute {
			if wait := p.wait(web); wait > 0 {
				time.Sleep(wait)
				continue
			}
			writes++
		}
		if want := writesBurst + 59*writesPerSecond; writes != want {
			t.Errorf("%d writes in a minute of war, want %d", writes, want)
		}
		if p.calm(web) {
			t.Error("it is calm in the midst of it")
		}
		if wait := p.wait(controller.Key{Namespace: "shop", Name: "other"}); wait != 0 {
			t.Errorf("another Service waits %v", wait)
		}
		time.Sleep(time.Minute)
		if !p.calm(web) {
			t.Error("it is not calm a minute later")
		}
		p.forget(web)
		if wait := p.wait(web); wait != 0 || len(p.limiters) != 2 {
			t.Errorf("after it was forgotten it waits %v, %d are remembered", wait, len(p.limiters))
		}
	})
}
