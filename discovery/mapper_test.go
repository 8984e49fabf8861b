package discovery

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/skiff-k8s/skiff/kind"
)

func fixed(c *Catalog) *server {
	return newServer(func(context.Context, int) (*Catalog, error) { return now(c), nil })
}

// list writes what a mapper found, in one line.
func list[T any](all []T, one func(T) string) string {
	var out []string
	for _, x := range all {
		out = append(out, one(x))
	}
	return strings.Join(out, ", ")
}

func gvrText(r schema.GroupVersionResource) string {
	return r.GroupVersion().String() + " " + r.Resource
}

// gvrOf reads "group/version resource", either of which may be empty.
func gvrOf(text string) schema.GroupVersionResource {
	in, resource, _ := strings.Cut(text, " ")
	group, version, _ := strings.Cut(in, "/")
	return schema.GroupVersionResource{Group: group, Version: version, Resource: resource}
}

func TestMapperFindsResources(t *testing.T) {
	m := NewMapper(fixed(sample()))
	for partial, want := range map[string]string{
		"/ pods":                    "v1 pods",
		"/ Pod":                     "v1 pods",
		"/v1 pods":                  "v1 pods",
		"/__internal pods":          "v1 pods",
		"/ po":                      "example.com/v1 po", // a name counts more than a short name
		"/ events":                  "v1 events, events.k8s.io/v1 events",
		"/ ev":                      "v1 events, events.k8s.io/v1 events",
		"events.k8s.io/ ev":         "events.k8s.io/v1 events",
		"events/ events":            "events.k8s.io/v1 events", // the beginning of a group
		"events/ ev":                "events.k8s.io/v1 events",
		"events/v1 events":          "", // with a version a group is whole
		"example.com/ backups":      "example.com/v2 backups, example.com/v1 backups",
		"example.com/v1 backup":     "example.com/v1 backups",
		"example.com/v2 restores":   "",
		"/v2 backups":               "example.com/v2 backups",
		"/ policy":                  "example.com/v1 deploy",
		"/ svc":                     "v1 services, example.com/v1 backups",
		"/ deployments.apps":        "",
		"apps/ pods":                "",
		"/ nothing":                 "",
		"v1.example.com/ restores":  "v1.example.com/v1 restores",
		"example.com.more/ backups": "",
	} {
		all, err := m.ResourcesFor(gvrOf(partial))
		if got := list(all, gvrText); got != want || meta.IsNoMatchError(err) != (want == "") {
			t.Errorf("ResourcesFor(%s) = %q, %v; want %q", partial, got, err, want)
		}
		first, _, _ := strings.Cut(want, ", ")
		one, err := m.ResourceFor(gvrOf(partial))
		if got := gvrText(one); want != "" && got != first || (err != nil) != (want == "") {
			t.Errorf("ResourceFor(%s) = %q, %v; want %q", partial, got, err, first)
		}
		k, err := m.KindFor(gvrOf(partial))
		if err == nil && !strings.HasPrefix(first, k.GroupVersion().String()+" ") || (err != nil) != (want == "") {
			t.Errorf("KindFor(%s) = %v, %v; want that of %q", partial, k, err, first)
		}
		kinds, err := m.KindsFor(gvrOf(partial))
		if len(kinds) != len(all) || (err != nil) != (want == "") {
			t.Errorf("KindsFor(%s) = %v, %v", partial, kinds, err)
		}
	}
	for _, call := range []func() error{
		func() error { _, err := m.ResourceFor(schema.GroupVersionResource{Group: "apps"}); return err },
		func() error { _, err := m.KindFor(schema.GroupVersionResource{}); return err },
		func() error { _, err := m.ResourceSingularizer(""); return err },
	} {
		var misuse *kind.MisuseError
		if err := call(); !errors.As(err, &misuse) {
			t.Errorf("no resource: %v", err)
		}
	}
}

