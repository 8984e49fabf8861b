package examples_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/rest"
)

// The plugin is run by another example, which has the rights of the plugin's service account.
func TestExecPlugin(t *testing.T) {
	cluster := controlplane.Start(t)
	c, err := rest.NewClient(cluster.Config())
	if err != nil {
		t.Fatal(err)
	}
	ctx, namespace, programs := t.Context(), cluster.Namespace(t), build(t)
	createPod(ctx, t, c, "default", "seen-by-the-robot")
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "robot"}}
	if _, err := client.Of[corev1.ServiceAccount](c).In(namespace).Create(ctx, account, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	admin, err := os.ReadFile(cluster.Kubeconfig())
	if err != nil {
		t.Fatal(err)
	}
	// The administrator's file with another user.
	before, _, found := strings.Cut(string(admin), "users:")
	_, after, found2 := strings.Cut(string(admin), "contexts:")
	if !found || !found2 {
		t.Fatalf("the kubeconfig is %s", admin)
	}
	user := fmt.Sprintf(`users:
- name: devcluster
  user:
    exec:
      apiVersion: client.authentication.k8s.io/v1
      command: exec-plugin
      args: [--kubeconfig, %q, %s/robot]
      interactiveMode: Never
contexts:`, cluster.Kubeconfig(), namespace)
	path := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(path, []byte(before+user+after), 0o600); err != nil {
		t.Fatal(err)
	}
	env := environment(t, "PATH="+programs)
	list := filepath.Join(programs, "list-pods-rest")
	_, stderr, code := output(t, env, list, "--kubeconfig", path)
	if code != 1 || !strings.Contains(stderr, "system:serviceaccount:"+namespace+":robot") {
		t.Errorf("without a role: exit code %d, %q; want 1, and who may not list pods", code, stderr)
	}
	binding := &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: namespace},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "view"},
		Subjects:   []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: namespace, Name: "robot"}},
	}
	if _, err := client.Of[rbacv1.RoleBinding](c).In("default").Create(ctx, binding, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	out, stderr, code := output(t, env, list, "--kubeconfig", path)
	if code != 0 {
		t.Fatalf("exit code %d, %q", code, stderr)
	}
	hasLine(t, out, "seen-by-the-robot", "Pending")

	// What the plugin says reaches the user of the program that runs it.
	broken := strings.Replace(before+user+after, "/robot]", "]", 1)
	if err := os.WriteFile(path, []byte(broken), 0o600); err != nil {
		t.Fatal(err)
	}
	_, stderr, code = output(t, env, list, "--kubeconfig", path)
	if code != 1 || strings.Count(stderr, "name the service account") != 2 || !strings.Contains(stderr, `run the credential plugin "exec-plugin": exit status 1`) {
		t.Errorf("with a mistake: exit code %d, %q", code, stderr)
	}
	if _, stderr, code := output(t, env, filepath.Join(programs, "exec-plugin")); code != 1 || !strings.Contains(stderr, "this is a credential plugin") {
		t.Errorf("by hand: exit code %d, %q", code, stderr)
	}
}
