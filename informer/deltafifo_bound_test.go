package informer

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/rest"
	"github.com/skiff-k8s/skiff/wire"
)

// The FIFO takes deltas until maxFIFOBytes are in it; the one that reaches the bound is the last.
func TestTheFIFOIsFullAtItsBound(t *testing.T) {
	for _, c := range []struct {
		bytes int
		room  bool
	}{{maxFIFOBytes - 1, true}, {maxFIFOBytes, false}, {maxFIFOBytes + 1, false}} {
		f := newDeltaFIFO()
		if !f.offer(delta{kind: deltaSet, object: wire.Object{Data: make([]byte, c.bytes-deltaBytes)}}) {
			t.Fatal("an empty FIFO has no room")
		}
		if room := f.offer(delta{kind: deltaSet}); room != c.room {
			t.Errorf("with %d bytes in it, room for more: %v", c.bytes, room)
		}
		if batch := f.take(nil); len(batch) == 0 || !f.offer(delta{kind: deltaSet}) {
			t.Error("an emptied FIFO has no room")
		}
	}
}

// A key with an empty namespace is no key of a cluster-scoped object.
func TestAKeyThatBeginsWithASlashIsAMistake(t *testing.T) {
	c, err := rest.NewClient(&rest.Config{Host: "https://server.example"})
	if err != nil {
		t.Fatal(err)
	}
	f := NewFactory(c)
	for key, err := range map[string]error{
		"/name": errOf(For[corev1.Node](f).Lister().ByKey("/name")),
		"/pod":  errOf(For[corev1.Pod](f).Lister().ByKey("/pod")),
	} {
		if _, ok := err.(*kind.MisuseError); !ok {
			t.Errorf("ByKey of %q: %v", key, fmt.Sprint(err))
		}
	}
}

func errOf[T any](_ *T, err error) error { return err }
