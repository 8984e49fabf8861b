package discovery

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var (
	metrics  = schema.GroupVersion{Group: "metrics.k8s.io", Version: "v1beta1"}
	outdated = schema.GroupVersion{Group: "events.k8s.io", Version: "v1"} // with its resources
)

// aggregating serves the sample and metrics. While down is set, metrics is missing and events.k8s.io
// is outdated.
func aggregating(down *bool) *server {
	return newServer(func(context.Context, int) (*Catalog, error) {
		c := now(sample())
		g := Group{Name: metrics.Group, Versions: []GroupVersion{{Group: metrics.Group, Version: metrics.Version}}}
		if !*down {
			g.Versions[0].Resources = []Resource{res(metrics.Group, metrics.Version, "nodes", "NodeMetrics", false)}
		}
		c.Groups = append(c.Groups, g)
		if !*down {
			return c, nil
		}
		return c, &PartialError{Failed: map[schema.GroupVersion]error{
			metrics: ErrStale, outdated: errors.New("service unavailable"),
		}}
	})
}

// Another process uses a partial answer as the first one does, and knows that it is one.
func TestTheSecondProcessUsesAPartialAnswer(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		down := true
		first, second := aggregating(&down), aggregating(&down)
		want, _ := NewDisk(first, dir, 0).Catalog(t.Context())
		time.Sleep(time.Second - 1) // a lookup that finds nothing makes a request after that

		d := NewDisk(second, dir, 0)
		got, err := d.Catalog(t.Context())
		var partial *PartialError
		if !errors.As(err, &partial) || !reflect.DeepEqual(got.Groups, want.Groups) || !got.Fetched.Equal(want.Fetched) {
			t.Fatalf("%+v, %v", got, err)
		}
		if !errors.Is(err, ErrStale) || partial.Failed[metrics] != ErrStale || len(partial.Failed) != 2 ||
			partial.Failed[outdated].Error() != "service unavailable" {
			t.Errorf("the causes are %v", partial.Failed)
		}
		if _, err := d.ForResource(t.Context(), "deploy"); err != nil {
			t.Errorf("what is there: %v", err)
		}
		if k, err := d.ByGVR(t.Context(), outdated.WithResource("events")); err != nil || k.Kind != "Event" {
			t.Errorf("what is known of an outdated group: %v, %v", k, err)
		}
		if _, err := d.ByGVR(t.Context(), metrics.WithResource("nodes")); !errors.As(err, &partial) || meta.IsNoMatchError(err) {
			t.Errorf("what may be in the missing group: %v", err)
		}
		if _, err := d.ForResource(t.Context(), "certificates.cert-manager.io"); !meta.IsNoMatchError(err) {
			t.Errorf("what cannot be in the missing group: %v", err)
		}
		if second.count() != 0 {
			t.Errorf("%d requests", second.count())
		}
	})
}

// How long a partial answer is used depends on what is looked for. The bounds are the same in both
// caches, and a whole answer replaces it.
func TestHowLongAPartialAnswerIsUsed(t *testing.T) {
	pods := schema.GroupVersionKind{Version: "v1", Kind: "Pod"}
	calls := map[string]func(t *testing.T, d Interface) error{
		"Catalog": func(t *testing.T, d Interface) error { _, err := d.Catalog(t.Context()); return err },
		"a name":  func(t *testing.T, d Interface) error { _, err := d.ForResource(t.Context(), "po"); return err },
		"a resource of the outdated group": func(t *testing.T, d Interface) error {
			_, err := d.ByGVR(t.Context(), outdated.WithResource("events"))
			return err
		},
		"a kind of a whole group": func(t *testing.T, d Interface) error { _, err := d.ByGVK(t.Context(), pods); return err },
		"a name of a whole group": func(t *testing.T, d Interface) error { _, err := d.ForResource(t.Context(), "deploy.apps"); return err },
	}
	for name, call := range calls {
		bound := partialTTL - 1
		if strings.HasSuffix(name, "whole group") {
			bound = DefaultTTL
		}
		for cache, wrap := range caches(t) {
			t.Run(name+"/"+cache, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					down := true
					s := aggregating(&down)
					d := wrap(s)
					if _, err := d.Catalog(t.Context()); err == nil {
						t.Fatal("no PartialError")
					}
					down = false
					for _, pause := range []time.Duration{bound - 1, 1} { // below and at the bound
						time.Sleep(pause)
						_ = call(t, d)
						if s.count() != 1 {
							t.Fatalf("%d requests within %v", s.count(), bound)
						}
					}
					time.Sleep(time.Nanosecond)
					err := call(t, d)
					want := 2
					if bound == DefaultTTL && cache != "disk" {
						want = 1 // memory keeps it for ever, as a whole answer
					}
					if err != nil || s.count() != want {
						t.Errorf("%d requests after %v, want %d, %v", s.count(), bound+1, want, err)
					}
					if _, err := d.ByGVR(t.Context(), metrics.WithResource("nodes")); err != nil || s.count() != 2 {
						t.Errorf("the group that is back is not found: %v, %d requests", err, s.count())
					}
				})
			})
		}
	}
}

