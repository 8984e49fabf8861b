package command_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/skiff-k8s/skiff/faults"
)

// editVersion changes the discovery of one group version.
func editVersion(group, version string, edit func(map[string]any)) faults.Rule {
	return faults.Rule{Path: "/apis", If: func(req *http.Request) bool { return req.URL.Path == "/apis" },
		Do: faults.NewFault("edit", func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				answer := httptest.NewRecorder()
				req.Header.Del("Accept-Encoding")
				req.Header.Del("If-None-Match")
				next.ServeHTTP(answer, req)
				var list struct {
					Kind       string           `json:"kind"`
					APIVersion string           `json:"apiVersion"`
					Metadata   any              `json:"metadata"`
					Items      []map[string]any `json:"items"`
				}
				if err := json.Unmarshal(answer.Body.Bytes(), &list); err != nil {
					w.WriteHeader(http.StatusInternalServerError)
					return
				}
				for _, item := range list.Items {
					versions, _ := item["versions"].([]any)
					for _, v := range versions {
						if v := v.(map[string]any); item["metadata"].(map[string]any)["name"] == group && v["version"] == version {
							edit(v)
						}
					}
				}
				w.Header().Set("Content-Type", answer.Header().Get("Content-Type"))
				_ = json.NewEncoder(w).Encode(list)
			})
		})}
}

// A name that means two resources of one group version is an error that lists them.
func TestAmbiguousNames(t *testing.T) {
	r, _ := newTool(t).through(editVersion("apps", "v1", func(v map[string]any) {
		for _, resource := range v["resources"].([]any) {
			resource.(map[string]any)["shortNames"] = []string{"thing"}
		}
	}))
	got := r.fails(1, []string{"skiff: ", "thing", "deployments", "statefulsets"}, "get", "thing")
	if got.out != "" {
		t.Errorf("standard output: %q", got.out)
	}
	if got := r.run("get", "deployments.apps"); got.code != 0 {
		t.Errorf("by its name: %+v", got)
	}
}

// A group whose server is down is told, beside what is known; what cannot be in it is found all the same.
func TestGroupThatIsDown(t *testing.T) {
	r, _ := newTool(t).through(editVersion("batch", "v1", func(v map[string]any) {
		v["freshness"] = "Stale"
		delete(v, "resources")
	}))
	got := r.fails(1, []string{"skiff: ", "batch/v1"}, "api-resources", "-o", "name")
	if !strings.Contains(got.out, "deployments.apps\n") || strings.Contains(got.out, "jobs.batch") {
		t.Errorf("api-resources: %q", got.out)
	}
	got = r.fails(1, []string{"batch/v1"}, "api-versions")
	if !strings.Contains(got.out, "apps/v1\n") {
		t.Errorf("api-versions: %q", got.out)
	}
	if got := r.run("get", "deploy"); got.code != 0 {
		t.Errorf("get deploy: %+v", got)
	}
	r.fails(1, []string{"batch/v1"}, "get", "jobs")
}

// -v shows requests and no credentials.
func TestVerbosity(t *testing.T) {
	r := newTool(t)
	r.create("apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {password: hunter2}")
	for v, c := range map[string]struct{ has, not string }{
		"0": {"", "/secrets"},
		"5": {"", "/secrets"},
		"6": {"/secrets/s", "User-Agent"},
		"7": {"User-Agent", "Content-Length"},
		"9": {"/secrets/s", "hunter2"},
	} {
		got := r.run("get", "secret/s", "-o", "yaml", "-v", v)
		if got.code != 0 || !strings.Contains(got.err, c.has) || strings.Contains(got.err, c.not) || strings.Contains(got.err, "aHVudGVyMg") {
			t.Errorf("-v=%s: exit code %d, %q", v, got.code, got.err)
		}
		if !strings.Contains(got.out, "password: aHVudGVyMg==") {
			t.Errorf("-v=%s: the output is %q", v, got.out)
		}
	}
}
