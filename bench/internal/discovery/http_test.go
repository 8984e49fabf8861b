package discovery_test

import (
	"net/http"
	"os"
	"sync/atomic"
	"testing"

	"k8s.io/client-go/discovery/cached/disk"
	clientgorest "k8s.io/client-go/rest"

	"github.com/skiff-k8s/skiff/discovery"
	"github.com/skiff-k8s/skiff/rest"
)

// counting counts the answers that bring a body, and those that confirm the client's.
type counting struct {
	next             http.RoundTripper
	whole, confirmed *atomic.Int64
}

func (c counting) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := c.next.RoundTrip(r)
	if err == nil && resp.StatusCode == http.StatusNotModified {
		c.confirmed.Add(1)
	} else {
		c.whole.Add(1)
	}
	return resp, err
}

// run makes the requests of one process for the aggregated discovery and for one OpenAPI document.
// It returns how many answers brought a body, and how many were confirmed.
func runOurs(t *testing.T, dir string) (whole, confirmed int64) {
	t.Helper()
	var w, n atomic.Int64
	c := ours(t, func(cfg *rest.Config) {
		cfg.Wrap(func(next http.RoundTripper) http.RoundTripper { return counting{next, &w, &n} })
		discovery.CacheHTTP(cfg, dir)
	})
	if catalog, err := discovery.New(c).Catalog(soon(t)); err != nil || len(catalog.Groups) < 20 {
		t.Errorf("%v", err)
	}
	return w.Load(), n.Load()
}

func runTheirs(t *testing.T, dir string) (whole, confirmed int64) {
	t.Helper()
	var w, n atomic.Int64
	cfg := clientgorest.CopyConfig(theirs(t))
	cfg.Wrap(func(next http.RoundTripper) http.RoundTripper { return counting{next, &w, &n} })
	d, err := disk.NewCachedDiscoveryClientForConfig(cfg, t.TempDir(), dir, 0)
	if err != nil {
		t.Fatal(err)
	}
	if groups, err := d.ServerGroups(); err != nil || len(groups.Groups) < 20 {
		t.Errorf("%v", err)
	}
	return w.Load(), n.Load()
}

// Either confirms what the other keeps of aggregated discovery, by its ETag.
func TestTheHTTPCacheIsShared(t *testing.T) {
	for name, runs := range map[string][2]func(*testing.T, string) (int64, int64){
		"client-go reads what skiff wrote": {runOurs, runTheirs},
		"skiff reads what client-go wrote": {runTheirs, runOurs},
	} {
		dir := t.TempDir()
		if whole, confirmed := runs[0](t, dir); whole != 2 || confirmed != 0 {
			t.Errorf("%s: the first: %d whole answers, %d confirmed", name, whole, confirmed)
		}
		if whole, confirmed := runs[1](t, dir); whole != 0 || confirmed != 2 {
			t.Errorf("%s: the second: %d whole answers, %d confirmed", name, whole, confirmed)
		}
		if files, _ := os.ReadDir(dir); len(files) != 2 && len(files) != 3 { // with diskv's folder
			t.Errorf("%s: %v", name, files)
		}
	}
}
