package examples_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/rest"
)

// The service account's files have a fixed place, so outside a pod the program can only say so.
func TestInClusterOutsideACluster(t *testing.T) {
	program := filepath.Join(build(t), "in-cluster")
	for name, env := range map[string][]string{
		"outside":                   environment(t),
		"in a pod without a token":  environment(t, "KUBERNETES_SERVICE_HOST=10.96.0.1", "KUBERNETES_SERVICE_PORT=443"),
		"where a kubeconfig exists": environment(t, "KUBECONFIG="+os.DevNull),
	} {
		_, stderr, code := output(t, env, program)
		if code != 1 || !strings.HasPrefix(stderr, "in-cluster: kubeconfig: not in a cluster") {
			t.Errorf("%s: exit code %d, %q; want 1, and that it is not in a cluster", name, code, stderr)
		}
	}
}

// What the manifest permits is what the program does, and no more.
func TestInClusterManifest(t *testing.T) {
	cluster := controlplane.Start(t)
	admin, err := rest.NewClient(cluster.Config())
	if err != nil {
		t.Fatal(err)
	}
	ctx, namespace := t.Context(), cluster.Namespace(t)
	// A pod is not admitted before its namespace has a default service account.
	createPod(ctx, t, admin, namespace, "other")

	manifest, err := os.ReadFile("in-cluster/in-cluster.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for document := range bytes.SplitSeq(manifest, []byte("\n---\n")) {
		apply(ctx, t, admin, namespace, document)
	}

	cfg := cluster.Config()
	cfg.Impersonate = rest.Impersonation{
		User:   "system:serviceaccount:" + namespace + ":in-cluster",
		Groups: []string{"system:serviceaccounts", "system:authenticated"},
	}
	robot, err := rest.NewClient(cfg)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for pod, err := range client.Of[corev1.Pod](robot).In(namespace).All(ctx, metav1.ListOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		names[pod.Name] = true
	}
	if !names["in-cluster"] || !names["other"] || len(names) != 2 {
		t.Errorf("it sees the pods %v", names)
	}
	if _, err := client.Of[corev1.Secret](robot).In(namespace).List(ctx, metav1.ListOptions{}); !apierrors.IsForbidden(err) {
		t.Errorf("it may list secrets: %v", err)
	}
}

// apply creates the object of a YAML document.
func apply(ctx context.Context, t *testing.T, c *rest.Client, namespace string, document []byte) {
	t.Helper()
	var typed metav1.TypeMeta
	if err := yaml.Unmarshal(document, &typed); err != nil {
		t.Fatal(err)
	}
	switch typed.Kind {
	case "ServiceAccount":
		create[corev1.ServiceAccount](ctx, t, c, namespace, document)
	case "Role":
		create[rbacv1.Role](ctx, t, c, namespace, document)
	case "RoleBinding":
		create[rbacv1.RoleBinding](ctx, t, c, namespace, document)
	case "Pod":
		create[corev1.Pod](ctx, t, c, namespace, document)
	default:
		t.Fatalf("the manifest has a %s, which this test does not create", typed.Kind)
	}
}

func create[T any, P kind.Object[T]](ctx context.Context, t *testing.T, c *rest.Client, namespace string, document []byte) {
	t.Helper()
	object := new(T)
	if err := yaml.UnmarshalStrict(document, object); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Of[T, P](c).In(namespace).Create(ctx, object, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}
