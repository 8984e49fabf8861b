package operator

import (
	"context"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/skiff-k8s/skiff/controller"
	"github.com/skiff-k8s/skiff/election"
	"github.com/skiff-k8s/skiff/rest"
	"github.com/skiff-k8s/skiff/workqueue"
)

// Buckets in seconds. histogram_quantile works with any.
var (
	requestBuckets = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}
	queueBuckets   = []float64{.0001, .001, .005, .01, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 1000}
	sizeBuckets    = prometheus.ExponentialBuckets(64, 8, 8) // 64 B to 134 MB
)

// requestMetrics are the series of requests to API servers, with the names of component-base.
type requestMetrics struct {
	total, retries              *prometheus.CounterVec
	duration, limiter           *prometheus.HistogramVec
	requestBytes, responseBytes *prometheus.HistogramVec
}

func newRequestMetrics() requestMetrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	histogram := func(name, help string, buckets []float64) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help,
			Buckets: buckets}, []string{"verb", "host"})
	}
	return requestMetrics{
		total: counter("rest_client_requests_total",
			"HTTP requests, retries included, by status code, method and host; "+
				"<error> if there was no answer.",
			"code", "method", "host"),
		retries: counter("rest_client_request_retries_total",
			"HTTP requests that were retries, by status code, verb and host.", "code", "verb", "host"),
		duration: histogram("rest_client_request_duration_seconds",
			"Time from a call to its end, retries included; of a watch, to its first answer.", requestBuckets),
		limiter: histogram("rest_client_rate_limiter_duration_seconds",
			"Time for which the client's rate limiter held a request back.", requestBuckets),
		requestBytes: histogram("rest_client_request_size_bytes",
			"Size of requests' bodies, in bytes.", sizeBuckets),
		responseBytes: histogram("rest_client_response_size_bytes",
			"Size of answers, in bytes.", sizeBuckets),
	}
}

func (r *requestMetrics) collectors() []prometheus.Collector {
	return []prometheus.Collector{r.total, r.retries, r.duration, r.limiter, r.requestBytes, r.responseBytes}
}

// REST returns the functions that count the requests of a client, for the Metrics of its
// rest.Config.
func (m *Metrics) REST() *rest.Metrics {
	r := &m.requests
	return &rest.Metrics{
		Attempt: func(_ context.Context, info rest.RequestInfo, a rest.AttemptMetrics) {
			code := statusCode(a.Code)
			r.total.WithLabelValues(code, info.Method, info.Host).Inc()
			if a.Retry > 0 {
				r.retries.WithLabelValues(code, info.Verb, info.Host).Inc()
			}
		},
		Request: func(_ context.Context, info rest.RequestInfo, q rest.RequestMetrics) {
			took := q.Duration
			if info.Verb == "watch" || info.Verb == "connect" {
				took = q.Header
			}
			r.duration.WithLabelValues(info.Verb, info.Host).Observe(took.Seconds())
			r.limiter.WithLabelValues(info.Verb, info.Host).Observe(q.Held.Seconds())
			r.requestBytes.WithLabelValues(info.Verb, info.Host).Observe(float64(q.Sent))
			r.responseBytes.WithLabelValues(info.Verb, info.Host).Observe(float64(q.Received))
		},
	}
}

func statusCode(code int) string {
	if code == 0 {
		return "<error>"
	}
	return strconv.Itoa(code)
}

// controllerMetrics are the series that events of controllers and their queues make.
type controllerMetrics struct {
	adds, retries              *prometheus.CounterVec
	queued, worked, reconciled *prometheus.HistogramVec
	slowpath                   *prometheus.CounterVec
}

func newControllerMetrics() controllerMetrics {
	counter := func(name, help string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, ofQueue)
	}
	histogram := func(name, help string, labels []string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help,
			Buckets: queueBuckets}, labels)
	}
	return controllerMetrics{
		adds:    counter("workqueue_adds_total", "Turns that keys were queued for."),
		retries: counter("workqueue_retries_total", "Keys that were queued with a delay or a rate limit."),
		queued: histogram("workqueue_queue_duration_seconds",
			"Time for which keys were queued.", ofQueue),
		worked: histogram("workqueue_work_duration_seconds",
			"Time for which keys were processed.", ofQueue),
		reconciled: histogram("controller_runtime_reconcile_time_seconds",
			"Time that reconciles took.", ofController),
		slowpath: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "leader_election_slowpath_total",
			Help: "Renewals of the Lease that had to read it first."}, []string{"name"}),
	}
}

func (m *controllerMetrics) collectors() []prometheus.Collector {
	return []prometheus.Collector{m.adds, m.retries, m.queued, m.worked, m.reconciled, m.slowpath}
}

// observer returns the functions that count what a controller does.
func (m *controllerMetrics) observer(name string, f *failing) controller.Observer {
	reconciled := m.reconciled.WithLabelValues(name)
	return controller.Observer{
		Queue: m.queue(name),
		Reconcile: func(ctx context.Context, key any) (context.Context, func(controller.Outcome)) {
			return ctx, func(o controller.Outcome) {
				reconciled.Observe(o.Duration.Seconds())
				f.ended(key, o, time.Now())
			}
		},
	}
}

// queue returns the functions that count what a queue does.
func (m *controllerMetrics) queue(name string) workqueue.Metrics {
	adds, retries := m.adds.WithLabelValues(name, name), m.retries.WithLabelValues(name, name)
	queued, worked := m.queued.WithLabelValues(name, name), m.worked.WithLabelValues(name, name)
	return workqueue.Metrics{
		Adds:         adds.Inc,
		Retries:      retries.Inc,
		Latency:      func(d time.Duration) { queued.Observe(d.Seconds()) },
		WorkDuration: func(d time.Duration) { worked.Observe(d.Seconds()) },
	}
}

// Queue returns the functions that count what a work queue of the program's own does, for
// workqueue.WithMetrics. The queues of controllers are counted without it.
func (m *Metrics) Queue(name string) workqueue.Metrics { return m.events.queue(name) }

// Election returns the functions that count what an elector does, for election.Options.Metrics.
// Whether this replica leads is read when it is scraped, and needs no function.
func (m *Metrics) Election() election.Metrics {
	return election.Metrics{
		Leading:  func(name string, _ bool) { m.events.slowpath.WithLabelValues(name) }, // so that there is a 0
		Slowpath: func(name string) { m.events.slowpath.WithLabelValues(name).Inc() },
	}
}
