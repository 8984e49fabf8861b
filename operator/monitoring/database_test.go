package monitoring

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/util/annotations"
)

// scrapeEvery is the time between two scrapes, and between two evaluations of the rules.
const scrapeEvery = 30 * time.Second

// database has what was scraped. One goroutine fills it; it is read after that.
type database struct {
	series map[string]*series
	named  map[string][]*series        // by the name of the metric
	types  map[string]model.MetricType // of a family
	last   map[string][]*series        // by target: what the last scrape brought
	times  []time.Time                 // of the scrapes
}

// notes are warnings of a storage, which this one has none of.
type notes = annotations.Annotations

type series struct {
	labels  labels.Labels
	samples []chunks.Sample
}

func newDatabase() *database {
	return &database{series: map[string]*series{}, named: map[string][]*series{},
		types: map[string]model.MetricType{}, last: map[string][]*series{}}
}

// scrape takes in what /metrics of a target answered: the text format, or nil if it did not. As
// Prometheus does, it marks series that are gone as stale, and adds up. An instance with a slash is
// of the namespace before it, and of "web" without one.
func (d *database) scrape(at time.Time, instance string, text []byte) error {
	if len(d.times) == 0 || d.times[len(d.times)-1].Before(at) {
		d.times = append(d.times, at)
	}
	namespace, _, named := strings.Cut(instance, "/")
	if !named {
		namespace = "web"
	}
	var now []*series
	add := func(l labels.Labels, v float64) {
		b := labels.NewBuilder(l)
		b.Set("job", "operators").Set("namespace", namespace).Set("instance", instance)
		l = b.Labels()
		key := l.String()
		s := d.series[key]
		if s == nil {
			s = &series{labels: l}
			d.series[key] = s
			name := l.Get(model.MetricNameLabel)
			d.named[name] = append(d.named[name], s)
		}
		s.samples = append(s.samples, sample{at.UnixMilli(), v})
		now = append(now, s)
	}
	if text == nil {
		add(labels.FromStrings(model.MetricNameLabel, "up"), 0)
	} else {
		add(labels.FromStrings(model.MetricNameLabel, "up"), 1)
	}
	p := textparse.NewPromParser(text, labels.NewSymbolTable(), false)
	for {
		entry, err := p.Next()
		switch {
		case errors.Is(err, io.EOF):
			d.stale(instance, at)
			d.last[instance] = now
			return nil
		case err != nil:
			return fmt.Errorf("parse /metrics of %s: %w", instance, err)
		case entry == textparse.EntryType:
			name, t := p.Type()
			d.types[string(name)] = t
		case entry == textparse.EntrySeries:
			_, _, v := p.Series()
			var l labels.Labels
			p.Labels(&l)
			add(l, v)
		}
	}
}

// stale marks the series of the target's last scrape that it does not have at this time.
func (d *database) stale(instance string, at time.Time) {
	for _, s := range d.last[instance] {
		if s.samples[len(s.samples)-1].T() < at.UnixMilli() {
			s.samples = append(s.samples, sample{at.UnixMilli(), math.Float64frombits(value.StaleNaN)})
		}
	}
}

// gone ends the series of a target that is not scraped any more.
func (d *database) gone(instance string) { d.stale(instance, d.end().Add(time.Millisecond)) }

// end returns the time of the last scrape.
func (d *database) end() time.Time { return d.times[len(d.times)-1] }

// engine is that of Prometheus, with its defaults.
var engine = promql.NewEngine(promql.EngineOpts{
	MaxSamples: 50_000_000, Timeout: 2 * time.Minute, LookbackDelta: 5 * time.Minute,
	EnableAtModifier: true, EnableNegativeOffset: true,
	NoStepSubqueryIntervalFn: func(int64) int64 { return time.Minute.Milliseconds() },
})

// query returns the samples of an expression at a time.
func (d *database) query(ctx context.Context, expr string, at time.Time) (promql.Vector, error) {
	q, err := engine.NewInstantQuery(ctx, d, nil, expr, at)
	if err != nil {
		return nil, fmt.Errorf("query %q: %w", expr, err)
	}
	defer q.Close()
	r := q.Exec(ctx)
	if r.Err != nil {
		return nil, fmt.Errorf("query %q: %w", expr, r.Err)
	}
	v, err := r.Vector()
	if err != nil {
		return nil, fmt.Errorf("query %q: %w", expr, err)
	}
	for i, s := range v {
		v[i].Metric = s.Metric.Copy()
	}
	return slices.Clone(v), nil // Close gives the memory back
}

// Querier makes it a storage.Queryable.
func (d *database) Querier(int64, int64) (storage.Querier, error) { return querier{d}, nil }

type querier struct{ d *database }

func (q querier) Select(_ context.Context, _ bool, _ *storage.SelectHints, ms ...*labels.Matcher) storage.SeriesSet {
	set := &seriesSet{}
	var name string
	for _, m := range ms {
		if m.Name == model.MetricNameLabel && m.Type == labels.MatchEqual {
			name = m.Value
		}
	}
	for _, s := range q.d.named[name] {
		if !slices.ContainsFunc(ms, func(m *labels.Matcher) bool { return !m.Matches(s.labels.Get(m.Name)) }) {
			set.all = append(set.all, s)
		}
	}
	slices.SortFunc(set.all, func(a, b *series) int { return labels.Compare(a.labels, b.labels) })
	return set
}

func (querier) LabelValues(context.Context, string, *storage.LabelHints, ...*labels.Matcher) ([]string, notes, error) {
	return nil, nil, errors.ErrUnsupported
}

func (querier) LabelNames(context.Context, *storage.LabelHints, ...*labels.Matcher) ([]string, notes, error) {
	return nil, nil, errors.ErrUnsupported
}

func (querier) Close() error { return nil }

type seriesSet struct {
	all []*series
	at  int // of the next one
}

func (s *seriesSet) Next() bool      { s.at++; return s.at <= len(s.all) }
func (s *seriesSet) Err() error      { return nil }
func (s *seriesSet) Warnings() notes { return nil }
func (s *seriesSet) At() storage.Series {
	one := s.all[s.at-1]
	return storage.NewListSeries(one.labels, one.samples)
}

// sample is a value at a time, in milliseconds.
type sample struct {
	t int64
	v float64
}

func (s sample) T() int64                      { return s.t }
func (s sample) F() float64                    { return s.v }
func (s sample) ST() int64                     { return 0 }
func (s sample) H() *histogram.Histogram       { return nil }
func (s sample) FH() *histogram.FloatHistogram { return nil }
func (s sample) Type() chunkenc.ValueType      { return chunkenc.ValFloat }
func (s sample) Copy() chunks.Sample           { return s }

// family returns the family of a series: the name in its TYPE line.
func (d *database) family(name string) (string, model.MetricType, bool) {
	if t, ok := d.types[name]; ok {
		return name, t, true
	}
	for _, suffix := range []string{"_bucket", "_sum", "_count"} {
		if base, ok := strings.CutSuffix(name, suffix); ok && d.types[base] == model.MetricTypeHistogram {
			return base, model.MetricTypeHistogram, true
		}
	}
	return "", "", false
}