func TestMapperFindsMappings(t *testing.T) {
	m := NewMapper(fixed(sample()))
	for _, q := range []struct {
		gk       string
		versions []string
		want     string
	}{
		{"/Pod", nil, "v1 pods"},
		{"/pod", nil, "v1 pods"},
		{"/POD", nil, ""},
		{"/PodList", nil, ""},
		{"/", nil, ""},
		{"apps/Pod", nil, ""},
		{"example.com/Backup", nil, "example.com/v2 backups, example.com/v1 backups"},
		{"example.com/Backup", []string{"v1"}, "example.com/v1 backups"},
		{"example.com/Backup", []string{"v1", "v2"}, "example.com/v1 backups, example.com/v2 backups"},
		{"example.com/Backup", []string{"v9", "v2"}, "example.com/v2 backups"},
		{"example.com/Backup", []string{"", "__internal"}, "example.com/v2 backups, example.com/v1 backups"},
		{"example.com/Backup", []string{"v9"}, ""},
		{"example.com/Restore", nil, "example.com/v1 restores"},
		{"example/Restore", nil, ""},
	} {
		group, kindName, _ := strings.Cut(q.gk, "/")
		gk := schema.GroupKind{Group: group, Kind: kindName}
		all, err := m.RESTMappings(gk, q.versions...)
		got := list(all, func(r *meta.RESTMapping) string { return gvrText(r.Resource) })
		if got != q.want || meta.IsNoMatchError(err) != (q.want == "") {
			t.Errorf("RESTMappings(%s, %q) = %q, %v; want %q", q.gk, q.versions, got, err, q.want)
		}
		one, err := m.RESTMapping(gk, q.versions...)
		if first, _, _ := strings.Cut(q.want, ", "); first != "" && (err != nil || gvrText(one.Resource) != first ||
			!strings.EqualFold(one.GroupVersionKind.Kind, kindName) || one.GroupVersionKind.Kind == strings.ToLower(kindName)) {
			t.Errorf("RESTMapping(%s, %q) = %+v, %v; want %q", q.gk, q.versions, one, err, first)
		}
		var none *meta.NoKindMatchError
		if q.want == "" && (!errors.As(err, &none) || none.GroupKind != gk || !reflect.DeepEqual(none.SearchedVersions, q.versions)) {
			t.Errorf("RESTMapping(%s, %q): %v", q.gk, q.versions, err)
		}
	}
	for k, want := range map[string]meta.RESTScope{"Backup": meta.RESTScopeNamespace, "Restore": meta.RESTScopeRoot} {
		if r, err := m.RESTMapping(schema.GroupKind{Group: "example.com", Kind: k}); err != nil || r.Scope != want {
			t.Errorf("the scope of %s: %+v, %v", k, r, err)
		}
	}
}

func TestMapperListsTheCandidatesOfWhatIsAmbiguous(t *testing.T) {
	c := sample()
	v1 := &c.Groups[3].Versions[1]
	v1.Resources = append(v1.Resources,
		res("example.com", "v1", "archives", "Backup", true, "svc"),
		res("example.com", "v1", "restore", "Undo", true))
	c.Groups[3].Versions = c.Groups[3].Versions[1:]
	m := NewMapper(fixed(c))

	var kinds *meta.AmbiguousKindError
	_, err := m.RESTMapping(schema.GroupKind{Group: "example.com", Kind: "Backup"})
	if !errors.As(err, &kinds) || list(kinds.MatchingResources, gvrText) != "example.com/v1 backups, example.com/v1 archives" ||
		!strings.Contains(err.Error(), "archives") {
		t.Errorf("two resources of one kind: %v", err)
	}
	var resources *meta.AmbiguousResourceError
	_, err = m.ResourceFor(gvrOf("example.com/ restore"))
	if !errors.As(err, &resources) || list(resources.MatchingResources, gvrText) != "example.com/v1 restores, example.com/v1 restore" {
		t.Errorf("a singular that is another's name: %v", err)
	}
	if _, err = m.ResourceFor(gvrOf("example.com/ svc")); !meta.IsAmbiguousError(err) {
		t.Errorf("one short name of two resources: %v", err)
	}
	if r, err := m.ResourceFor(gvrOf("/ svc")); err != nil || gvrText(r) != "v1 services" {
		t.Errorf("a short name of a group that comes first: %v, %v", r, err)
	}
	_, err = m.KindFor(gvrOf("example.com/ restore"))
	if !errors.As(err, &resources) || len(resources.MatchingKinds) != 2 {
		t.Errorf("kinds: %v", err)
	}
	if k, err := m.KindFor(gvrOf("example.com/ svc")); err != nil || k.Kind != "Backup" {
		t.Errorf("two resources of one kind: %v, %v", k, err)
	}
	if _, err := m.ResourceSingularizer("restore"); !meta.IsAmbiguousError(err) {
		t.Errorf("singular: %v", err)
	}
}

