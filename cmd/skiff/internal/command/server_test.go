package command_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

func TestVersion(t *testing.T) {
	r := newTool(t)
	if got := r.ok("version"); !strings.HasPrefix(got, "Client Version: ") ||
		!strings.Contains(got, "\nServer Version: v1.") {
		t.Errorf("version: %q", got)
	}
	var v struct {
		ClientVersion struct{ GoVersion, Platform string }
		ServerVersion struct{ Major string }
	}
	if err := json.Unmarshal([]byte(r.ok("version", "-o", "json")), &v); err != nil {
		t.Fatal(err)
	}
	if v.ClientVersion.Platform == "" || v.ServerVersion.Major != "1" {
		t.Errorf("version -o json: %+v", v)
	}
}

// Without a server the client's version is printed, and then the error.
func TestVersionWithoutServer(t *testing.T) {
	got := skiff(t, "version", "--server", "http://127.0.0.1:1")
	checkFailure(t, got, 1, []string{"skiff: read the server's version: ", "connection refused"}, nil)
	if !strings.HasPrefix(got.out, "Client Version: ") {
		t.Errorf("standard output: %q", got.out)
	}
	if got := skiff(t, "version", "--client", "--server", "http://127.0.0.1:1"); got.code != 0 || got.err != "" {
		t.Errorf("version --client: %+v", got)
	}
}

func TestAPIVersions(t *testing.T) {
	lines := strings.Fields(newTool(t).ok("api-versions"))
	if !slices.Contains(lines, "v1") || !slices.Contains(lines, "apps/v1") || !slices.IsSorted(lines) {
		t.Errorf("api-versions: %q", lines)
	}
}

func TestAPIResources(t *testing.T) {
	r := newTool(t)
	names := func(args ...string) []string {
		t.Helper()
		return strings.Fields(r.ok(append([]string{"api-resources", "-o", "name"}, args...)...))
	}
	all := names()
	for _, want := range []string{"pods", "deployments.apps", "nodes"} {
		if !slices.Contains(all, want) {
			t.Errorf("api-resources lacks %s", want)
		}
	}
	for _, c := range []struct {
		has, not string
		args     []string
	}{
		{"pods", "nodes", []string{"--namespaced"}},
		{"nodes", "pods", []string{"--namespaced=false"}},
		{"pods", "deployments.apps", []string{"--api-group", ""}},
		{"deployments.apps", "pods", []string{"--api-group", "apps"}},
		{"tokenreviews.authentication.k8s.io", "pods", []string{"--verbs", "create", "--api-group",
			"authentication.k8s.io"}},
		{"pods", "bindings", []string{"--verbs", "list,get"}},
		{"pods", "configmaps", []string{"--categories", "all"}},
	} {
		got := names(c.args...)
		if !slices.Contains(got, c.has) || slices.Contains(got, c.not) {
			t.Errorf("api-resources %q: %q has %v, %q has %v", c.args, c.has,
				slices.Contains(got, c.has), c.not, slices.Contains(got, c.not))
		}
	}
	table := r.ok("api-resources", "-o", "wide", "--api-group", "apps")
	head, rest, _ := strings.Cut(table, "\n")
	if strings.Join(strings.Fields(head), " ") != "NAME SHORTNAMES APIVERSION NAMESPACED KIND VERBS CATEGORIES" {
		t.Errorf("head: %q", head)
	}
	if !strings.Contains(rest, "deployments") || !strings.Contains(rest, "deploy ") ||
		!strings.Contains(rest, "apps/v1") || !strings.Contains(rest, "patch") {
		t.Errorf("table: %q", rest)
	}
	if got := r.ok("api-resources", "--no-headers"); strings.HasPrefix(got, "NAME") {
		t.Errorf("--no-headers: %q", got)
	}
	r.fails(2, []string{"skiff: --output \"tree\": want wide or name"}, "api-resources", "-o", "tree")
}

// A wrong command line ends with 2, and everything else that fails with 1.
func TestExitCodes(t *testing.T) {
	for _, c := range []struct {
		code int
		part string
		args []string
	}{
		{2, "unknown command", []string{"gett"}},
		{2, "unknown flag", []string{"version", "--nope"}},
		{2, "", []string{"version", "more"}},
		{2, "want json or yaml", []string{"version", "-o", "table"}},
		{2, "must not be negative", []string{"version", "--request-timeout", "-1s"}},
		{1, "group", []string{"api-versions", "-s", "https://127.0.0.1:1", "--as-group", "g"}},
		{1, "client", []string{"api-versions", "-s", "https://127.0.0.1:1", "--client-key", "k"}},
		{1, "connection refused", []string{"api-versions", "-s", "http://127.0.0.1:1"}},
		{1, "no-such-file", []string{"api-versions", "--kubeconfig", "no-such-file"}},
	} {
		checkFailure(t, skiff(t, c.args...), c.code, []string{"skiff: ", c.part}, c.args)
	}
}
