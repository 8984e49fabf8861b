package run

import "github.com/skiff-k8s/skiff/bench/internal/workload"

// Scale is the size of the measurements.
type Scale struct {
	Runs int  // of skiff and client-go in each scenario
	Also int  // of the other sides: variants, controller-runtime
	Full bool // the other sides are measured in every scenario that has them

	Pods int // in the cache; the number of other objects grows with them

	ProtoEvents   int // of a flood to a typed informer
	JSONEvents    int // of a flood to a dynamic one
	SliceEvents   int // of a flood of EndpointSlices
	ChurnPods     int // in the cache whose pods are replaced
	ChurnRounds   int // how often each of them is
	LatencyEvents int
	LatencyRate   int // events a second

	Million    int // pods in the one process that holds as many as it can; 0 leaves that out
	ColdBuilds int // of each smallest program; 0 builds it once, with the build cache there is
	RealPods   int // in the real API server; 0 leaves that out
}

// Full is the scale of the published figures.
var Full = Scale{
	Runs: 5, Also: 3, Full: true,
	Pods:        20_000,
	ProtoEvents: 60_000, JSONEvents: 15_000, SliceEvents: 20_000, ChurnPods: 20_000, ChurnRounds: 10, LatencyEvents: 5_000, LatencyRate: 1_000,
	Million: 1_000_000, ColdBuilds: 3, RealPods: 20_000,
}

// Quick has the same figures of skiff and client-go but for the cold build and the real API server,
// from fewer runs, and from less where much takes long. Nothing stands beside them, so that it
// takes minutes on a slow machine too.
var Quick = Scale{
	Runs:        2,
	Pods:        20_000,
	ProtoEvents: 40_000, JSONEvents: 4_000, SliceEvents: 10_000, ChurnPods: 4_000, ChurnRounds: 10, LatencyEvents: 2_000, LatencyRate: 1_000,
	Million: 1_000_000,
}

// Smoke is for the tests: everything happens, nothing is measured well.
var Smoke = Scale{
	Runs: 1, Also: 1, Full: true,
	Pods:        200,
	ProtoEvents: 500, JSONEvents: 500, SliceEvents: 500, ChurnPods: 200, ChurnRounds: 2, LatencyEvents: 100, LatencyRate: 1_000,
	Million: 1_000,
}

// workload is what the replay server serves at this scale.
func (s Scale) workload() *workload.Workload {
	return workload.New(workload.Config{Pods: s.Pods})
}
