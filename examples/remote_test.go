package examples_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/client/wait"
	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/rest"
)

// The programs that work on what runs in a pod run on a kubelet, whose containers are scripts.
func TestExamplesOnAKubelet(t *testing.T) {
	cluster := controlplane.New(t, controlplane.WithKubelet(),
		controlplane.WithControllerManagerArgs("--controllers=*"))
	c, err := rest.NewClient(cluster.Config())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	dir := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-ldflags=-w", "-o", dir+"/", "./logs", "./exec", "./job", "./port-forward", "./drain").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	pod := &corev1.Pod{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: metav1.ObjectMeta{Name: "web", Labels: map[string]string{"app": "web"}},
		Spec: corev1.PodSpec{Containers: []corev1.Container{
			{Name: "app", Image: "none", Command: []string{"sh", "-c", "echo one; echo two; pause"}},
			{Name: "side", Image: "none", Command: []string{"tick", "0.1"}},
		}},
	}
	if err := c.Post().Namespace("default").Resource("pods").Body(pod).Do(t.Context()).Error(); err != nil {
		t.Fatal(err)
	}
	ready, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if _, err := client.Of[corev1.Pod](c).In("default").WaitFor(ready, "web", wait.PodReady()); err != nil {
		t.Fatal(err)
	}

	t.Run("logs", func(t *testing.T) {
		program := filepath.Join(dir, "logs")
		hasLine(t, succeeds(t, program, "--kubeconfig", cluster.Kubeconfig(), "web"), "[pod/web/app] one")
		out := succeeds(t, program, "--kubeconfig", cluster.Kubeconfig(), "--tail", "1", "--selector", "app=web")
		hasLine(t, out, "[pod/web/app] two")
		if strings.Contains(out, "one") {
			t.Errorf("the last lines are\n%s", out)
		}
		p := start(t, program, "--kubeconfig", cluster.Kubeconfig(), "--follow", "web")
		p.waitFor(t, "[pod/web/side] tick 5")
		p.interrupt(t)
		if _, stderr, code := output(t, environment(t), program, "--kubeconfig", cluster.Kubeconfig(), "none"); code != 1 || !strings.Contains(stderr, `"none" not found`) {
			t.Errorf("of a pod that is not there: exit code %d, %q", code, stderr)
		}
	})

	t.Run("exec", func(t *testing.T) {
		program := filepath.Join(dir, "exec")
		run := func(args ...string) *exec.Cmd {
			args = append([]string{"--kubeconfig", cluster.Kubeconfig(), "--container", "app"}, args...)
			cmd := exec.CommandContext(t.Context(), program, args...)
			cmd.Env = environment(t)
			return cmd
		}
		cmd := run("--stdin", "web", "sh", "-c", "cat; echo done >&2; exit 3")
		var out, errOut bytes.Buffer
		cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader("hello"), &out, &errOut
		if err := cmd.Run(); !errors.As(err, new(*exec.ExitError)) || cmd.ProcessState.ExitCode() != 3 || out.String() != "hello" || errOut.String() != "done\n" {
			t.Errorf("%v, standard output %q, standard error %q", err, &out, &errOut)
		}
		cmd = run("web", "vi")
		if out, _ := cmd.CombinedOutput(); cmd.ProcessState.ExitCode() != 1 || !strings.Contains(string(out), "executable file not found") {
			t.Errorf("of a program that is not there: exit code %d, %q", cmd.ProcessState.ExitCode(), out)
		}
		cmd = run("web")
		if out, _ := cmd.CombinedOutput(); cmd.ProcessState.ExitCode() != 2 || !strings.Contains(string(out), "usage:") {
			t.Errorf("without a command: exit code %d, %q", cmd.ProcessState.ExitCode(), out)
		}
	})

	t.Run("job", func(t *testing.T) {
		program := filepath.Join(dir, "job")
		out := succeeds(t, program, "--kubeconfig", cluster.Kubeconfig(), "sh", "-c", "echo done")
		hasLine(t, out, "created run-")
		hasLine(t, out, "done")
		out, stderr, code := output(t, environment(t), program, "--kubeconfig", cluster.Kubeconfig(), "sh", "-c", "echo no; exit 3")
		if code != 1 || !strings.Contains(out, "] no") || !strings.Contains(stderr, "the Job has failed") {
			t.Errorf("of a Job that fails: exit code %d, %q, standard error %q", code, out, stderr)
		}
		jobs := client.Of[batchv1.Job](c).In("default")
		for job, err := range jobs.All(t.Context(), metav1.ListOptions{}) {
			if err != nil || job.DeletionTimestamp == nil {
				t.Errorf("a Job is left: %v, %v", job, err)
			}
		}
	})

	t.Run("port-forward", func(t *testing.T) {
		web := &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: "echo"},
			Spec: corev1.PodSpec{Containers: []corev1.Container{
				{Name: "app", Image: "none", Command: []string{"httpd", "80"}},
			}},
		}
		pods := client.Of[corev1.Pod](c).In("default")
		if _, err := pods.Create(t.Context(), web, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		ready, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		if _, err := pods.WaitFor(ready, "echo", wait.PodReady()); err != nil {
			t.Fatal(err)
		}
		p := start(t, filepath.Join(dir, "port-forward"), "--kubeconfig", cluster.Kubeconfig(), "echo", ":80")
		p.waitFor(t, "to port 80")
		address := strings.Fields(p.said[len(p.said)-1])[1]
		answer, err := http.Get("http://" + address + "/hello")
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		if body, err := io.ReadAll(answer.Body); err != nil || !strings.Contains(string(body), "/hello") {
			t.Errorf("the pod answers %q, %v", body, err)
		}
		p.interrupt(t)
	})

	t.Run("drain", func(t *testing.T) { // the last one: no pod is left
		nodes, err := client.Of[corev1.Node](c).List(t.Context(), metav1.ListOptions{})
		if err != nil || len(nodes.Items) != 1 {
			t.Fatalf("the nodes are %v, %v", nodes, err)
		}
		node := nodes.Items[0].Name
		out := succeeds(t, filepath.Join(dir, "drain"), "--kubeconfig", cluster.Kubeconfig(), node)
		hasLine(t, out, "cordoned "+node)
		hasLine(t, out, "evicted default/web")
		pods, err := client.Of[corev1.Pod](c).List(t.Context(), metav1.ListOptions{FieldSelector: "spec.nodeName=" + node})
		if err != nil || len(pods.Items) > 0 {
			t.Errorf("%d pods are left, %v", len(pods.Items), err)
		}
		after, err := client.Of[corev1.Node](c).Get(t.Context(), node, metav1.GetOptions{})
		if err != nil || !after.Spec.Unschedulable {
			t.Errorf("the node is schedulable: %v", err)
		}
	})
}
