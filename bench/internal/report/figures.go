package report

import "github.com/skiff-k8s/skiff/bench/internal/stats"

// Figure is one measured quantity.
type Figure struct {
	Name   string // in results.json
	Title  string // in tables
	Unit   Unit
	More   bool    // more is better; otherwise less is
	Target *Target // the target; nil means none
}

// Group is the figures of one table.
type Group struct {
	Title   string
	Text    string // what the reader must know to read the table, as Markdown
	Figures []Figure
	Sides   []stats.Side // the columns beside skiff's and client-go's, left out where nothing was measured
}

// groups are all figures, in the order of the tables.
var groups = []Group{
	{
		Title: "Memory of what is cached",
		Text: "Heap that an informer's cache adds for each object, everything included (indexes, keys, dictionaries, " +
			"what the watch holds): `HeapAlloc` after two garbage collections, less what it was before the informer " +
			"was made, divided by the objects. skiff keeps what is read again decoded, within 16 MiB; " +
			"*undecoded* is skiff with a budget of 0, *decoded* is skiff told to keep the type decoded altogether. " +
			"The line of the custom index is what the heap grows by when one is added to the cache, divided by the pods.",
		Figures: []Figure{
			{Name: "heap_per_pod_typed", Title: "a pod, typed informer (protobuf)", Unit: Bytes, Target: atMost(600, "≤ 600 B, aim 450")},
			{Name: "heap_per_pod_dynamic", Title: "a pod, dynamic informer (JSON)", Unit: Bytes, Target: atMost(900, "≤ 900 B")},
			{Name: "heap_per_pod_read", Title: "a pod, typed informer, when each has been looked at three times", Unit: Bytes},
			{Name: "heap_per_index", Title: "one custom index of the pods (by spec.nodeName), a pod", Unit: Bytes, Target: atMost(25, "≤ 25 B")},
			{Name: "heap_per_cr_typed", Title: "a custom resource, typed informer (JSON)", Unit: Bytes},
			{Name: "heap_per_cr_dynamic", Title: "a custom resource, dynamic informer (JSON)", Unit: Bytes},
			{Name: "heap_per_configmap", Title: "a ConfigMap, typed informer", Unit: Bytes},
			{Name: "heap_per_node", Title: "a Node, typed informer", Unit: Bytes},
			{Name: "heap_per_endpointslice", Title: "an EndpointSlice, typed informer", Unit: Bytes},
		},
		Sides: []stats.Side{stats.SkiffUndecoded, stats.SkiffDecoded, stats.ClientGoStripped, stats.ControllerRuntime},
	},
	{
		Title: "The initial list",
		Text: "From before the informer is made until its handler has been told of every pod. Peak RSS is the " +
			"kernel's `VmHWM` at that moment, of a process that has done nothing else; CPU is user and system time of " +
			"the process.",
		Figures: []Figure{
			{Name: "peak_rss_sync", Title: "peak RSS, typed", Unit: Bytes, Target: atMostOf(1.0/10, "≤ 1/10")},
			{Name: "cpu_sync", Title: "CPU, typed", Unit: Seconds, Target: atMostOf(1.0/4, "≤ 1/4")},
			{Name: "wall_sync", Title: "wall time, typed", Unit: Seconds},
			{Name: "gc_share_sync", Title: "of the CPU for garbage collection, typed", Unit: Share},
			{Name: "peak_rss_sync_dynamic", Title: "peak RSS, dynamic", Unit: Bytes},
			{Name: "cpu_sync_dynamic", Title: "CPU, dynamic", Unit: Seconds},
			{Name: "wall_sync_dynamic", Title: "wall time, dynamic", Unit: Seconds},
			{Name: "gc_share_sync_dynamic", Title: "of the CPU for garbage collection, dynamic", Unit: Share},
		},
		Sides: []stats.Side{stats.ClientGoStripped, stats.ControllerRuntime},
	},
	{
		Title: "Watch events",
		Text: "A flood of changes of cached pods, sent as fast as the client reads, to an informer with one handler " +
			"that counts; the second of two such floods, the first of which warms up both sides. Events a second are the events sent, divided by the time from the handler's first call " +
			"to its last. A handler of skiff that lags far behind is told a key's changes merged into one; " +
			"the share that it was told one by one stands beside it. Latency is at a steady rate: from the " +
			"server's write of an event to the call of the handler.",
		Figures: []Figure{
			{Name: "watch_events_proto", Title: "events a second, protobuf", Unit: PerSecond, More: true, Target: atLeastTimes(4, "≥ 4×, aim 8×")},
			{Name: "cpu_per_event_proto", Title: "CPU an event, protobuf", Unit: Micros, Target: atMostOf(1.0/5, "≤ 1/5")},
			{Name: "gc_share_proto", Title: "of the CPU for garbage collection, protobuf", Unit: Share},
			{Name: "told_share_proto", Title: "told one by one, protobuf", Unit: Share, More: true},
			{Name: "watch_events_json", Title: "events a second, JSON (dynamic)", Unit: PerSecond, More: true, Target: atLeastTimes(15, "≥ 15×")},
			{Name: "cpu_per_event_json", Title: "CPU an event, JSON (dynamic)", Unit: Micros},
			{Name: "gc_share_json", Title: "of the CPU for garbage collection, JSON", Unit: Share},
			{Name: "told_share_json", Title: "told one by one, JSON", Unit: Share, More: true},
			{Name: "watch_events_endpointslices", Title: "events a second, EndpointSlices", Unit: PerSecond, More: true},
			{Name: "cpu_per_event_endpointslices", Title: "CPU an event, EndpointSlices", Unit: Micros},
			{Name: "gc_share_endpointslices", Title: "of the CPU for garbage collection, EndpointSlices", Unit: Share},
			{Name: "told_share_endpointslices", Title: "told one by one, EndpointSlices", Unit: Share, More: true},
			{Name: "latency_p50", Title: "latency to the handler, median", Unit: Micros},
			{Name: "latency_p99", Title: "latency to the handler, 99th percentile", Unit: Micros},
		},
		Sides: []stats.Side{stats.ClientGoStripped, stats.ControllerRuntime},
	},
	{
		Title: "Memory after churn",
		Text: "Every pod is replaced ten times, each time by one of a new name, uid and owner, as ten rollouts of " +
			"everything would. What a cache needs afterwards, beside what it needed before.",
		Figures: []Figure{
			{Name: "heap_after_churn", Title: "heap after, to heap before", Unit: Ratio, Target: atMost(1.10, "≤ 1.10")},
			{Name: "heap_per_pod_after_churn", Title: "a pod after it", Unit: Bytes},
			{Name: "cpu_per_event_churn", Title: "CPU an event of the churn", Unit: Micros},
		},
	},
	{
		Title: "Reads",
		Text: "CPU of the process for one call, garbage collection included. *To change*: a copy that is the " +
			"caller's own (skiff's `Get` and `List`; client-go's lister and `DeepCopy`, which those who change an object " +
			"must not forget; controller-runtime's `Get` and `List`, which copy). *To look at*: what must not be changed " +
			"(skiff's `View`; client-go's own pointer; controller-runtime's `UnsafeDisableDeepCopy`). *Cold*: objects never read " +
			"before; *hot*: the same few, again and again; *scan*: everything in turn. A list by selector " +
			"finds one Deployment's pods in all namespaces. For name, labels and version skiff's items are asked, for two fields " +
			"(spec.nodeName, status.phase) `Partial`. The columns *undecoded* and *decoded* are those of the first table.",
		Figures: reads(),
		Sides:   []stats.Side{stats.SkiffUndecoded, stats.SkiffDecoded, stats.ControllerRuntime},
	},
	{
		Title: "A million pods",
		Text: "1,000,000 pods, made by the replay server as it sends them, in one informer. With `GOGC=" + MillionGOGC + "`, as anyone would set " +
			"it for a cache of this size: more collections for less memory.",
		Figures: []Figure{
			{Name: "million_pods_rss", Title: "peak RSS", Unit: Bytes, Target: atMost(1e9, "< 1 GB, aim 512 MB")},
			{Name: "million_pods_heap", Title: "heap a pod", Unit: Bytes},
			{Name: "million_pods_wall", Title: "wall time to sync", Unit: Seconds},
			{Name: "million_pods_cpu", Title: "CPU to sync", Unit: Seconds},
		},
	},
	{
		Title: "The smallest informer program",
		Text: "The examples' informer of pods and the same written with client-go: stripped (`-trimpath -ldflags '-s -w'`), " +
			"the third-party modules that are linked into it, and the time of its build with an empty build cache (the modules being downloaded).",
		Figures: []Figure{
			{Name: "informer_binary", Title: "size of the program", Unit: Bytes},
			{Name: "informer_modules", Title: "third-party modules", Unit: Count},
			{Name: "informer_packages", Title: "packages", Unit: Count},
			{Name: "informer_cold_build", Title: "cold build", Unit: Seconds},
		},
	},
	{
		Title: "On a real API server",
		Text:  "kube-apiserver and etcd of this repository's control plane, filled with the same pods through the API.",
		Figures: []Figure{
			{Name: "real_heap_per_pod_typed", Title: "a pod, typed informer (protobuf)", Unit: Bytes},
			{Name: "real_peak_rss_sync", Title: "peak RSS of the initial list", Unit: Bytes},
			{Name: "real_cpu_sync", Title: "CPU of the initial list", Unit: Seconds},
			{Name: "real_wall_sync", Title: "wall time of the initial list", Unit: Seconds},
		},
	},
}

