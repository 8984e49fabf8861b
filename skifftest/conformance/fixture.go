package conformance

import (
	"crypto/rand"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/skiff-k8s/skiff/rest"
)

// fixture is what the cases of one Run share.
type fixture struct {
	target *Target
	config *rest.Config // of client
	client *rest.Client
	id     string // of this Run, so that it can be repeated on one server
	group  string // of the custom kinds that cases share
	names  atomic.Int64

	widgets sync.Once
	ready   bool // guarded by widgets
	history sync.Once
	old     past // guarded by history
}

func newFixture(t *testing.T, target *Target) *fixture {
	config := target.Config.Copy()
	config.Compression = -1
	config.Wrap(notice)
	config.Warnings = func(rest.Warning) {}
	client, err := rest.NewClient(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	id := strings.ToLower(rand.Text()[:6])
	return &fixture{target: target, config: config, client: client, id: id, group: "r" + id + ".conformance.example.com"}
}

// nextName returns a name that is used once.
func (f *fixture) nextName() string { return fmt.Sprintf("c%s-%d", f.id, f.names.Add(1)) }
