package examples_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/client/wait"
	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/events"
	"github.com/skiff-k8s/skiff/rest"
)

// testObjects runs the programs that work on objects of any kind, and those about access.
func testObjects(t *testing.T, cluster *controlplane.Cluster, c *rest.Client, programs string) {
	ctx, kubeconfig := t.Context(), cluster.Kubeconfig()

	t.Run("crud", func(t *testing.T) {
		namespace := cluster.Namespace(t)
		program := filepath.Join(programs, "crud")
		out := succeeds(t, program, "--kubeconfig", kubeconfig, "--namespace", namespace, "web")
		want := "created web\nread 2 replicas\nchanged to 1 replica\nlisted web\ndeleted web\n"
		if out != want {
			t.Errorf("it prints\n%s, want\n%s", out, want)
		}
		createDeployment(ctx, t, c, namespace, "web")
		_, stderr, code := output(t, environment(t), program, "--kubeconfig", kubeconfig, "--namespace", namespace, "web")
		if code != 1 || !strings.Contains(stderr, "web is there already") {
			t.Errorf("of a name that is taken: exit code %d, %q", code, stderr)
		}
	})

	t.Run("manifests", func(t *testing.T) {
		namespace := cluster.Namespace(t)
		file := filepath.Join(t.TempDir(), "all.yaml")
		const documents = `
apiVersion: example.org/v1
kind: Boat
metadata: {name: tender}
spec: {oars: 2}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: boats.example.org}
spec:
  group: example.org
  scope: Namespaced
  names: {kind: Boat, plural: boats}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {oars: {type: integer}}}}}}
`
		if err := os.WriteFile(file, []byte(documents), 0o600); err != nil {
			t.Fatal(err)
		}
		program := filepath.Join(programs, "manifests")
		out := succeeds(t, program, "--kubeconfig", kubeconfig, "--namespace", namespace, file)
		hasLine(t, out, "applied CustomResourceDefinition boats.example.org")
		hasLine(t, out, "applied Boat tender")

		if err := os.WriteFile(file, []byte("apiVersion: v1\nkind: Unknown\nmetadata: {name: x}\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		_, stderr, code := output(t, environment(t), program, "--kubeconfig", kubeconfig, file)
		if code != 1 || !strings.Contains(stderr, "Unknown") {
			t.Errorf("of a kind that is not served: exit code %d, %q", code, stderr)
		}
	})

	t.Run("metadata", func(t *testing.T) {
		namespace := cluster.Namespace(t)
		p := start(t, filepath.Join(programs, "metadata"), "--kubeconfig", kubeconfig, "--namespace", namespace, "cm", "deployments.apps")
		maps := client.Of[corev1.ConfigMap](c).In(namespace)
		if _, err := maps.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "m"}}, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		p.waitFor(t, "added   configmaps "+namespace+"/m at ")
		createDeployment(ctx, t, c, namespace, "web")
		p.waitFor(t, "added   deployments "+namespace+"/web at ")
		if err := maps.Delete(ctx, "m", metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		p.waitFor(t, "deleted configmaps "+namespace+"/m at ")
		p.interrupt(t)
	})

	t.Run("everything", func(t *testing.T) {
		namespace := cluster.Namespace(t)
		createDeployment(ctx, t, c, namespace, "web")
		out := succeeds(t, filepath.Join(programs, "everything"), "--kubeconfig", kubeconfig, "--namespace", namespace)
		hasLine(t, out, "1 apps/v1 deployments")
		if strings.Contains(out, " namespaces") {
			t.Errorf("it counts what has no namespace:\n%s", out)
		}
		hasLine(t, succeeds(t, filepath.Join(programs, "everything"), "--kubeconfig", kubeconfig), " v1 namespaces")
	})

	t.Run("events", func(t *testing.T) {
		namespace := cluster.Namespace(t)
		web := createDeployment(ctx, t, c, namespace, "web")
		p := start(t, filepath.Join(programs, "events"), "--kubeconfig", kubeconfig, "--namespace", namespace, "Deployment", "web")
		recorder, err := events.New(c, events.Options{Controller: "example.com/test"})
		if err != nil {
			t.Fatal(err)
		}
		recorder.Warning(web, "NoPods", "CountPods", "%d pods", 0)
		ended, cancel := context.WithCancel(ctx)
		cancel()
		if err := recorder.Run(ended); err != nil {
			t.Fatal(err)
		}
		p.waitFor(t, "Warning NoPods example.com/test: 0 pods")
		p.interrupt(t)
	})

	t.Run("resize", func(t *testing.T) {
		namespace := cluster.Namespace(t)
		await(ctx, t, client.Of[corev1.ServiceAccount](c).In(namespace), "default", func(*corev1.ServiceAccount) bool { return true })
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "web"}, Spec: podTemplate().Spec}
		// Its class of service may not change, so it requests something before, too.
		pod.Spec.Containers[0].Resources.Requests = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("100m")}
		if _, err := client.Of[corev1.Pod](c).In(namespace).Create(ctx, pod, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		program := filepath.Join(programs, "resize")
		out := succeeds(t, program, "--kubeconfig", kubeconfig, "--namespace", namespace, "web", "web", "250m")
		hasLine(t, out, "web requests 250m")
		_, stderr, code := output(t, environment(t), program, "--kubeconfig", kubeconfig, "--namespace", namespace, "web", "web", "much")
		if code != 1 || !strings.Contains(stderr, "quantities must match") {
			t.Errorf("of no quantity: exit code %d, %q", code, stderr)
		}
	})

	t.Run("can-i", func(t *testing.T) {
		program := filepath.Join(programs, "can-i")
		if out := succeeds(t, program, "--kubeconfig", kubeconfig, "delete", "deployments.apps"); !strings.HasPrefix(out, "yes") {
			t.Errorf("of an administrator: %q", out)
		}
		out, _, code := output(t, environment(t), program, "--kubeconfig", kubeconfig, "--user", "nobody", "list", "secrets")
		if code != 1 || !strings.HasPrefix(out, "no") {
			t.Errorf("of nobody: exit code %d, %q", code, out)
		}
	})

	t.Run("custom-client", func(t *testing.T) {
		namespace, dir := cluster.Namespace(t), t.TempDir()
		accounts := client.Of[corev1.ServiceAccount](c).In(namespace)
		await(ctx, t, accounts, "default", func(*corev1.ServiceAccount) bool { return true })
		answer, err := client.SubresourceOf[authenticationv1.TokenRequest](accounts, "token").
			Create(ctx, "default", &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		cfg := cluster.Config()
		ca, token := filepath.Join(dir, "ca.crt"), filepath.Join(dir, "token")
		if err := os.WriteFile(ca, cfg.TLS.CAData, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(token, []byte(answer.Status.Token), 0o600); err != nil {
			t.Fatal(err)
		}
		// The account may not list namespaces. That the server says so by its name shows that both
		// have trusted each other.
		out, stderr, code := output(t, environment(t), filepath.Join(programs, "custom-client"), "--server", cfg.Host, "--ca", ca, "--token", token)
		if code != 1 || !strings.Contains(stderr, "system:serviceaccount:"+namespace+":default") {
			t.Errorf("exit code %d, %q", code, stderr)
		}
		hasLine(t, out, "GET /api/v1/namespaces 403 after ")
	})

	t.Run("reloader", func(t *testing.T) {
		namespace := cluster.Namespace(t)
		maps := client.Of[corev1.ConfigMap](c).In(namespace)
		first, err := maps.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "config"}}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		createDeployment(ctx, t, c, namespace, "other")
		createDeployment(ctx, t, c, namespace, "web")
		deployments := client.Of[appsv1.Deployment](c).In(namespace)
		if _, err := deployments.Modify(ctx, "web", func(d *appsv1.Deployment) error {
			v := corev1.Volume{Name: "config"}
			v.ConfigMap = &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: "config"}}
			d.Spec.Template.Spec.Volumes = append(d.Spec.Template.Spec.Volumes, v)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		p := start(t, filepath.Join(programs, "reloader"), "--kubeconfig", kubeconfig)
		p.waitFor(t, namespace+"/web is rolled out with config="+first.ResourceVersion)
		second, err := maps.Patch(ctx, "config", types.MergePatchType, []byte(`{"data":{"a":"b"}}`), metav1.PatchOptions{})
		if err != nil {
			t.Fatal(err)
		}
		p.waitFor(t, namespace+"/web is rolled out with config="+second.ResourceVersion)
		p.interrupt(t)
		if all := strings.Join(p.said, "\n"); strings.Contains(all, namespace+"/other") {
			t.Errorf("a Deployment that mounts nothing was rolled out:\n%s", all)
		}
	})

	t.Run("mirror", func(t *testing.T) { // the two clusters are one here
		from, to := cluster.Namespace(t), cluster.Namespace(t)
		secrets, copies := client.Of[corev1.Secret](c).In(from), client.Of[corev1.Secret](c).In(to)
		s, err := secrets.Create(ctx, &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Name: "s", Labels: map[string]string{"mirror": ""}}, Data: map[string][]byte{"a": []byte("1")},
		}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		p := start(t, filepath.Join(programs, "mirror"), "--from", kubeconfig, "--to", kubeconfig, "--namespace", to)
		name := from + ".s"
		has := func(value string) func(*corev1.Secret) bool {
			return func(s *corev1.Secret) bool { return string(s.Data["a"]) == value }
		}
		made := await(ctx, t, copies, name, has("1"))
		if err := copies.Delete(ctx, name, metav1.DeleteOptions{}); err != nil { // it comes back
			t.Fatal(err)
		}
		await(ctx, t, copies, name, func(s *corev1.Secret) bool { return s.UID != made.UID })
		if _, err := secrets.Modify(ctx, "s", func(s *corev1.Secret) error { s.Data["a"] = []byte("2"); return nil }); err != nil {
			t.Fatal(err)
		}
		last := await(ctx, t, copies, name, has("2"))
		if err := secrets.Delete(ctx, s.Name, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		gone, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		if _, err := copies.WaitFor(gone, name, wait.Deleted(last.UID)); err != nil {
			t.Fatal(err)
		}
		p.interrupt(t)
	})
}
