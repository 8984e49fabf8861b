package examples_test

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/client/wait"
	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/rest"
)

// The programs that work on what runs in a pod run on a kubelet, whose containers are scripts.
func TestExamplesOnAKubelet(t *testing.T) {
	cluster := controlplane.New(t, controlplane.WithKubelet())
	c, err := rest.NewClient(cluster.Config())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	dir := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", dir+"/", "./logs", "./exec").CombinedOutput(); err != nil {
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
}
