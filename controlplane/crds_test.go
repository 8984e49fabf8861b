package controlplane_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/rest"
)

// definition is a CustomResourceDefinition with two versions.
func definition(plural, kind string) string {
	version := func(name, storage string) string {
		return `{"name": "` + name + `", "served": true, "storage": ` + storage + `, "schema": {"openAPIV3Schema": {"type": "object"}}}`
	}
	return `{"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "` + plural + `.crds.example.com"},
 "spec": {"group": "crds.example.com", "scope": "Cluster", "names": {"plural": "` + plural + `", "kind": "` + kind + `"},
  "versions": [` + version("v1", "true") + `, ` + version("v2", "false") + `]}}
`
}

// folder writes files, by their names.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// isServed reports whether an empty list of a resource is answered.
func isServed(t *testing.T, c *rest.Client, version, plural string) bool {
	t.Helper()
	err := c.Get().AbsPath("/apis/crds.example.com/" + version + "/" + plural).MaxRetries(-1).Do(t.Context()).Error()
	if err != nil && !apierrors.IsNotFound(err) {
		t.Fatal(err)
	}
	return err == nil
}

func TestCRDsAreServedWhenTheyAreInstalled(t *testing.T) {
	cluster := controlplane.Start(t)
	c := connect(t, cluster)
	dir := folder(t, map[string]string{
		"boats.yaml":        "# a comment\n---\n" + definition("boats", "Boat") + "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: left-out, namespace: default}\n",
		"ships.json":        definition("ships", "Ship"),
		"README.md":         "no YAML: [",
		"deeper/rafts.yaml": definition("rafts", "Raft"),
	})
	single := filepath.Join(folder(t, map[string]string{"canoes.yml": definition("canoes", "Canoe")}), "canoes.yml")
	for range 2 { // the second time changes nothing
		if err := cluster.InstallCRDs(t.Context(), dir, single); err != nil {
			t.Fatal(err)
		}
		for _, version := range []string{"v1", "v2"} {
			for plural, want := range map[string]bool{"boats": true, "ships": true, "canoes": true, "rafts": false} {
				if got := isServed(t, c, version, plural); got != want {
					t.Errorf("%s %s is served: %v", version, plural, got)
				}
			}
		}
	}
	if err := c.Get().Namespace("default").Resource("configmaps").Name("left-out").Do(t.Context()).Error(); !apierrors.IsNotFound(err) {
		t.Errorf("a ConfigMap beside a CRD: %v", err)
	}
	if err := cluster.InstallCRDs(t.Context()); err != nil {
		t.Errorf("no path: %v", err)
	}
}

func TestCRDsThatCannotBeInstalled(t *testing.T) {
	cluster := controlplane.Start(t)
	dir := folder(t, map[string]string{
		"empty/note.txt":   "",
		"other/other.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n",
		"broken/b.yaml":    "kind: [",
		"refused/r.yaml":   strings.Replace(definition("yachts", "Yacht"), "Cluster", "Galaxy", 1),
		"first/f.yaml":     definition("ferries", "Ferry"),
		"second/s.yaml":    definition("crossings", "Ferry"), // the kind is taken
	})
	for name, want := range map[string]string{
		"nowhere": "nowhere", "empty": "no CustomResourceDefinition", "other": "no CustomResourceDefinition",
		"broken": "b.yaml", "refused": "Galaxy",
	} {
		err := cluster.InstallCRDs(t.Context(), filepath.Join(dir, name))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "controlplane: install CRDs: ") {
			t.Errorf("%s: error %v, want one with %q", name, err, want)
		}
	}
	err := cluster.InstallCRDs(t.Context(), filepath.Join(dir, "first"), filepath.Join(dir, "second"))
	if err == nil || !strings.Contains(err.Error(), "crossings.crds.example.com: its names are not accepted") {
		t.Errorf("a kind that is taken: %v", err)
	}
	if _, err := controlplane.Run(t.Context(), controlplane.WithoutControllerManager(), controlplane.WithCRDs(filepath.Join(dir, "nowhere"))); err == nil || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("WithCRDs of a path that is not there: %v", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	mine := errors.New("mine")
	cancel(mine)
	if err := cluster.InstallCRDs(ctx, filepath.Join(dir, "first")); err == nil {
		t.Error("InstallCRDs goes on when its context has ended")
	}
}

func TestAControlPlaneStartsWithCRDs(t *testing.T) {
	dir := folder(t, map[string]string{"boats.yaml": definition("boats", "Boat")})
	cluster := controlplane.New(t, controlplane.WithoutControllerManager(), controlplane.WithCRDs(dir))
	if !isServed(t, connect(t, cluster), "v2", "boats") {
		t.Error("boats are not served")
	}
}

func TestAsIsAnotherUser(t *testing.T) {
	cluster := controlplane.Start(t)
	jane, err := rest.NewClient(cluster.As("jane", "developers", "testers"))
	if err != nil {
		t.Fatal(err)
	}
	defer jane.CloseIdleConnections()
	review := &authenticationv1.SelfSubjectReview{TypeMeta: metav1.TypeMeta{APIVersion: "authentication.k8s.io/v1", Kind: "SelfSubjectReview"}}
	var got authenticationv1.SelfSubjectReview
	if err := jane.Post().AbsPath("/apis/authentication.k8s.io/v1/selfsubjectreviews").Body(review).Do(t.Context()).Into(&got); err != nil {
		t.Fatal(err)
	}
	slices.Sort(got.Status.UserInfo.Groups)
	if user := got.Status.UserInfo; user.Username != "jane" || !slices.Equal(user.Groups, []string{"developers", "system:authenticated", "testers"}) {
		t.Errorf("the server takes jane for %+v", user)
	}
	job, err := rest.NewClient(cluster.As("system:serviceaccount:default:job"))
	if err != nil {
		t.Fatal(err)
	}
	defer job.CloseIdleConnections()
	if err := job.Post().AbsPath("/apis/authentication.k8s.io/v1/selfsubjectreviews").Body(review).Do(t.Context()).Into(&got); err != nil {
		t.Fatal(err)
	}
	slices.Sort(got.Status.UserInfo.Groups)
	if groups := got.Status.UserInfo.Groups; !slices.Equal(groups, []string{"system:authenticated", "system:serviceaccounts", "system:serviceaccounts:default"}) {
		t.Errorf("the groups of a service account are %q", groups)
	}
	if err := jane.Get().Namespace("default").Resource("secrets").Do(t.Context()).Error(); !apierrors.IsForbidden(err) {
		t.Errorf("jane lists Secrets: %v", err)
	}
	if err := connect(t, cluster).Get().Namespace("default").Resource("secrets").Do(t.Context()).Error(); err != nil {
		t.Errorf("the administrator has become somebody else: %v", err)
	}
}
