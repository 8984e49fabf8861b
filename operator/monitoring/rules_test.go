package monitoring

import (
	"context"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
)

const (
	alertsFile    = "../../docs/monitoring/alerts.yaml"
	dashboardFile = "../../docs/monitoring/dashboard.json"
)

// alerts returns the alert rules, which Prometheus' own parser accepts.
func alerts(t *testing.T) []rulefmt.Rule {
	t.Helper()
	data, err := os.ReadFile(alertsFile)
	if err != nil {
		t.Fatal(err)
	}
	groups, errs := rulefmt.Parse(data, false, model.UTF8Validation)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	var all []rulefmt.Rule
	for _, g := range groups.Groups {
		all = append(all, g.Rules...)
	}
	return all
}

// docs/operating.md has a line for each alert.
func TestTheDocsNameEachAlert(t *testing.T) {
	data, err := os.ReadFile("../../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, rule := range alerts(t) {
		if !strings.Contains(string(data), "\n| `"+rule.Alert+"` | ") {
			t.Errorf("docs/operating.md does not name %s", rule.Alert)
		}
	}
}

// firing is an alert that fires.
type firing struct {
	labels labels.Labels
	after  time.Duration // since the first scrape
	value  float64
}

// fire evaluates the rules at each scrape, as Prometheus does, and returns the alerts that fired, with
// the first time of each.
func (d *database) fire(t *testing.T, rules []rulefmt.Rule) map[string]firing {
	t.Helper()
	fired := map[string]firing{}
	for _, rule := range rules {
		active := map[uint64]time.Time{}
		for _, at := range d.times {
			v, err := d.query(context.Background(), rule.Expr, at)
			if err != nil {
				t.Fatal(err)
			}
			now := map[uint64]time.Time{}
			for _, s := range v {
				id := s.Metric.Hash()
				since, was := active[id]
				if !was {
					since = at
				}
				now[id] = since
				if _, known := fired[rule.Alert]; !known && at.Sub(since) >= time.Duration(rule.For) {
					fired[rule.Alert] = firing{s.Metric, at.Sub(d.times[0]), s.F}
				}
			}
			active = now
		}
	}
	return fired
}

var labelsIn = regexp.MustCompile(`\$labels\.(\w+)`)

// wantFiring checks that these alerts fired and no others, and that the labels that their texts name
// are there.
func (d *database) wantFiring(t *testing.T, want ...string) {
	t.Helper()
	rules := alerts(t)
	fired := d.fire(t, rules)
	slices.Sort(want)
	if got := slices.Sorted(maps.Keys(fired)); !slices.Equal(got, want) {
		t.Errorf("the alerts %q fire, want %q", got, want)
	}
	for _, rule := range rules {
		f, ok := fired[rule.Alert]
		if !ok {
			continue
		}
		t.Logf("%s fires after %v with %v: %s", rule.Alert, f.after, f.value, f.labels)
		for what, text := range rule.Annotations {
			for _, m := range labelsIn.FindAllStringSubmatch(text, -1) {
				if f.labels.Get(m[1]) == "" {
					t.Errorf("the %s of %s names the label %s, and there are %s", what, rule.Alert, m[1], f.labels)
				}
			}
		}
		seen.add(rule.Alert)
	}
}

// A leader of another namespace, by a Lease of the same name, is no leader here.
func TestALeaderOfAnotherNamespace(t *testing.T) {
	db, at := newDatabase(), time.Now()
	for range 10 {
		for instance, leads := range map[string]string{"a/web-0": "1", "b/web-0": "0"} {
			text := "# TYPE leader_election_master_status gauge\nleader_election_master_status{name=\"web\"} " + leads + "\n"
			if err := db.scrape(at, instance, []byte(text)); err != nil {
				t.Fatal(err)
			}
		}
		at = at.Add(scrapeEvery)
	}
	db.wantFiring(t, "SkiffNobodyLeads")
}
