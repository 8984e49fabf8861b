package run

// Scale says how much is measured.
type Scale struct {
	Runs int // of each contender in each scenario

	Pods           int // and 400 Deployments in 40 namespaces
	CRs            int // custom resources
	ConfigMaps     int
	Nodes          int
	EndpointSlices int

	ProtoEvents   int // of a flood to a typed informer
	JSONEvents    int // of a flood to a dynamic one
	ChurnRounds   int // how often each pod is replaced
	LatencyEvents int
	LatencyRate   int // events a second

	Million    int // pods in the one process that holds as many as it can; 0 leaves that out
	ColdBuilds int // of each smallest program; 0 builds it once, with the build cache there is
	RealPods   int // in the real API server; 0 leaves that out
}

// Full is what is published.
var Full = Scale{
	Runs: 5,
	Pods: 20_000, CRs: 10_000, ConfigMaps: 5_000, Nodes: 2_000, EndpointSlices: 5_000,
	ProtoEvents: 60_000, JSONEvents: 15_000, ChurnRounds: 10, LatencyEvents: 5_000, LatencyRate: 1_000,
	Million: 1_000_000, ColdBuilds: 5, RealPods: 20_000,
}

// Quick has the same figures but for the cold build and the real API server, from fewer runs.
var Quick = Scale{
	Runs: 2,
	Pods: 20_000, CRs: 5_000, ConfigMaps: 2_000, Nodes: 1_000, EndpointSlices: 2_000,
	ProtoEvents: 40_000, JSONEvents: 5_000, ChurnRounds: 10, LatencyEvents: 2_000, LatencyRate: 1_000,
	Million: 1_000_000,
}

// Smoke is for the tests: everything happens, nothing is measured well.
var Smoke = Scale{
	Runs: 1,
	Pods: 200, CRs: 50, ConfigMaps: 50, Nodes: 20, EndpointSlices: 50,
	ProtoEvents: 500, JSONEvents: 500, ChurnRounds: 2, LatencyEvents: 100, LatencyRate: 1_000,
	Million: 1_000,
}
