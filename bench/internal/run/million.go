package run

import (
	"context"
	"fmt"
	"strconv"

	"github.com/skiff-k8s/skiff/bench/internal/probe"
	"github.com/skiff-k8s/skiff/bench/internal/report"
)

// million fills one process of skiff with as many pods as the scale says, once: client-go's would need
// more memory than most machines have.
func (b *Bench) million(ctx context.Context) error {
	if b.Scale.Million == 0 {
		return nil
	}
	c := skiff
	c.env = []string{"GOGC=" + report.MillionGOGC}
	b.progress("million", 0, c.side)
	// The server makes them as it sends: held ready, they would be gigabytes.
	server := []string{"--pods", strconv.Itoa(b.Scale.Million), "--canned-bytes", "-1"}
	return b.serveBy(ctx, server, c, []string{"--resource", "pods"}, func(_ *Server, r *Runner) error {
		synced, err := ask[probe.Synced](r, "sync")
		if err != nil {
			return err
		}
		if synced.Objects != b.Scale.Million {
			return fmt.Errorf("%d pods in the cache, want %d", synced.Objects, b.Scale.Million)
		}
		heap, err := ask[probe.Heap](r, "heap")
		if err != nil {
			return err
		}
		b.add("million_pods_rss", c, float64(synced.PeakRSS))
		b.add("million_pods_heap", c, float64(heap.Alloc)/float64(heap.Objects))
		b.add("million_pods_wall", c, synced.Wall.Seconds())
		b.add("million_pods_cpu", c, synced.CPU.Seconds())
		return nil
	})
}
