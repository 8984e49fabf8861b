package informer

import (
	"context"
	"log/slog"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// The context may end while the consumer is at work on a batch: nothing is left waiting for a handler
// that is not called any more. (With -race: and the two do not meet.)
func TestAHandlerThatEndsWhileABatchComesKeepsNothing(t *testing.T) {
	f := NewFactory(nil, Logger(slog.New(slog.DiscardHandler)))
	for range 500 {
		maps := For[corev1.ConfigMap](f)
		r := maps.AddHandler(Handler[corev1.ConfigMap]{})
		s := maps.base()
		ctx, cancel := context.WithCancel(t.Context())
		s.start(ctx)
		var both sync.WaitGroup
		both.Go(cancel)
		both.Go(func() { s.feeds[0].apply([]delta{{kind: deltaListBegin}, {kind: deltaListEnd, version: "1"}}) })
		both.Wait()
		<-r.Done()
		if n := r.Pending(); n != 0 {
			t.Fatalf("%d calls wait for a handler that has ended", n)
		}
		s.stop(context.Canceled)
		maps.Close()
	}
}
