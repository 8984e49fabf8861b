package informer_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/skiff-k8s/skiff/faults"
	"github.com/skiff-k8s/skiff/informer"
)

// Who waits is told what for after ten seconds, and then each minute; the error at the end says the
// same.
func TestAWaitSaysWhatItWaitsFor(t *testing.T) {
	out := faults.NewLog()
	lines := func(part string) int { return strings.Count(out.String(), part) }
	play(t, func(s *scene) {
		secrets := informer.For[corev1.Secret](s.factory)
		ctx, cancel := context.WithCancel(s.ctx)
		ended := make(chan error, 2)
		go func() { ended <- s.factory.WaitForSync(ctx) }()
		for _, c := range []struct {
			after time.Duration
			lines int
		}{{9 * time.Second, 0}, {2 * time.Second, 1}, {58 * time.Second, 1}, {2 * time.Second, 2}} {
			time.Sleep(c.after)
			synctest.Wait()
			for _, name := range []string{"informer configmaps: waiting for its initial list, streaming", "informer secrets: waiting"} {
				if n := lines(name); n != c.lines {
					t.Errorf("%d lines begin with %q, not %d:\n%s", n, name, c.lines, out.String())
				}
			}
		}
		cancel()
		err := <-ended
		for _, part := range []string{"2 not synced", "configmaps: waiting for its initial list, streaming", "secrets: waiting"} {
			if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), part) {
				t.Errorf("%v does not say %q", err, part)
			}
		}
		secrets.Close()
	}, informer.Logger(out.Logger()))

	out = faults.NewLog()
	play(t, func(s *scene) {
		s.synced()
		go func() { _ = s.maps.WaitFor(s.ctx, "99") }()
		time.Sleep(11 * time.Second)
		synctest.Wait()
		if n := lines(`waiting for resourceVersion 99, at "10": still waiting`); n != 1 {
			t.Errorf("%d lines:\n%s", n, out.String())
		}
	}, informer.Logger(out.Logger()))
}
