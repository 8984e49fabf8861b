package discovery_test

import (
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/discovery/cached/disk"
	clientgorest "k8s.io/client-go/rest"

	"github.com/skiff-k8s/skiff/discovery"
	"github.com/skiff-k8s/skiff/rest"
)

func diskOurs(t *testing.T, dir string) (*discovery.Client, *atomic.Int64) {
	t.Helper()
	var n atomic.Int64
	c := ours(t, func(cfg *rest.Config) {
		cfg.Wrap(func(next http.RoundTripper) http.RoundTripper { return counting{next, &n, &n} })
	})
	return discovery.NewMemory(discovery.NewDisk(discovery.New(c), dir, 0)), &n
}

func diskTheirs(t *testing.T, dir string) (*disk.CachedDiscoveryClient, *atomic.Int64) {
	t.Helper()
	var n atomic.Int64
	cfg := clientgorest.CopyConfig(theirs(t))
	cfg.Wrap(func(next http.RoundTripper) http.RoundTripper { return counting{next, &n, &n} })
	d, err := disk.NewCachedDiscoveryClientForConfig(cfg, dir, "", 6*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return d, &n
}

// everything is what client-go's disk cache returns, in a fixed order.
func everything(t *testing.T, d *disk.CachedDiscoveryClient) ([]*metav1.APIGroup, []*metav1.APIResourceList) {
	t.Helper()
	groups, lists, err := d.ServerGroupsAndResources()
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(lists, func(a, b *metav1.APIResourceList) int { return strings.Compare(a.GroupVersion, b.GroupVersion) })
	for _, list := range lists {
		slices.SortFunc(list.APIResources, func(a, b metav1.APIResource) int { return strings.Compare(a.Name, b.Name) })
		for i := range list.APIResources {
			slices.Sort(list.APIResources[i].Verbs)
		}
	}
	return groups, lists
}

func TestClientGoReadsTheDirectoryThatSkiffWrote(t *testing.T) {
	dir := t.TempDir()
	mine, _ := diskOurs(t, dir)
	if _, err := mine.Catalog(soon(t)); err != nil {
		t.Fatal(err)
	}
	cached, n := diskTheirs(t, dir)
	groups, lists := everything(t, cached)
	if n.Load() != 0 {
		t.Errorf("client-go made %d requests", n.Load())
	}
	dir = t.TempDir()
	fresh, _ := diskTheirs(t, dir)
	everything(t, fresh)
	second, _ := diskTheirs(t, dir) // reads its own files
	wantGroups, wantLists := everything(t, second)
	if !reflect.DeepEqual(groups, wantGroups) {
		t.Errorf("groups are\n%+v, want\n%+v", groups, wantGroups)
	}
	for i := range wantLists {
		if i >= len(lists) || !reflect.DeepEqual(lists[i], wantLists[i]) {
			t.Errorf("%s is\n%+v, want\n%+v", wantLists[i].GroupVersion, lists[i], wantLists[i])
		}
	}
}

func TestSkiffReadsTheDirectoryThatClientGoWrote(t *testing.T) {
	dir := t.TempDir()
	cached, _ := diskTheirs(t, dir)
	everything(t, cached)
	mine, n := diskOurs(t, dir)
	fresh, err := discovery.New(ours(t)).Catalog(soon(t))
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, r := range fresh.Preferred() {
		got, err := mine.ForResource(soon(t), r.Info.Resource+"."+r.Info.Version+"."+r.Info.Group)
		found++
		slices.Sort(got.Verbs)
		if err != nil || !reflect.DeepEqual(got, r) {
			t.Errorf("%v is\n%+v, %v, want\n%+v", r.Info, got, err, r)
		}
	}
	if n.Load() != 0 || found < 50 {
		t.Errorf("%d requests for %d resources", n.Load(), found)
	}
	if catalog, err := mine.Catalog(soon(t)); err != nil || !reflect.DeepEqual(catalog.Groups, fresh.Groups) || n.Load() != 2 {
		t.Errorf("Catalog: %v, %d requests", err, n.Load())
	}
	if _, err := os.Stat(filepath.Join(dir, "catalog.json")); err != nil {
		t.Error(err)
	}
}
