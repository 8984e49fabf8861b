// Package examples_test builds the examples as a user would, and runs each against a real control
// plane.
package examples_test

import (
	"bytes"
	"context"
	"go/format"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/dynamic"
	"github.com/skiff-k8s/skiff/rest"
)

func TestMain(m *testing.M) { controlplane.Main(m) }

func TestExamples(t *testing.T) {
	cluster := controlplane.Start(t)
	c, err := rest.NewClient(cluster.Config())
	if err != nil {
		t.Fatal(err)
	}
	kubeconfig := cluster.Kubeconfig()
	programs := build(t)

	ctx := t.Context()
	createPod(ctx, t, c, "default", "web-0")
	createDeployment(ctx, t, c, "kube-system", "dns")

	t.Run("quickstart", func(t *testing.T) {
		out, errOut, code := output(t, environment(t, "KUBECONFIG="+kubeconfig), filepath.Join(programs, "quickstart"))
		if code != 0 || !regexp.MustCompile(`^[1-9]\d* pods take [1-9]\d* B, packed from [1-9]\d* B\n$`).MatchString(out) {
			t.Errorf("exit code %d, standard output %q, standard error %q", code, out, errOut)
		}
	})

	t.Run("list-pods-rest", func(t *testing.T) {
		out := succeeds(t, filepath.Join(programs, "list-pods-rest"), "--kubeconfig", kubeconfig)
		hasLine(t, out, "web-0", "Pending", "example.com/web:1")
	})

	t.Run("list-clientset", func(t *testing.T) {
		out := succeeds(t, filepath.Join(programs, "list-clientset"), "--kubeconfig", kubeconfig)
		hasLine(t, out, "web-0", "Pending")
		hasLine(t, out, "dns", "0/2")
	})

	t.Run("tables", func(t *testing.T) {
		program := filepath.Join(programs, "tables")
		out := succeeds(t, program, "--kubeconfig", kubeconfig, "--namespace", "kube-system", "deploy")
		hasLine(t, out, "NAMESPACE", "NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE")
		hasLine(t, out, "kube-system", "dns", "0/2")
		if strings.Contains(out, "SELECTOR") {
			t.Errorf("it prints the columns of wide output:\n%s", out)
		}
		hasLine(t, succeeds(t, program, "--kubeconfig", kubeconfig, "namespaces"), "kube-system", "Active")
		if _, stderr, code := output(t, environment(t), program, "--kubeconfig", kubeconfig, "nothings"); code != 1 || !strings.Contains(stderr, "nothings") {
			t.Errorf("of a resource that is not there: exit code %d, %q", code, stderr)
		}
	})

	t.Run("dynamic-get", func(t *testing.T) {
		program := filepath.Join(programs, "dynamic-get")
		out := succeeds(t, program, "--kubeconfig", kubeconfig, "--namespace", "kube-system", "dns")
		hasLine(t, out, "unstructured: Deployment kube-system/dns, spec.replicas 2")
		hasLine(t, out, "typed:", "Deployment kube-system/dns, image example.com/web:1")

		_, stderr, code := output(t, environment(t), program, "--kubeconfig", kubeconfig, "--namespace", "kube-system", "nobody")
		if code != 1 || !strings.Contains(stderr, `"nobody" not found`) {
			t.Errorf("of a deployment that is not there: exit code %d, %q; want 1, and that it was not found", code, stderr)
		}
		if _, stderr, code := output(t, environment(t), program); code != 2 || !strings.Contains(stderr, "usage:") {
			t.Errorf("without a name: exit code %d, %q; want 2 and the usage", code, stderr)
		}
	})

	t.Run("discovery", func(t *testing.T) {
		out := succeeds(t, filepath.Join(programs, "discovery"), "--kubeconfig", kubeconfig)
		hasLine(t, out, "Kubernetes "+cluster.Version())
		hasLine(t, out, "apps/v1")
		hasLine(t, out, "deployments", "Deployment", "namespaced", "list")
		hasLine(t, out, "namespaces", "Namespace", "cluster", "create")
		hasLine(t, out, "networking.k8s.io/v1")
		hasLine(t, out, "ingresses", "Ingress", "namespaced")
	})

	t.Run("informer", func(t *testing.T) {
		namespace := cluster.Namespace(t)
		pods := client.Of[corev1.Pod](c).In(namespace)
		createPod(ctx, t, c, namespace, "early")

		p := start(t, filepath.Join(programs, "informer"), "--kubeconfig", kubeconfig, "--namespace", namespace)
		p.waitFor(t, "1 pods")
		hasLine(t, strings.Join(p.said, "\n"), namespace, "early", "Pending")
		p.waitFor(t, "watching")

		createPod(ctx, t, c, namespace, "late")
		p.waitFor(t, "added    "+namespace+"/late")
		if _, err := pods.Patch(ctx, "late", types.MergePatchType, []byte(`{"status":{"phase":"Running"}}`), metav1.PatchOptions{}, "status"); err != nil {
			t.Fatal(err)
		}
		p.waitFor(t, "changed  "+namespace+"/late Pending -> Running")
		if err := pods.Delete(ctx, "late", metav1.DeleteOptions{GracePeriodSeconds: new(int64(0))}); err != nil {
			t.Fatal(err)
		}
		p.waitFor(t, "deleted  "+namespace+"/late which was Running")

		p.interrupt(t)
		if all := strings.Join(p.said, "\n"); strings.Contains(all, "added    "+namespace+"/early") {
			t.Errorf("a pod of the list was reported as added:\n%s", all)
		}
	})

	t.Run("controller", func(t *testing.T) {
		namespace := cluster.Namespace(t)
		budgets := client.Of[policyv1.PodDisruptionBudget](c).In(namespace)
		foreign, err := budgets.Create(ctx, &policyv1.PodDisruptionBudget{ObjectMeta: metav1.ObjectMeta{Name: "taken"}}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}

		p := startIn(t, environment(t, "KUBECONFIG="+kubeconfig), filepath.Join(programs, "controller"))
		d := createDeployment(ctx, t, c, namespace, "web")
		first := await(ctx, t, budgets, "web", func(b *policyv1.PodDisruptionBudget) bool { return metav1.IsControlledBy(b, d) })
		if n := first.Spec.MaxUnavailable; n == nil || n.IntValue() != 1 {
			t.Errorf("the budget's maxUnavailable is %v, want 1", n)
		}

		if err := budgets.Delete(ctx, "web", metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		await(ctx, t, budgets, "web", func(b *policyv1.PodDisruptionBudget) bool { return b.UID != first.UID })

		createDeployment(ctx, t, c, namespace, "taken")
		p.waitFor(t, "budget "+namespace+"/taken belongs to somebody else")
		p.interrupt(t)
		if now, err := budgets.Get(ctx, "taken", metav1.GetOptions{}); err != nil || now.ResourceVersion != foreign.ResourceVersion {
			t.Errorf("the budget that is somebody else's was changed: %v, %v", now, err)
		}
	})

	t.Run("leader", func(t *testing.T) {
		namespace := cluster.Namespace(t)
		maps := client.Of[corev1.ConfigMap](c).In(namespace)
		by := func(p *running) func(*corev1.ConfigMap) bool {
			p.waitFor(t, "this process: ")
			_, identity, _ := strings.Cut(p.said[len(p.said)-1], ": ")
			return func(m *corev1.ConfigMap) bool { return m.Data["by"] == identity }
		}
		program := filepath.Join(programs, "leader")
		first := start(t, program, "--kubeconfig", kubeconfig, "--namespace", namespace)
		await(ctx, t, maps, "heartbeat", by(first))
		second := start(t, program, "--kubeconfig", kubeconfig, "--namespace", namespace)
		bySecond := by(second)
		second.waitFor(t, "leader: ")
		first.interrupt(t)
		await(ctx, t, maps, "heartbeat", bySecond)
		second.interrupt(t)
	})

	t.Run("workqueue", func(t *testing.T) {
		namespace := cluster.Namespace(t)
		services := client.Of[corev1.Service](c).In(namespace)
		p := start(t, filepath.Join(programs, "workqueue"), "--kubeconfig", kubeconfig)
		if _, err := services.Create(ctx, &corev1.Service{
			ObjectMeta: metav1.ObjectMeta{Name: "web"},
			Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}},
		}, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		p.waitFor(t, "retry 1 of "+namespace+"/web: no label")
		p.waitFor(t, "retry 3 of "+namespace+"/web: no label")
		p.waitFor(t, "give up "+namespace+"/web until its next event")
		patch := []byte(`{"metadata":{"labels":{"owner":"shop"}}}`)
		if _, err := services.Patch(ctx, "web", types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
			t.Fatal(err)
		}
		p.waitFor(t, namespace+"/web is owned by shop")
		p.interrupt(t)
	})

	t.Run("custom-resource", func(t *testing.T) {
		p := start(t, filepath.Join(programs, "custom-resource"), "--kubeconfig", kubeconfig)
		p.waitFor(t, "the server serves sites.example.com")
		namespace := cluster.Namespace(t)
		sites := dynamic.New(c).Resource(schema.GroupVersionResource{Group: "example.com", Version: "v1", Resource: "sites"})
		if _, err := sites.Create(ctx, &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "example.com/v1", "kind": "Site",
			"metadata": map[string]any{"namespace": namespace, "name": "shop"},
			"spec":     map[string]any{"host": "shop.example.com"},
		}}, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		p.waitFor(t, namespace+"/shop is served at https://shop.example.com")
		p.interrupt(t)
		u, err := sites.Namespace(namespace).Get(ctx, "shop", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if url, _, _ := unstructured.NestedString(u.Object, "status", "url"); url != "https://shop.example.com" {
			t.Errorf("the status's url is %q", url)
		}
	})

	t.Run("modify", func(t *testing.T) {
		namespace := cluster.Namespace(t)
		before := createDeployment(ctx, t, c, namespace, "web")
		program := filepath.Join(programs, "modify")
		out := succeeds(t, program, "--kubeconfig", kubeconfig, "--namespace", namespace, "web", "web", "example.com/web:2")
		hasLine(t, out, "web is at resourceVersion", "[{web example.com/web:2}]")
		after, err := client.Of[appsv1.Deployment](c).In(namespace).Get(ctx, "web", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		want := before.DeepCopy().Spec
		want.Template.Spec.Containers[0].Image = "example.com/web:2"
		if !apiequality.Semantic.DeepEqual(after.Spec, want) {
			t.Errorf("the spec is %+v, want %+v", after.Spec, want)
		}
		args := []string{"--kubeconfig", kubeconfig, "--namespace", namespace, "web", "nobody", "x"}
		if _, stderr, code := output(t, environment(t), program, args...); code != 1 || !strings.Contains(stderr, `no container "nobody"`) {
			t.Errorf("of a container that is not there: exit code %d, %q", code, stderr)
		}
	})

	t.Run("wait", func(t *testing.T) {
		namespace := cluster.Namespace(t)
		program := filepath.Join(programs, "wait")
		createDeployment(ctx, t, c, namespace, "web")
		_, stderr, code := output(t, environment(t), program, "--kubeconfig", kubeconfig, "--namespace", namespace, "--timeout", "2s", "web")
		if code != 1 || !strings.Contains(stderr, `wait for deployments.apps "`+namespace+`/web" to be rolled out`) || !strings.Contains(stderr, "last seen: ") {
			t.Errorf("of one that is not rolled out: exit code %d, %q", code, stderr)
		}
		p := start(t, program, "--kubeconfig", kubeconfig, "--namespace", namespace, "web")
		if _, err := client.Of[appsv1.Deployment](c).In(namespace).ModifyStatus(ctx, "web", func(d *appsv1.Deployment) error {
			d.Status = appsv1.DeploymentStatus{ObservedGeneration: d.Generation, Replicas: 2, UpdatedReplicas: 2, ReadyReplicas: 2, AvailableReplicas: 2}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		p.waitFor(t, "web is rolled out: 2 replicas are available")
	})

	t.Run("follow", func(t *testing.T) {
		namespace := cluster.Namespace(t)
		pods := client.Of[corev1.Pod](c).In(namespace)
		createPod(ctx, t, c, namespace, "early")
		p := start(t, filepath.Join(programs, "follow"), "--kubeconfig", kubeconfig, "--namespace", namespace)
		p.waitFor(t, "ADDED    "+namespace+"/early Pending")
		if _, err := pods.ModifyStatus(ctx, "early", func(p *corev1.Pod) error { p.Status.Phase = "Running"; return nil }); err != nil {
			t.Fatal(err)
		}
		p.waitFor(t, "MODIFIED "+namespace+"/early Running")
		if err := pods.Delete(ctx, "early", metav1.DeleteOptions{GracePeriodSeconds: new(int64(0))}); err != nil {
			t.Fatal(err)
		}
		p.waitFor(t, "DELETED  "+namespace+"/early")
		p.interrupt(t)
	})

	t.Run("apply", func(t *testing.T) {
		namespace := cluster.Namespace(t)
		if _, err := client.Of[corev1.ConfigMap](c).In(namespace).Create(ctx, &corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{Name: "m"}, Data: map[string]string{"old": "0"},
		}, metav1.CreateOptions{FieldManager: "kubectl-create"}); err != nil {
			t.Fatal(err)
		}
		for _, step := range []struct{ args, says string }{
			{"--keep m a=1", "m has map[a:1 old:0], of which map[a:1 old:0] are set from here"},
			{"--keep m b=2", "m has map[a:1 b:2 old:0], of which map[a:1 b:2 old:0]"},
			{"m c=3", "m has map[c:3], of which map[c:3]"},
			{"new d=4", "new has map[d:4], of which map[d:4]"},
		} {
			args := append([]string{"--kubeconfig", kubeconfig, "--namespace", namespace}, strings.Fields(step.args)...)
			hasLine(t, succeeds(t, filepath.Join(programs, "apply"), args...), step.says)
		}
	})

	testObjects(t, cluster, c, programs)

	t.Run("the default rules find the cluster, too", func(t *testing.T) {
		program := filepath.Join(programs, "list-pods-rest")
		out, stderr, code := output(t, environment(t, "KUBECONFIG="+kubeconfig), program)
		if code != 0 {
			t.Fatalf("with $KUBECONFIG set: exit code %d: %s", code, stderr)
		}
		hasLine(t, out, "web-0", "Pending")
	})

	t.Run("without a cluster each says where it looked", func(t *testing.T) {
		missing := filepath.Join(t.TempDir(), "missing")
		for _, name := range []string{"list-pods-rest", "list-clientset", "tables", "dynamic-get", "discovery", "informer", "controller", "workqueue", "custom-resource", "modify", "wait", "follow", "apply", "leader", "crud", "metadata", "drain", "job", "reloader", "everything"} {
			env, args := environment(t), []string{"--kubeconfig", missing, "x"}
			if name == "modify" {
				args = append(args, "y", "z")
			}
			if name == "controller" { // it is too short to have flags
				env, args = environment(t, "KUBECONFIG="+missing), nil
			}
			_, stderr, code := output(t, env, filepath.Join(programs, name), args...)
			if code != 1 || !strings.Contains(stderr, missing) {
				t.Errorf("%s with a kubeconfig that is not there: exit code %d, %q; want 1 and the file's name", name, code, stderr)
			}
		}
	})
}

// The README shows the controller whole: it fits a screen, and its lines fit a page.
func TestControllerIsShort(t *testing.T) {
	const maxLines, maxColumns, tab = 55, 100, 4
	source, err := os.ReadFile("controller/main.go")
	if err != nil {
		t.Fatal(err)
	}
	if formatted, err := format.Source(source); err != nil || !bytes.Equal(formatted, source) {
		t.Errorf("examples/controller/main.go is not as gofmt leaves it: %v", err)
	}
	if n := bytes.Count(source, []byte("\n")); n > maxLines {
		t.Errorf("examples/controller/main.go has %d lines, the limit is %d", n, maxLines)
	}
	for i, line := range strings.Split(string(source), "\n") {
		if n := utf8.RuneCountInString(strings.ReplaceAll(line, "\t", strings.Repeat(" ", tab))); n > maxColumns {
			t.Errorf("examples/controller/main.go:%d has %d columns, the limit is %d", i+1, n, maxColumns)
		}
	}
}

// succeeds runs a program that must print nothing but its output.
func succeeds(t *testing.T, program string, args ...string) string {
	t.Helper()
	out, stderr, code := output(t, environment(t), program, args...)
	if code != 0 || stderr != "" {
		t.Fatalf("%s: exit code %d, stderr %q, output:\n%s", filepath.Base(program), code, stderr, out)
	}
	return out
}

// hasLine wants a line that holds all of these.
func hasLine(t *testing.T, out string, parts ...string) {
	t.Helper()
lines:
	for line := range strings.Lines(out) {
		for _, p := range parts {
			if !strings.Contains(line, p) {
				continue lines
			}
		}
		return
	}
	t.Errorf("no line with %q in the output:\n%s", parts, out)
}

// await waits until the object of that name is as it should be, and returns it.
func await[T any](ctx context.Context, t *testing.T, in *client.Client[T], name string, ok func(*T) bool) *T {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	w, err := in.Watch(ctx, metav1.ListOptions{FieldSelector: "metadata.name=" + name})
	if err != nil {
		t.Fatal(err)
	}
	for e, err := range w.Events() {
		if err != nil {
			t.Fatalf("waiting for %s: %v", name, err)
		}
		if e.Type != client.Deleted && ok(e.Object) {
			return e.Object
		}
	}
	t.Fatalf("waiting for %s: the watch ended", name)
	return nil
}

func createPod(ctx context.Context, t *testing.T, c *rest.Client, namespace, name string) {
	t.Helper()
	// Without the namespace's service account, which a controller makes, no pod is admitted.
	await(ctx, t, client.Of[corev1.ServiceAccount](c).In(namespace), "default", func(*corev1.ServiceAccount) bool { return true })
	_, err := client.Of[corev1.Pod](c).In(namespace).Create(ctx, &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       podTemplate().Spec,
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
}

func createDeployment(ctx context.Context, t *testing.T, c *rest.Client, namespace, name string) *appsv1.Deployment {
	t.Helper()
	template := podTemplate()
	d, err := client.Of[appsv1.Deployment](c).In(namespace).Create(ctx, &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: appsv1.DeploymentSpec{
			Replicas: new(int32(2)),
			Selector: &metav1.LabelSelector{MatchLabels: template.Labels},
			Template: template,
		},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func podTemplate() corev1.PodTemplateSpec {
	return corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "web"}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "web", Image: "example.com/web:1"}}},
	}
}
