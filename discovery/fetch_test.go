package discovery

import (
	"cmp"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/skiff-k8s/skiff/faults"
	"github.com/skiff-k8s/skiff/rest"
)

const aggregatedType = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"

// page is what a server says at a path.
type page struct {
	status      int
	contentType string
	body        string
}

// serve returns a client of a server with these pages, and a list of the paths that it was asked
// for.
func serve(t *testing.T, pages map[string]page) (*Client, func() []string) {
	t.Helper()
	layer := faults.NewLayer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, ok := pages[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		faults.Answer(cmp.Or(p.status, 200), cmp.Or(p.contentType, "application/json"), p.body).Handler(nil).ServeHTTP(w, r)
	}))
	s := faults.Start(t, layer, faults.Options{})
	c, err := rest.NewClient(&rest.Config{Host: s.URL(), Dial: s.Dial})
	if err != nil {
		t.Fatal(err)
	}
	return New(c), func() (asked []string) {
		for _, r := range layer.Requests() {
			asked = append(asked, r.Path)
		}
		slices.Sort(asked)
		return asked
	}
}

func TestAggregatedDiscoveryIsTwoRequests(t *testing.T) {
	for _, version := range []string{"v2", "v2beta1"} {
		contentType := strings.Replace(aggregatedType, "v=v2", "v="+version, 1)
		d, asked := serve(t, map[string]page{
			"/api": {contentType: contentType, body: `{"items":[{"metadata":{},"versions":[{"version":"v1","freshness":"Current","resources":[
				{"resource":"pods","responseKind":{"group":"","version":"","kind":"Pod"},"scope":"Namespaced","singularResource":"pod",
				 "verbs":["watch","list"],"shortNames":["po"],"categories":["all"],"subresources":[
				 {"subresource":"log","responseKind":{"group":"","version":"","kind":"Pod"},"verbs":["get"]},
				 {"subresource":"eviction","responseKind":{"group":"policy","version":"v1","kind":"Eviction"},"verbs":["create"]},
				 {"subresource":"attach","verbs":["get"]}]},
				{"resource":"orphans","scope":"Cluster","subresources":[{"subresource":"x","responseKind":{"kind":"X"},"verbs":["get"]}]}]}]}]}`},
			"/apis": {contentType: contentType, body: `{"items":[]}`},
		})
		c, err := d.Catalog(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got := asked(); !slices.Equal(got, []string{"/api", "/apis"}) {
			t.Errorf("asked for %q", got)
		}
		pods, _ := c.ForResource("po")
		got, _ := json.Marshal(pods)
		want := `{"kind":{"Group":"","Version":"v1","Kind":"Pod","Resource":"pods","Namespaced":true,"Protobuf":true},"singular":"pod",` +
			`"shortNames":["po"],"categories":["all"],"verbs":["list","watch"],"subresources":[` +
			`{"name":"attach","kind":{"Group":"","Version":"","Kind":""},"verbs":["get"]},` +
			`{"name":"eviction","kind":{"Group":"policy","Version":"v1","Kind":"Eviction"},"verbs":["create"]},` +
			`{"name":"log","kind":{"Group":"","Version":"v1","Kind":"Pod"},"verbs":["get"]}]}`
		if string(got) != want {
			t.Errorf("pods are\n%s, want\n%s", got, want)
		}
		if orphans, ok := c.ForResource("orphans"); !ok || orphans.Can("get") || len(orphans.Subresources) != 1 {
			t.Errorf("a resource of which only a subresource is served: %+v, %t", orphans, ok)
		}
		if !pods.Can("watch") || pods.Can("delete") {
			t.Errorf("Can: %v", pods.Verbs)
		}
	}
}

func TestAStaleGroupIsAPartialError(t *testing.T) {
	d, _ := serve(t, map[string]page{
		"/api": {contentType: aggregatedType, body: `{"items":[]}`},
		"/apis": {contentType: aggregatedType, body: `{"items":[
			{"metadata":{"name":"apps"},"versions":[{"version":"v1","freshness":"Current","resources":[{"resource":"deployments","responseKind":{"kind":"Deployment"},"scope":"Namespaced"}]}]},
			{"metadata":{"name":"metrics.k8s.io"},"versions":[{"version":"v1beta1","freshness":"Stale"}]}]}`},
	})
	groups, err := groups(t, d)
	var partial *PartialError
	if !errors.As(err, &partial) || !errors.Is(err, ErrStale) || len(groups) != 2 {
		t.Fatalf("%+v, %v", groups, err)
	}
	if _, ok := partial.Failed[schema.GroupVersion{Group: "metrics.k8s.io", Version: "v1beta1"}]; !ok || len(partial.Failed) != 1 {
		t.Errorf("Failed: %v", partial.Failed)
	}
	if !strings.Contains(err.Error(), "metrics.k8s.io/v1beta1") {
		t.Errorf("the error does not name the group version: %v", err)
	}
	if _, err := d.ForResource(t.Context(), "deployments"); err != nil {
		t.Errorf("what is there cannot be looked up: %v", err)
	}
}

func TestAServerWithoutAggregatedDiscoveryIsAskedPageByPage(t *testing.T) {
	d, asked := serve(t, map[string]page{
		"/api": {body: `{"kind":"APIVersions","versions":["v1"]}`},
		"/api/v1": {body: `{"kind":"APIResourceList","groupVersion":"v1","resources":[
			{"name":"pods/log","namespaced":true,"kind":"Pod","verbs":["get"]},
			{"name":"pods","singularName":"pod","namespaced":true,"kind":"Pod","verbs":["list"],"shortNames":["po"]},
			{"name":"pods/eviction","namespaced":true,"group":"policy","version":"v1","kind":"Eviction","verbs":["create"]}]}`},
		"/apis": {body: `{"kind":"APIGroupList","groups":[
			{"name":"example.com","versions":[{"groupVersion":"example.com/v1","version":"v1"},{"version":"v2"}],"preferredVersion":{"version":"v2"}},
			{"name":"broken.example.com","versions":[{"version":"v1"}]}]}`},
		"/apis/example.com/v1":        {body: `{"resources":[{"name":"backups","kind":"Backup","verbs":["get"]}]}`},
		"/apis/example.com/v2":        {body: `{"resources":[{"name":"backups","kind":"Backup","verbs":["get"]}]}`},
		"/apis/broken.example.com/v1": {status: 503, contentType: "text/plain", body: "service unavailable"},
	})
	c, err := d.Catalog(t.Context())
	var partial *PartialError
	if !errors.As(err, &partial) || len(partial.Failed) != 1 || partial.Failed[schema.GroupVersion{Group: "broken.example.com", Version: "v1"}] == nil {
		t.Fatalf("%v", err)
	}
	want := []string{"/api", "/api/v1", "/apis", "/apis/broken.example.com/v1", "/apis/example.com/v1", "/apis/example.com/v2"}
	if got := asked(); !slices.Equal(got, want) {
		t.Errorf("asked for %q", got)
	}
	if r, ok := c.ForResource("backup"); !ok || r.Info.Version != "v2" || r.Info.Namespaced {
		t.Errorf("the preferred version is %+v, %t", r, ok)
	}
	pods, _ := c.ForResource("po")
	if got, want := pods.Subresources[0].GVK, (schema.GroupVersionKind{Group: "policy", Version: "v1", Kind: "Eviction"}); got != want {
		t.Errorf("pods/eviction is %v", got)
	}
	if len(pods.Subresources) != 2 || pods.Info.Kind != "Pod" || !pods.Can("list") {
		t.Errorf("pods: %+v", pods)
	}
}

func TestWhatCannotBeReadIsAnErrorThatNamesThePath(t *testing.T) {
	ok := page{contentType: aggregatedType, body: `{"items":[]}`}
	for name, c := range map[string]struct {
		pages map[string]page
		says  string // "" for no error
	}{
		"no core group":          {map[string]page{"/apis": ok}, ""},
		"only the core group":    {map[string]page{"/api": ok}, ""},
		"no API server":          {map[string]page{}, "not find"},
		"no JSON, aggregated":    {map[string]page{"/api": ok, "/apis": {contentType: aggregatedType, body: "<html>"}}, "/apis"},
		"no JSON, legacy":        {map[string]page{"/api": {body: "<html>"}, "/apis": ok}, "/api"},
		"another document":       {map[string]page{"/api": {body: `{"kind":"Status"}`}, "/apis": ok}, "APIVersions"},
		"a server that is ill":   {map[string]page{"/api": ok, "/apis": {status: 500, body: "oops"}}, "oops"},
		"aggregated, but not as": {map[string]page{"/api": ok, "/apis": {contentType: "application/json;g=apidiscovery.k8s.io;v=v3;as=APIGroupDiscoveryList", body: `{"items":[]}`}}, "APIGroupList"},
	} {
		d, _ := serve(t, c.pages)
		catalog, err := d.Catalog(t.Context())
		switch {
		case c.says == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says) || catalog != nil):
			t.Errorf("%s: the error is %v and should say %q", name, err, c.says)
		}
	}
}

func FuzzReadAggregated(f *testing.F) {
	f.Add([]byte(`{"items":[{"metadata":{"name":"a"},"versions":[{"version":"v1","resources":[{"resource":"r","responseKind":null,"subresources":[{}]}]}]}]}`))
	f.Add([]byte(`{"items":null}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		a := readAggregated("/apis", data)
		c := &Catalog{Groups: a.groups}
		c.ForResource("r")
		c.Preferred()
	})
}
