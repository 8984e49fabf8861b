package faults

import (
	"log/slog"
	"runtime"
	"runtime/metrics"
	"strings"
	"time"
)

// warnings are the levels of the lines that a person should see.
var warnings = []slog.Level{slog.LevelWarn, slog.LevelError}

// heapWatch measures the largest heap, on the real clock.
type heapWatch struct {
	from uint64
	most uint64
	quit chan struct{}
	done chan struct{}
}

func watchHeap() *heapWatch {
	runtime.GC()
	h := &heapWatch{from: heapNow(), quit: make(chan struct{}), done: make(chan struct{})}
	go func() {
		defer close(h.done)
		tick := time.NewTicker(2 * time.Millisecond)
		defer tick.Stop()
		for {
			h.most = max(h.most, heapNow())
			select {
			case <-tick.C:
			case <-h.quit:
				return
			}
		}
	}()
	return h
}

// stop returns by how many bytes the heap grew at most.
func (h *heapWatch) stop() uint64 {
	close(h.quit)
	<-h.done
	return max(h.most, h.from) - h.from
}

func heapNow() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// stacks are the goroutines at one time, by their number.
type stacks map[string]string

func goroutines() stacks {
	buf := make([]byte, 1<<20)
	buf = buf[:runtime.Stack(buf, true)]
	all := stacks{}
	for _, g := range strings.Split(string(buf), "\n\n") {
		id, _, _ := strings.Cut(strings.TrimPrefix(g, "goroutine "), " ")
		all[id] = g
	}
	return all
}

// left returns the stacks of the goroutines that are there and were not; "" when there are none within
// a time.
func (before stacks) left(patience time.Duration) string {
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		var left []string
		for id, stack := range goroutines() {
			if _, was := before[id]; !was {
				left = append(left, stack)
			}
		}
		if len(left) == 0 {
			return ""
		}
		if time.Now().After(end) {
			return strings.Join(left, "\n\n")
		}
	}
}
