package operator

import (
	"maps"
	"runtime/debug"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/skiff-k8s/skiff/controller"
	"github.com/skiff-k8s/skiff/informer"
)

// states collects what has a state, at each scrape.
type states Metrics

// desc returns the description of a series. The labels are those of every series of its kind.
func desc(labels []string, name, help string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

var (
	ofInformer   = []string{"resource", "informer", "host"}
	ofController = []string{"controller"}
	// Existing dashboards use name; newer ones of controller-runtime use controller.
	ofQueue = []string{"name", "controller"}

	informerObjects = desc(ofInformer, "skiff_informer_objects", "Objects in the cache.")
	informerPacked  = desc(ofInformer, "skiff_informer_packed_bytes",
		"Memory of the cached objects as they are stored, in bytes, what they share included.")
	informerDecoded = desc(ofInformer, "skiff_informer_decoded_bytes",
		"Memory of the objects that are kept decoded, in bytes.")
	informerRaw = desc(ofInformer, "skiff_informer_unpacked_bytes",
		"Size that the cached objects would have if they were not packed, in bytes.")
	informerEvents = desc(ofInformer, "skiff_informer_events_total",
		"Watch events received, bookmarks included.")
	informerLists = desc(ofInformer, "skiff_informer_lists_total",
		"Lists completed: the first one, and each relist.")
	informerWatches  = desc(ofInformer, "skiff_informer_watches_total", "Watches opened.")
	informerSynced   = desc(ofInformer, "skiff_informer_synced", "Whether the initial list is in the cache.")
	informerFailures = desc(ofInformer, "skiff_informer_failures",
		"Attempts that have failed since the last one that did not. 0 is healthy.")
	informerLag = desc(ofInformer, "skiff_informer_lag_seconds",
		"Time since the first attempt failed after which none has succeeded; 0 while the informer works.")
	informerUnwatchable = desc(ofInformer, "skiff_informer_unwatchable",
		"Whether the server refuses watches, so that the resource is listed every few minutes.")
	informerLastError = desc(ofInformer, "skiff_informer_last_error_timestamp_seconds",
		"When the last error occurred, which may be over; 0 if there was none. The log has its text.")

	// As controller-runtime has it, with its numbers of priorities.
	queueDepth = desc([]string{"name", "controller", "priority"}, "workqueue_depth",
		"Keys that are queued, by priority: 0, and -100 for those of lists and resyncs.")
	queueUnfinished = desc(ofQueue, "workqueue_unfinished_work_seconds",
		"Time for which the keys that are being processed have been so far, summed.")
	queueLongest = desc(ofQueue, "workqueue_longest_running_processor_seconds",
		"The largest part of that sum.")
	queueDelayed = desc(ofQueue, "skiff_workqueue_delayed", "Keys that wait out a delay.")

	reconcileTotal = desc([]string{"controller", "result"}, "controller_runtime_reconcile_total",
		"Reconciles that have ended, by result.")
	reconcileErrors = desc(ofController, "controller_runtime_reconcile_errors_total",
		"Reconciles that have returned an error.")
	reconcileGivenUp = desc(ofController, "skiff_controller_given_up_total",
		"Reconciles after which a key was left to its next event: a terminal error, or retries used up.")
	reconcileTerminal = desc(ofController, "controller_runtime_terminal_reconcile_errors_total",
		"Reconciles that have returned a terminal error.")
	reconcilePanics = desc(ofController, "controller_runtime_reconcile_panics_total",
		"Reconciles that have panicked.")
	reconcileTimeouts = desc(ofController, "controller_runtime_reconcile_timeouts_total",
		"Reconciles that have failed because their ReconcileTimeout was over.")
	reconcileFailing = desc(ofController, "skiff_controller_failing_keys",
		"Keys whose last reconcile failed, terminal errors excepted; at most 1000.")
	reconcileLongest = desc(ofController, "skiff_controller_failing_longest_seconds",
		"Time since the first failure of the key among them that fails for the longest.")
	reconcileHolds = desc(ofController, "skiff_controller_holds_total",
		"Times that a key was held until the caches have seen its own writes.")
	reconcileExpired = desc(ofController, "skiff_controller_holds_expired_total",
		"Holds that ended by the write timeout.")
	queueOldest = desc(ofQueue, "skiff_workqueue_oldest_key_seconds",
		"How long the key at the head of the queue has been queued; 0 if the queue is empty.")
	reconcileWorkers = desc(ofController, "controller_runtime_max_concurrent_reconciles",
		"Keys that are reconciled at once, at most.")
	reconcileActive = desc(ofController, "controller_runtime_active_workers", "Keys that are being reconciled.")
	reconcileHeld   = desc(ofController, "skiff_controller_held_keys",
		"Keys that wait until the caches have seen their own writes.")

	leaderStatus = desc([]string{"name"}, "leader_election_master_status", "Whether this replica leads, by the name of the Lease.")
)

// Describe sends the descriptions of all series.
func (s *states) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		informerObjects, informerPacked, informerDecoded, informerRaw, informerEvents, informerLists,
		informerWatches, informerSynced, informerFailures, informerLag, informerLastError,
		informerUnwatchable,
		queueDepth, queueUnfinished, queueLongest, queueDelayed, queueOldest,
		reconcileTotal, reconcileErrors, reconcileTerminal, reconcilePanics, reconcileGivenUp, reconcileWorkers,
		reconcileTimeouts, reconcileFailing, reconcileLongest, reconcileActive, reconcileHeld, reconcileHolds, reconcileExpired,
		leaderStatus,
	} {
		out <- d
	}
}

