package run

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/skiff-k8s/skiff/bench/internal/probe"
	"github.com/skiff-k8s/skiff/bench/internal/replay"
	"github.com/skiff-k8s/skiff/bench/internal/stats"
)

// both are the sides that every scenario compares.
var both = []contender{skiff, clientGo}

// scenarios are all scenarios in the order of a run, the most important first.
var scenarios = []scenario{
	{name: "typed", of: both, also: []contender{clientGoStripped, controllerRuntime}, do: (*Bench).typed},
	{name: "index", of: both, do: (*Bench).index},
	{name: "dynamic", of: both, full: []contender{clientGoStripped}, do: (*Bench).dynamic},
	{name: "churn", of: both, do: (*Bench).churn},
	{name: "latency", of: both, do: (*Bench).latency},
	{name: "reads", of: both, also: []contender{skiffDecoded}, full: []contender{skiffUndecoded, controllerRuntime}, do: (*Bench).reads},
	{name: "configmaps", of: both, full: []contender{clientGoStripped, controllerRuntime}, do: heapOf("configmaps", "heap_per_configmap")},
	{name: "nodes", of: both, full: []contender{clientGoStripped, controllerRuntime}, do: heapOf("nodes", "heap_per_node")},
	{name: "endpointslices", of: both, full: []contender{clientGoStripped, controllerRuntime}, do: (*Bench).endpointSlices},
	{name: "databases", of: both, full: []contender{clientGoStripped, controllerRuntime}, do: heapOf("databases", "heap_per_cr_typed")},
	{name: "databases-dynamic", of: both, full: []contender{clientGoStripped}, do: heapOf("databases", "heap_per_cr_dynamic", "--dynamic")},
	{name: "million", own: (*Bench).million},
	{name: "program", own: (*Bench).programs},
	{name: "real", own: (*Bench).real},
}

// typed measures a typed informer of pods: the initial list, memory, a flood of protobuf events.
func (b *Bench) typed(ctx context.Context, c contender) error {
	return b.serve(ctx, c, []string{"--resource", "pods"}, func(s *Server, r *Runner) error {
		if err := b.sync(r, c, ""); err != nil {
			return err
		}
		if err := b.heap(r, c, "heap_per_pod_typed"); err != nil {
			return err
		}
		return b.flood(ctx, s, r, c, "pods", b.Scale.ProtoEvents, "proto")
	})
}

// dynamic measures the same without a Go type, in JSON.
func (b *Bench) dynamic(ctx context.Context, c contender) error {
	return b.serve(ctx, c, []string{"--resource", "pods", "--dynamic"}, func(s *Server, r *Runner) error {
		if err := b.sync(r, c, "_dynamic"); err != nil {
			return err
		}
		if err := b.heap(r, c, "heap_per_pod_dynamic"); err != nil {
			return err
		}
		return b.flood(ctx, s, r, c, "pods", b.Scale.JSONEvents, "json")
	})
}

// endpointSlices measures EndpointSlices, which are small and change often.
func (b *Bench) endpointSlices(ctx context.Context, c contender) error {
	return b.serve(ctx, c, []string{"--resource", "endpointslices"}, func(s *Server, r *Runner) error {
		if _, err := ask[probe.Synced](r, "sync"); err != nil {
			return err
		}
		if err := b.heap(r, c, "heap_per_endpointslice"); err != nil {
			return err
		}
		return b.flood(ctx, s, r, c, "endpointslices", b.Scale.SliceEvents, "endpointslices")
	})
}

// heapOf measures the memory of one resource.
func heapOf(resource, figure string, args ...string) func(*Bench, context.Context, contender) error {
	return func(b *Bench, ctx context.Context, c contender) error {
		return b.serve(ctx, c, append([]string{"--resource", resource}, args...), func(_ *Server, r *Runner) error {
			if _, err := ask[probe.Synced](r, "sync"); err != nil {
				return err
			}
			return b.heap(r, c, figure)
		})
	}
}

// churn measures repeated replacement of every pod by another one.
func (b *Bench) churn(ctx context.Context, c contender) error {
	server := []string{"--pods", strconv.Itoa(b.Scale.ChurnPods), "--can", "pods/protobuf"}
	return b.serveBy(ctx, server, c, []string{"--resource", "pods"}, func(s *Server, r *Runner) error {
		if _, err := ask[probe.Synced](r, "sync"); err != nil {
			return err
		}
		before, err := ask[probe.Heap](r, "heap")
		if err != nil {
			return err
		}
		if _, err := ask[struct{}](r, "mark"); err != nil {
			return err
		}
		flood, err := s.Churn(ctx, "pods", b.Scale.ChurnRounds)
		if err != nil {
			return err
		}
		told, err := ask[probe.Told](r, "told", strconv.FormatUint(flood.Version, 10))
		if err != nil {
			return err
		}
		after, err := ask[probe.Heap](r, "heap")
		if err != nil {
			return err
		}
		if more := after.Objects - before.Objects; more < 0 || more > 1 { // the end of the flood is marked by an object
			return fmt.Errorf("%d pods in the cache after the churn, %d before", after.Objects, before.Objects)
		}
		b.add("heap_after_churn", c, float64(after.Alloc)/float64(before.Alloc))
		b.add("heap_per_pod_after_churn", c, float64(after.Alloc)/float64(after.Objects))
		b.add("cpu_per_event_churn", c, micros(told.CPU)/float64(flood.Events))
		return nil
	})
}

