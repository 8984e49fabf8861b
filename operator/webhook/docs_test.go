package webhook_test

import (
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/skiff-k8s/skiff/operator/webhook"
)

// docs/webhooks.md names the series that there are, and no others.
func TestTheDocsNameTheSeries(t *testing.T) {
	data, err := os.ReadFile("../../docs/webhooks.md")
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile(`\b(?:skiff|controller_runtime)_webhook_[a-z_]+`).FindAllString(string(data), -1)
	slices.Sort(named)
	registry := prometheus.NewRegistry()
	descriptions := make(chan *prometheus.Desc, 100)
	if err := webhook.NewServer(webhook.Options{}).Register(described{registry, descriptions}); err != nil {
		t.Fatal(err)
	}
	close(descriptions)
	var have []string
	for d := range descriptions {
		have = append(have, regexp.MustCompile(`fqName: "([^"]+)"`).FindStringSubmatch(d.String())[1])
	}
	slices.Sort(have)
	if !slices.Equal(named, have) {
		t.Errorf("docs/webhooks.md names\n%q, there are\n%q", named, have)
	}
}

// described sends the descriptions of what is registered.
type described struct {
	prometheus.Registerer
	to chan<- *prometheus.Desc
}

func (d described) Register(c prometheus.Collector) error {
	c.Describe(d.to)
	return d.Registerer.Register(c)
}