// Collect sends the states of this moment.
func (s *states) Collect(out chan<- prometheus.Metric) {
	m := (*Metrics)(s)
	m.mu.Lock()
	factories, controllers := slices.Clone(m.factories), slices.Clone(m.controllers)
	leaders, failing := maps.Clone(m.leaders), maps.Clone(m.failing)
	m.mu.Unlock()
	for _, i := range allInformers(factories) {
		collectInformer(out, i, time.Now())
	}
	for _, c := range controllers {
		collectController(out, c.Name(), c.Stats(), failing[c])
	}
	for name, leads := range leaders {
		gauge(out, leaderStatus, bit(leads()), name)
	}
}

func collectInformer(out chan<- prometheus.Metric, i named, now time.Time) {
	s := i.Status()
	labels := []string{i.Kind().GVR().GroupResource().String(), i.name(), i.host}
	gauge(out, informerObjects, float64(s.Objects), labels...)
	gauge(out, informerPacked, float64(s.PackedBytes+s.Cache.BaseBytes), labels...)
	gauge(out, informerDecoded, float64(s.Cache.DecodedBytes), labels...)
	gauge(out, informerRaw, float64(s.Cache.RawBytes), labels...)
	count(out, informerEvents, float64(s.Events), labels...)
	count(out, informerLists, float64(s.Lists), labels...)
	count(out, informerWatches, float64(s.Watches), labels...)
	gauge(out, informerSynced, bit(s.Synced), labels...)
	gauge(out, informerFailures, float64(s.Failures), labels...)
	gauge(out, informerUnwatchable, bit(s.Unwatchable != nil), labels...)
	gauge(out, informerLag, lag(s, now).Seconds(), labels...)
	last := 0.0
	if !s.LastErrorAt.IsZero() {
		last = float64(s.LastErrorAt.UnixMilli()) / 1e3
	}
	gauge(out, informerLastError, last, labels...)
}

// lag returns for how long the cache has got nothing from its server. While a watch is open the
// server sends changes as they happen, and lag is 0.
func lag(s informer.Status, now time.Time) time.Duration {
	if s.FailingSince.IsZero() {
		return 0
	}
	return max(now.Sub(s.FailingSince), 0)
}

func collectController(out chan<- prometheus.Metric, name string, s controller.Stats, f *failing) {
	gauge(out, queueDepth, float64(s.Queue.Depth-s.Queue.Low), name, name, "0")
	gauge(out, queueDepth, float64(s.Queue.Low), name, name, "-100")
	gauge(out, queueUnfinished, s.Queue.UnfinishedWork.Seconds(), name, name)
	gauge(out, queueLongest, s.Queue.LongestRunningProcessor.Seconds(), name, name)
	gauge(out, queueDelayed, float64(s.Queue.Delayed), name, name)
	gauge(out, queueOldest, s.OldestWait.Seconds(), name, name)
	count(out, reconcileTotal, float64(s.Succeeded-s.Requeued), name, "success")
	count(out, reconcileTotal, float64(s.Requeued), name, "requeue_after")
	count(out, reconcileTotal, float64(s.Failed), name, "error")
	count(out, reconcileErrors, float64(s.Failed), name)
	count(out, reconcileGivenUp, float64(s.GivenUp), name)
	count(out, reconcileTerminal, float64(s.Terminal), name)
	count(out, reconcilePanics, float64(s.Panics), name)
	count(out, reconcileTimeouts, float64(s.Timeouts), name)
	keys, longest := f.state(time.Now())
	gauge(out, reconcileFailing, float64(keys), name)
	gauge(out, reconcileLongest, longest.Seconds(), name)
	count(out, reconcileHolds, float64(s.Holds), name)
	count(out, reconcileExpired, float64(s.HoldsExpired), name)
	gauge(out, reconcileWorkers, float64(s.Workers), name)
	gauge(out, reconcileActive, float64(s.Active), name)
	gauge(out, reconcileHeld, float64(s.Held), name)
}

func gauge(out chan<- prometheus.Metric, d *prometheus.Desc, v float64, labels ...string) {
	out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
}

func count(out chan<- prometheus.Metric, d *prometheus.Desc, v float64, labels ...string) {
	out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, v, labels...)
}

func bit(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// buildInfo returns skiff_build_info: the versions of the program and of skiff, as Go's linker has
// them.
func buildInfo() prometheus.Collector {
	version, skiff, revision, goVersion := "unknown", "unknown", "unknown", "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		version, goVersion = info.Main.Version, info.GoVersion
		for _, d := range info.Deps {
			if d.Path == "github.com/skiff-k8s/skiff" {
				skiff = d.Version
			}
		}
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				revision = s.Value
			}
		}
	}
	g := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "skiff_build_info", Help: "The versions of the program, of skiff and of Go. Always 1.",
		ConstLabels: prometheus.Labels{"version": version, "skiff": skiff, "revision": revision,
			"goversion": goVersion},
	})
	g.Set(1)
	return g
}