func TestMapperSingularsAndCategories(t *testing.T) {
	c := sample()
	for _, r := range []*Resource{&c.Groups[0].Versions[0].Resources[0], &c.Groups[3].Versions[0].Resources[0],
		&c.Groups[3].Versions[1].Resources[0], &c.Groups[3].Versions[1].Resources[1]} {
		r.Categories = []string{"all", "x"}
	}
	c.Groups[0].Versions[0].Resources[0].Singular = ""
	m := NewMapper(fixed(c))
	for name, want := range map[string]string{"pods": "pod", "po": "po", "ev": "event", "deployments": "deployment"} {
		if got, err := m.ResourceSingularizer(name); err != nil || got != want {
			t.Errorf("the singular of %s is %q, %v", name, got, err)
		}
	}
	if got, err := m.ResourceSingularizer("nothing"); got != "nothing" || !meta.IsNoMatchError(err) {
		t.Errorf("the singular of nothing: %q, %v", got, err)
	}
	all, err := m.Category(t.Context(), "all")
	if got := list(all, func(r schema.GroupResource) string { return r.String() }); err != nil || got != "pods, backups.example.com, po.example.com" {
		t.Errorf("all is %q, %v", got, err)
	}
	if same, ok := m.Expand("all"); !ok || !reflect.DeepEqual(same, all) {
		t.Errorf("Expand: %v, %t", same, ok)
	}
	if none, err := m.Category(t.Context(), "nothing"); none != nil || err != nil {
		t.Errorf("no such category: %v, %v", none, err)
	}
	if none, ok := m.Expand("nothing"); ok || none != nil {
		t.Errorf("no such category: %v, %t", none, ok)
	}
}

// A group that failed hides what is in it: it is not known to be absent.
func TestMapperDoesNotTakeAFailedGroupForAnEmptyOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down := true
		s := aggregating(&down)
		m := NewMapper(s)
		calls := map[string]func(name, kindName string) error{
			"ResourceFor": func(name, _ string) error { _, err := m.ResourceFor(gvrOf(name)); return err },
			"KindsFor":    func(name, _ string) error { _, err := m.KindsFor(gvrOf(name)); return err },
			"RESTMapping": func(name, k string) error {
				_, err := m.RESTMapping(schema.GroupKind{Group: gvrOf(name).Group, Kind: k})
				return err
			},
		}
		for what, call := range calls {
			var partial *PartialError
			for _, name := range []string{"metrics.k8s.io/ nodes", "metrics/ nodes", "metrics.k8s.io/v1beta1 nodes", "/ nodes", "/v1beta1 nodes"} {
				if what == "RESTMapping" && !strings.HasPrefix(name, "metrics.k8s.io") {
					continue
				}
				if err := call(name, "NodeMetrics"); !errors.As(err, &partial) || meta.IsNoMatchError(err) || !errors.Is(err, ErrStale) {
					t.Errorf("%s %s: %v", what, name, err)
				}
			}
			for _, name := range []string{"apps/ nodes", "metrics.k8s.io/v9 nodes", "apps/v1 nodes"} {
				if what == "RESTMapping" && strings.HasPrefix(name, "metrics") {
					continue
				}
				if err := call(name, "NodeMetrics"); !meta.IsNoMatchError(err) {
					t.Errorf("%s %s cannot be in what failed: %v", what, name, err)
				}
			}
			if err := call("events.k8s.io/ events", "Event"); err != nil {
				t.Errorf("%s: what is known of an outdated group: %v", what, err)
			}
		}
		if _, err := m.Category(t.Context(), "all"); err == nil {
			t.Error("a category that may have members in the missing group is no error")
		}
		down = false
		time.Sleep(partialTTL)
		for what, call := range calls {
			if err := call("metrics.k8s.io/ nodes", "NodeMetrics"); err != nil {
				t.Errorf("%s: the group is back: %v", what, err)
			}
		}
	})
}

