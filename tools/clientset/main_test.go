package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

const library = "../.."

// The packages below clientset/ are what the generator writes, and there are no others of its own.
func TestTheClientsetIsGenerated(t *testing.T) {
	files, err := generate(library)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 50 {
		t.Fatalf("only %d files are generated", len(files))
	}
	for path, want := range files {
		got, err := os.ReadFile(filepath.Join(library, path))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not what is generated (%v): run go generate ./clientset", path, err)
		}
	}
	there, err := generated(library)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range there {
		if files[path] == nil {
			t.Errorf("%s is not generated any more: run go generate ./clientset", path)
		}
	}
}

func TestNames(t *testing.T) {
	for _, c := range []struct {
		g             group
		name, method  string
		kind, plural  string
		resourceNamed string
	}{
		{group{path: apiPath + "/core/v1", version: "v1"}, "corev1", "CoreV1", "Endpoints", "endpoints", "Endpoints"},
		{group{path: apiPath + "/rbac/v1beta1", group: "rbac.authorization.k8s.io", version: "v1beta1"}, "rbacv1beta1", "RbacV1beta1",
			"ClusterRole", "clusterroles", "ClusterRoles"},
		{group{path: apiPath + "/apiserverinternal/v1alpha1", group: "internal.apiserver.k8s.io", version: "v1alpha1"},
			"apiserverinternalv1alpha1", "InternalV1alpha1", "StorageVersion", "storageversions", "StorageVersions"},
		{group{path: apiPath + "/networking/v1", group: "networking.k8s.io", version: "v1"}, "networkingv1", "NetworkingV1",
			"NetworkPolicy", "networkpolicies", "NetworkPolicies"},
	} {
		r := resource{kind: c.kind, plural: c.plural}
		if c.g.name() != c.name || c.g.method() != c.method || r.method() != c.resourceNamed {
			t.Errorf("%v: %s, %s, %s", c.g, c.g.name(), c.g.method(), r.method())
		}
	}
}

// A resource is called deprecated from the version on that its markers name.
func TestLife(t *testing.T) {
	for _, c := range []struct{ deprecated, removed, want string }{
		{"", "", ""},
		{"1.36", "", "Deprecated: since Kubernetes 1.36. Use g/v1 K."},
		{"1.37", "1.40", "Deprecated: since Kubernetes 1.37. Kubernetes 1.40 and later do not serve it."},
		{"1.38", "1.41", ""},
		{"", "1.37", "Deprecated: Kubernetes 1.37 and later do not serve it."},
		{"", "1.38", ""},
	} {
		r := resource{deprecated: c.deprecated, removed: c.removed}
		if c.removed == "" {
			r.replacement = "g/v1 K"
		}
		if got := r.life("v0.37.2"); got != c.want {
			t.Errorf("deprecated %q, removed %q: %q, want %q", c.deprecated, c.removed, got, c.want)
		}
	}
}

// What is not generated stays, and what was generated once goes.
func TestWriteReplacesItsOwnFilesOnly(t *testing.T) {
	dir := t.TempDir()
	for path, data := range map[string]string{
		"clientset/gonev1/gonev1.go":   header + "v0.1.0; DO NOT EDIT.\n",
		"clientset/corev1/binding.go":  "package corev1\n",
		"kind/builtin.go":              read(t, library+"/kind/builtin.go"),
		"go.mod":                       read(t, library+"/go.mod"),
		"go.sum":                       read(t, library+"/go.sum"),
		"clientset/corev1/unknown.txt": header,
	} {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := write(dir); err != nil {
		t.Fatal(err)
	}
	there, err := generated(dir)
	if err != nil || !slices.Contains(there, filepath.Join("clientset", "corev1", "corev1.go")) ||
		slices.Contains(there, filepath.Join("clientset", "gonev1", "gonev1.go")) {
		t.Errorf("generated are %v, %v", there, err)
	}
	if read(t, filepath.Join(dir, "clientset/corev1/binding.go")) != "package corev1\n" {
		t.Error("a file that is not generated has changed")
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