// latency is the time from the server's write of an event to the handler, at a rate that every side
// can keep up with.
func (b *Bench) latency(ctx context.Context, c contender) error {
	return b.serve(ctx, c, []string{"--resource", "pods"}, func(s *Server, r *Runner) error {
		if _, err := ask[probe.Synced](r, "sync"); err != nil {
			return err
		}
		if _, err := ask[struct{}](r, "record"); err != nil {
			return err
		}
		flood, err := s.Steady(ctx, "pods", b.Scale.LatencyEvents, b.Scale.LatencyRate)
		if err != nil {
			return err
		}
		if _, err := ask[probe.Told](r, "told", strconv.FormatUint(flood.Version, 10)); err != nil {
			return err
		}
		received, err := ask[probe.Receptions](r, "receptions")
		if err != nil {
			return err
		}
		latencies, err := match(flood.Sent, received)
		if err != nil {
			return err
		}
		b.add("latency_p50", c, stats.Quantile(latencies, 0.50))
		b.add("latency_p99", c, stats.Quantile(latencies, 0.99))
		return nil
	})
}

// match returns the microseconds from each event's sending to its reception. At a steady rate none
// may be missing.
func match(sent map[uint64]int64, received probe.Receptions) ([]float64, error) {
	var latencies []float64
	for i, version := range received.Versions {
		if at, ok := sent[version]; ok {
			latencies = append(latencies, float64(received.At[i]-at)/1e3)
		}
	}
	if len(latencies) != len(sent) {
		return nil, fmt.Errorf("%d events were sent at a steady rate, and %d of them told", len(sent), len(latencies))
	}
	return latencies, nil
}

// sync makes the runner fill its cache.
func (b *Bench) sync(r *Runner, c contender, suffix string) error {
	synced, err := ask[probe.Synced](r, "sync")
	if err != nil {
		return err
	}
	if synced.Objects < b.Scale.Pods {
		return fmt.Errorf("%d pods in the cache, and %d were served", synced.Objects, b.Scale.Pods)
	}
	b.add("peak_rss_sync"+suffix, c, float64(synced.PeakRSS))
	b.add("cpu_sync"+suffix, c, synced.CPU.Seconds())
	b.add("wall_sync"+suffix, c, synced.Wall.Seconds())
	b.add("gc_share_sync"+suffix, c, synced.GCShare)
	return nil
}

// heap records the memory of a cached object.
func (b *Bench) heap(r *Runner, c contender, figure string) error {
	heap, err := ask[probe.Heap](r, "heap")
	if err != nil {
		return err
	}
	if heap.Objects == 0 {
		return fmt.Errorf("%s: the cache is empty", figure)
	}
	b.add(figure, c, float64(heap.Alloc)/float64(heap.Objects))
	return nil
}

// flood makes the server send two floods as fast as the runner reads, and measures the second one.
// In the first one the kernel gives both sides their memory, page by page, which on some virtual
// machines costs more than their work.
func (b *Bench) flood(ctx context.Context, s *Server, r *Runner, c contender, resource string, events int, suffix string) error {
	if _, _, err := floodOnce(ctx, s, r, resource, events); err != nil {
		return err
	}
	flood, told, err := floodOnce(ctx, s, r, resource, events)
	if err != nil {
		return err
	}
	b.add("watch_events_"+suffix, c, float64(flood.Events)/told.Wall.Seconds())
	b.add("cpu_per_event_"+suffix, c, micros(told.CPU)/float64(flood.Events))
	b.add("gc_share_"+suffix, c, told.GCShare)
	b.add("told_share_"+suffix, c, float64(told.Calls)/float64(flood.Events))
	return nil
}

func floodOnce(ctx context.Context, s *Server, r *Runner, resource string, events int) (flood replay.Flooded, told probe.Told, err error) {
	if _, err = ask[struct{}](r, "mark"); err != nil {
		return flood, told, err
	}
	if flood, err = s.Flood(ctx, resource, events); err != nil {
		return flood, told, err
	}
	told, err = ask[probe.Told](r, "told", strconv.FormatUint(flood.Version, 10))
	return flood, told, err
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