// MillionGOGC is the value of GOGC in the process with a million pods.
const MillionGOGC = "25"

// reads returns the figures of reading: one for each kind of read and pattern.
func reads() []Figure {
	var figures []Figure
	for _, what := range []struct{ name, title string }{
		{"get", "Get, to change"},
		{"view", "Get, to look at"},
		{"list", "List by selector, to change"},
		{"view_list", "List by selector, to look at"},
		{"list_all", "List all, to change"},
		{"view_all", "List all, to look at"},
	} {
		for _, pattern := range []string{"cold", "hot", "scan"} {
			f := Figure{Name: what.name + "_" + pattern, Title: what.title + ", " + pattern, Unit: Micros}
			if f.Name == "get_hot" {
				f.Target = atMostOf(3, "≤ 3×")
			}
			figures = append(figures, f)
		}
	}
	return append(figures,
		Figure{Name: "metadata_scan", Title: "Name, labels and version of each", Unit: Micros},
		Figure{Name: "fields_scan", Title: "Two fields of each", Unit: Micros})
}

// all returns every figure, in order.
func all() []Figure {
	var figures []Figure
	for _, g := range groups {
		figures = append(figures, g.Figures...)
	}
	return figures
}

// Known reports whether there is a figure with that name.
func Known(name string) bool {
	for _, f := range all() {
		if f.Name == name {
			return true
		}
	}
	return false
}
