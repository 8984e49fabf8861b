package operator

import (
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/skiff-k8s/skiff/controller"
	"github.com/skiff-k8s/skiff/informer"
)

// Metrics collects the metrics of an operator in a Prometheus registry. Where existing dashboards
// have a name for a series, it has that name: workqueue_*, controller_runtime_reconcile_*,
// rest_client_*, leader_election_master_status. The informers' are skiff_informer_*.
//
// What has a state (informers, queues, who leads) is read when /metrics is, and so is never stale.
// It is safe for concurrent use.
type Metrics struct {
	registry *prometheus.Registry
	requests requestMetrics
	events   controllerMetrics

	mu          sync.Mutex
	factories   []*informer.Factory
	controllers []*controller.Controller
	failing     map[*controller.Controller]*failing
	leaders     map[string]func() bool // by the name of the Lease
}

// NewMetrics returns metrics in the registry r, which may hold the program's own; nil means a new
// one. It adds those of the Go runtime and the process, unless r has them. A registry has one
// Metrics: NewMetrics panics if r has series of another.
func NewMetrics(r *prometheus.Registry) *Metrics {
	if r == nil {
		r = prometheus.NewRegistry()
	}
	m := &Metrics{registry: r, requests: newRequestMetrics(), events: newControllerMetrics(),
		failing: map[*controller.Controller]*failing{}, leaders: map[string]func() bool{}}
	for _, c := range []prometheus.Collector{
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	} {
		var already prometheus.AlreadyRegisteredError
		if err := r.Register(c); err != nil && !errors.As(err, &already) {
			panic(err)
		}
	}
	r.MustRegister(slices.Concat(m.requests.collectors(), m.events.collectors(),
		[]prometheus.Collector{(*states)(m), buildInfo()})...)
	return m
}

// Registry returns the registry, to add the program's own metrics to.
func (m *Metrics) Registry() *prometheus.Registry { return m.registry }

// ObserveFactories adds the informers of these factories, also those that they make later.
func (m *Metrics) ObserveFactories(factories ...*informer.Factory) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, f := range factories {
		if f != nil && !slices.Contains(m.factories, f) {
			m.factories = append(m.factories, f)
		}
	}
}

// ObserveControllers adds these controllers and their queues.
func (m *Metrics) ObserveControllers(controllers ...*controller.Controller) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range controllers {
		if c != nil && !slices.Contains(m.controllers, c) {
			m.controllers = append(m.controllers, c)
			m.failing[c] = &failing{since: map[any]time.Time{}}
			c.Observe(m.events.observer(c.Name(), m.failing[c]))
		}
	}
}

// ObserveLeader adds leader_election_master_status of an election, by the name of its Lease. leads
// reports whether this replica leads.
func (m *Metrics) ObserveLeader(name string, leads func() bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.leaders[name] = leads
}

const (
	// scrapeTimeout limits the answer to one scrape.
	scrapeTimeout = 10 * time.Second
	// maxScrapes is how many are answered at once. More are refused with 503.
	maxScrapes = 4
)

// Handler returns the handler of /metrics: the text format of Prometheus, or OpenMetrics if it is
// asked for. A series that cannot be collected is logged and left out. log may be nil, for
// slog.Default.
func (m *Metrics) Handler(log *slog.Logger) http.Handler {
	if log == nil {
		log = slog.Default()
	}
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		ErrorLog:            slog.NewLogLogger(log.Handler(), slog.LevelError),
		ErrorHandling:       promhttp.ContinueOnError,
		MaxRequestsInFlight: maxScrapes,
		Timeout:             scrapeTimeout,
		EnableOpenMetrics:   true,
	})
}