// A lookup that finds nothing asks the server, however new the partial answer is, at most once a
// second. What the server says then is on disk.
func TestAGroupThatComesBackIsFoundAtOnce(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		down := true
		_, _ = NewDisk(aggregating(&down), dir, 0).Catalog(t.Context())
		for _, c := range []struct {
			pause    time.Duration
			down     bool
			requests int
		}{{minRefresh - 1, true, 0}, {1, true, 1}, {minRefresh, false, 1}, {time.Hour, false, 0}} {
			time.Sleep(c.pause)
			down = c.down
			s := aggregating(&down)
			_, err := NewDisk(s, dir, 0).ForResource(t.Context(), "nodes.metrics.k8s.io")
			var partial *PartialError
			if s.count() != c.requests || (err != nil) != down || errors.As(err, &partial) != down {
				t.Errorf("down %t: %v, %d requests, want %d", c.down, err, s.count(), c.requests)
			}
		}
	})
}

// Callers that share a request and need different things each get what they need.
func TestWhoNeedsANewAnswerIsNotGivenAnOldPartialOne(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		down := true
		_, _ = NewDisk(aggregating(&down), dir, 0).Catalog(t.Context())
		time.Sleep(partialTTL)
		down = false
		s := aggregating(&down)
		m := NewMemory(&Client{source: slow{NewDisk(s, dir, 0).source}})
		done := make(chan error)
		go func() {
			_, err := m.ByGVK(t.Context(), schema.GroupVersionKind{Version: "v1", Kind: "Pod"})
			done <- err
		}()
		synctest.Wait()
		if _, err := m.Catalog(t.Context()); err != nil {
			t.Errorf("Catalog: %v", err)
		}
		if err := <-done; err != nil || s.count() != 1 {
			t.Errorf("%v, %d requests", err, s.count())
		}
	})
}

// slow is a source that takes a second.
type slow struct{ source }

func (s slow) catalog(ctx context.Context, n need) (*Catalog, error) {
	time.Sleep(time.Second)
	return s.source.catalog(ctx, n)
}

// A partial answer whose file says nothing of it would make a failed group an empty one.
func TestAFailedGroupIsNeverOnDiskAsAnEmptyOne(t *testing.T) {
	dir := t.TempDir()
	down := true
	_, _ = NewDisk(aggregating(&down), dir, 0).Catalog(t.Context())
	data, err := os.ReadFile(filepath.Join(dir, diskFile))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Format int
		Failed []struct{ Group, Version, Cause string }
	}
	if err := json.Unmarshal(data, &file); err != nil || file.Format != 2 || len(file.Failed) != 2 {
		t.Errorf("%+v, %v", file, err)
	}
}

// A file over the limit is neither read nor written.
func TestTheSizeOfTheFileHasALimit(t *testing.T) {
	for over, requests := range map[int64]int{-1: 0, 0: 0, 1: 1} {
		dir := t.TempDir()
		d := NewDisk(stable(), dir, 0)
		if got := d.source.(*disk).limit; got != maxDiskFile {
			t.Errorf("the limit is %d, want %d", got, maxDiskFile)
		}
		if _, err := d.Catalog(t.Context()); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(filepath.Join(dir, diskFile))
		if err != nil {
			t.Fatal(err)
		}
		limit := info.Size() - over
		catalog, _ := d.Catalog(t.Context()) // that of the file: another may be shorter, by its time
		reader := stable()
		second := NewDisk(reader, dir, 0)
		second.source.(*disk).limit = limit
		if _, err := second.Catalog(t.Context()); err != nil || reader.count() != requests {
			t.Errorf("%d over the limit: read with %d requests, want %d, %v", over, reader.count(), requests, err)
		}
		third := &disk{file: filepath.Join(t.TempDir(), diskFile), limit: limit}
		if err := third.write(catalog, nil); (err != nil) != (over > 0) {
			t.Errorf("%d over the limit: written, %v", over, err)
		}
		if _, err := os.Stat(third.file); (err != nil) != (over > 0) {
			t.Errorf("%d over the limit: the file, %v", over, err)
		}
	}
}
