package command_test

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A whole kubeconfig made by the commands, and read back by them.
func TestConfig(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "config")
	ca := filepath.Join(dir, "ca.crt")
	if err := os.WriteFile(ca, []byte("PEM"), 0o600); err != nil {
		t.Fatal(err)
	}
	config := func(args ...string) result {
		t.Helper()
		return skiff(t, append([]string{"config", "--kubeconfig", file}, args...)...)
	}
	for _, args := range [][]string{
		{"set-cluster", "c.example", "--server", "https://a.example:6443", "--certificate-authority", ca, "--embed-certs"},
		{"set-cluster", "other", "-s", "https://b.example", "--insecure-skip-tls-verify", "--proxy-url", "http://p.example:3128"},
		{"set-credentials", "ann", "--token", "s3cr3t"},
		{"set-credentials", "sso", "--exec-command", "aws", "--exec-arg", "eks", "--exec-env", "A=b"},
		{"set-context", "dev", "--cluster", "c.example", "--user", "ann", "-n", "web"},
		{"set-context", "prod", "--cluster", "other", "--user", "sso"},
		{"use-context", "dev"},
	} {
		if got := config(args...); got.code != 0 || got.out == "" {
			t.Fatalf("%q: %+v", args, got)
		}
	}
	if got := config("current-context").out; got != "dev\n" {
		t.Errorf("current-context: %q", got)
	}
	want := "CURRENT   NAME   CLUSTER     AUTHINFO   NAMESPACE\n*         dev    c.example   ann        web\n          prod   other       sso\n"
	if got := config("get-contexts").out; got != want {
		t.Errorf("get-contexts:\n%s", got)
	}
	if got := config("get-contexts", "prod", "-o", "name").out; got != "prod\n" {
		t.Errorf("get-contexts -o name: %q", got)
	}
	if got := config("get-clusters").out; got != "NAME\nc.example\nother\n" {
		t.Errorf("get-clusters: %q", got)
	}
	if got := config("get-users").out; got != "NAME\nann\nsso\n" {
		t.Errorf("get-users: %q", got)
	}

	if got := config("view"); strings.Contains(got.out, "s3cr3t") || !strings.Contains(got.out, "REDACTED") || strings.Contains(got.out, base64.StdEncoding.EncodeToString([]byte("PEM"))) {
		t.Errorf("view shows secrets: %s", got.out)
	}
	if got := config("view", "--raw", "--minify").out; !strings.Contains(got, "s3cr3t") || strings.Contains(got, "prod") || !strings.Contains(got, base64.StdEncoding.EncodeToString([]byte("PEM"))) {
		t.Errorf("view --raw --minify: %s", got)
	}
	var view map[string]any
	if got := config("view", "-o", "json").out; json.Unmarshal([]byte(got), &view) != nil || view["current-context"] != "dev" {
		t.Errorf("view -o json: %s", got)
	}

	for _, c := range []struct{ args, has, not string }{
		{"set contexts.dev.namespace shop", "namespace: shop", "namespace: web"},
		{"set clusters.c.example.server https://n.example", "server: https://n.example", "https://a.example"},
		{"set clusters.other.insecure-skip-tls-verify false", "insecure-skip-tls-verify: false", "verify: true"},
		{"set current-context prod", "current-context: prod", "current-context: dev"},
		{"unset contexts.dev.namespace", "name: dev", "namespace: shop"},
		{"set-context --current --namespace x", "namespace: x", "nothing"},
		{"rename-context dev test", "name: test", "name: dev"},
		{"unset users.ann", "name: sso", "name: ann"},
		{"delete-cluster c.example", "name: other", "name: c.example"},
		{"delete-context test", "name: prod", "name: test"},
	} {
		if got := config(strings.Fields(c.args)...); got.code != 0 {
			t.Fatalf("%s: %+v", c.args, got)
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), c.has) || strings.Contains(string(text), c.not) {
			t.Errorf("after %s:\n%s", c.args, text)
		}
	}
	if got := config("delete-context", "prod"); got.code != 0 || !strings.Contains(got.err, "still the current context") {
		t.Errorf("delete the current context: %+v", got)
	}

	for _, c := range []struct {
		code int
		part string
		args string
	}{
		{1, "there is none", "use-context nope"},
		{1, `context "nope"`, "rename-context nope x"},
		{1, "there is none", "delete-user nope"},
		{1, "there is none", "get-contexts nope"},
		{1, "there is none", "unset users.nope.token"},
		{2, "want current-context", "set preferences.colors true"},
		{2, "names no field", "set users.sso x"},
		{2, "want true or false", "set clusters.other.insecure-skip-tls-verify maybe"},
		{2, "want base64", "set users.sso.client-key-data ???"},
		{2, "want either NAME or --current", "set-context"},
		{2, "exclude each other", "set-cluster x --insecure-skip-tls-verify --certificate-authority f"},
		{1, "read the file of --certificate-authority", "set-cluster x --embed-certs --certificate-authority /no/such"},
		{2, "need --exec-command", "set-credentials x --exec-arg a"},
		{2, "unknown command", "frobnicate"},
	} {
		checkFailure(t, config(strings.Fields(c.args)...), c.code, []string{"skiff: ", c.part}, []string{c.args})
	}
}