// Looking for what does not exist costs fewer and fewer requests, and no other search waits for it.
func TestMapperAsksAgainWithAGrowingPause(t *testing.T) {
	for _, failing := range []bool{false, true} {
		t.Run(fmt.Sprintf("failing %t", failing), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				created, broken := false, false
				var asked []time.Duration
				start := time.Now()
				s := newServer(func(context.Context, int) (*Catalog, error) {
					asked = append(asked, time.Since(start))
					if broken {
						return nil, errors.New("down")
					}
					c := now(sample())
					if !created {
						c.Groups = c.Groups[:3]
					}
					return c, nil
				})
				m := NewMapper(s)
				look := func() error {
					_, err := m.RESTMapping(schema.GroupKind{Group: "example.com", Kind: "Backup"})
					return err
				}
				if err := look(); !meta.IsNoMatchError(err) || len(asked) != 1 {
					t.Fatalf("%v, %d requests", err, len(asked))
				}
				broken = failing
				for range 2 * 120 {
					time.Sleep(500 * time.Millisecond)
					if err := look(); err == nil || meta.IsNoMatchError(err) && failing && len(asked) > 1 ||
						!meta.IsNoMatchError(err) && !failing {
						t.Fatalf("%v", err)
					}
				}
				want := []time.Duration{0, 1, 2, 4, 8, 16, 32, 62, 92}
				for i := range want {
					want[i] *= time.Second
				}
				if !reflect.DeepEqual(asked, want) {
					t.Errorf("asked at %v, want %v", asked, want)
				}
				created, broken = true, false
				if _, err := m.ResourceFor(gvrOf("/ restores")); err != nil {
					t.Errorf("another search has to wait: %v", err)
				}
				if err := look(); !failing && err != nil {
					t.Errorf("what another search has brought is not used: %v", err)
				}
				m.Reset()
				if err := look(); err != nil {
					t.Errorf("after Reset: %v", err)
				}
			})
		})
	}
}

func TestMapperRemembersFewPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := NewMapper(stable())
		for i := range 2*maxMisses + 1 {
			m.missed(fmt.Sprint(i), nil)
			if len(m.misses) > maxMisses {
				t.Fatalf("%d pauses", len(m.misses))
			}
			if want := i%maxMisses + 1; len(m.misses) != want {
				t.Fatalf("%d pauses, want %d", len(m.misses), want)
			}
		}
	})
}

func TestMapperMakesOneRequestForMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(func(ctx context.Context, _ int) (*Catalog, error) {
			time.Sleep(time.Second)
			return now(sample()), ctx.Err()
		})
		m := NewMapper(s)
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				if r, err := m.ResourceFor(gvrOf("/ po")); err != nil || r.Resource != "po" {
					t.Errorf("%v, %v", r, err)
				}
			})
		}
		wg.Wait()
		if s.count() != 1 {
			t.Errorf("%d requests", s.count())
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		m.Reset()
		if _, err := m.ResourceForWithContext(ctx, gvrOf("/ po")); !errors.Is(err, context.Canceled) {
			t.Errorf("a canceled context: %v", err)
		}
		if _, err := m.ResourceFor(gvrOf("/ po")); err != nil {
			t.Errorf("a caller that gave up makes others wait: %v", err)
		}
	})
}
