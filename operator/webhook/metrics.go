package webhook

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are the series of a server. Where existing dashboards have a name, it is that one. A nil
// *metrics counts nothing.
type metrics struct {
	requests *prometheus.CounterVec
	latency  *prometheus.HistogramVec
	inFlight *prometheus.GaugeVec
	refused  *prometheus.CounterVec
	panics   prometheus.Counter
	tls      prometheus.Counter
	expiry   prometheus.GaugeFunc
}

func newMetrics(notAfter func() time.Time) *metrics {
	webhook := []string{"webhook"}
	return &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "controller_runtime_webhook_requests_total",
			Help: "Requests, by path and HTTP status. A review that is refused has the status 200."},
			[]string{"webhook", "code"}),
		latency: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "controller_runtime_webhook_latency_seconds",
			Help:    "Time that requests took.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}}, webhook),
		inFlight: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "controller_runtime_webhook_requests_in_flight",
			Help: "Requests that are being answered."}, webhook),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "skiff_webhook_refused_total",
			Help: "Reviews that were refused, by path and status in the review."},
			[]string{"webhook", "code"}),
		panics: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "controller_runtime_webhook_panics_total",
			Help: "Panics of webhooks' functions."}),
		tls: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "skiff_webhook_tls_handshake_errors_total",
			Help: "TLS handshakes that failed: clients that do not trust the certificate, for example."}),
		expiry: prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "skiff_webhook_certificate_expiry_timestamp_seconds",
			Help: "When the serving certificate expires; 0 while there is none."},
			func() float64 {
				if t := notAfter(); !t.IsZero() {
					return float64(t.Unix())
				}
				return 0
			}),
	}
}

func (m *metrics) collectors() []prometheus.Collector {
	return []prometheus.Collector{m.requests, m.latency, m.inFlight, m.refused, m.panics, m.tls, m.expiry}
}

// begin counts a request from its beginning to the call of end.
func (m *metrics) begin(h *Hook) (end func(code int)) {
	if m == nil {
		return func(int) {}
	}
	began := time.Now()
	inFlight := m.inFlight.WithLabelValues(h.path)
	inFlight.Inc()
	return func(code int) {
		inFlight.Dec()
		m.requests.WithLabelValues(h.path, strconv.Itoa(code)).Inc()
		m.latency.WithLabelValues(h.path).Observe(time.Since(began).Seconds())
	}
}

// answered counts what a review was answered.
func (m *metrics) answered(h *Hook, r reply) {
	if m == nil {
		return
	}
	if r.code != http.StatusOK && r.fault == "" {
		m.refused.WithLabelValues(h.path, strconv.Itoa(r.code)).Inc()
	}
	if r.panicked {
		m.panics.Inc()
	}
}

// statusWriter remembers the status of an answer.
type statusWriter struct {
	http.ResponseWriter
	code int
}

// Unwrap is for http.ResponseController.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *statusWriter) WriteHeader(code int) {
	w.code = code
	w.ResponseWriter.WriteHeader(code)
}
