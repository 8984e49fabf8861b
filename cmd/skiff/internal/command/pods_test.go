package command_test

import (
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/client/wait"
	"github.com/skiff-k8s/skiff/rest"
)

// rest returns a client of the test's control plane.
func (r *tool) rest() *rest.Client {
	r.t.Helper()
	c, err := rest.NewClient(r.cluster.Config())
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(c.CloseIdleConnections)
	return c
}

// pod creates a pod and waits until it is ready. scripts are pairs of a container's name and its
// script.
func (r *tool) pod(name string, change func(*corev1.Pod), scripts ...string) *corev1.Pod {
	r.t.Helper()
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"app": "web"}},
		Spec: corev1.PodSpec{RestartPolicy: corev1.RestartPolicyNever,
			TerminationGracePeriodSeconds: new(int64(0))},
	}
	for i := 0; i < len(scripts); i += 2 {
		pod.Spec.Containers = append(pod.Spec.Containers, corev1.Container{
			Name: scripts[i], Image: "script", Command: []string{"sh", "-c", scripts[i+1]},
		})
	}
	if change != nil {
		change(pod)
	}
	pods := client.Of[corev1.Pod](r.rest()).In(r.namespace)
	if _, err := pods.Create(r.t.Context(), pod, metav1.CreateOptions{}); err != nil {
		r.t.Fatal(err)
	}
	return r.ready(name)
}

// ready waits until a pod is ready or has ended.
func (r *tool) ready(name string) *corev1.Pod {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), testTimeout)
	defer cancel()
	pod, err := client.Of[corev1.Pod](r.rest()).In(r.namespace).WaitFor(ctx, name, wait.Or(wait.PodReady(),
		wait.When("have ended", func(p *corev1.Pod) bool {
			return p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed
		})))
	if err != nil {
		r.t.Fatal(err)
	}
	return pod
}

func TestLogs(t *testing.T) {
	r := newTool(t)
	r.pod("web", nil, "app", "echo one; echo two; echo three", "side", "echo other")
	r.pod("worker", func(p *corev1.Pod) {
		p.Annotations = map[string]string{"kubectl.kubernetes.io/default-container": "main"}
	}, "first", "echo no", "main", "echo yes")
	for _, c := range []struct {
		want string
		args []string
	}{
		{"one\ntwo\nthree\n", []string{"web", "-c", "app"}},
		{"one\ntwo\nthree\n", []string{"pod/web", "app"}},
		{"three\n", []string{"web", "-c", "app", "--tail", "1"}},
		{"one\n", []string{"web", "-c", "app", "--limit-bytes", "4"}},
		{"", []string{"web", "-c", "app", "--since-time", "2999-01-01T00:00:00Z"}},
		{"one\ntwo\nthree\n", []string{"web", "-c", "app", "-f", "--since", "1h"}},
		{"[pod/web/side] other\n", []string{"web", "-c", "side", "--prefix"}},
		{"yes\n", []string{"worker"}},
		{"[pod/web/app] one\n[pod/web/app] two\n[pod/web/app] three\n[pod/web/side] other\n", []string{"web", "--all-containers"}},
		{"[pod/web/app] one\n[pod/web/app] two\n[pod/web/app] three\n[pod/worker/main] yes\n", []string{"-l", "app=web"}},
		{"three\nyes\n", []string{"-l", "app=web", "--tail", "1", "--prefix=false"}},
		{"[pod/web/side] other\n", []string{"-l", "app=web", "-c", "side"}},
	} {
		if got := r.ok(append([]string{"logs"}, c.args...)...); got != c.want {
			t.Errorf("logs %q: %q, want %q", c.args, got, c.want)
		}
	}
	if got := r.run("logs", "web"); got.out != "one\ntwo\nthree\n" || got.err != "Defaulted container \"app\" out of: app, side\n" {
		t.Errorf("without a container: %+v", got)
	}
	stamp, line, _ := strings.Cut(r.ok("logs", "web", "-c", "side", "--timestamps"), " ")
	if _, err := time.Parse(time.RFC3339Nano, stamp); err != nil || line != "other\n" {
		t.Errorf("--timestamps: %q %q, %v", stamp, line, err)
	}
	for part, args := range map[string][]string{
		"name one POD":               {},
		"and --container exclude":    {"web", "--all-containers", "-c", "app"},
		"name the container once":    {"web", "app", "-c", "app"},
		"--since and --since-time":   {"web", "--since", "1s", "--since-time", "2026-01-01T00:00:00Z"},
		"want a time such as":        {"web", "--since-time", "yesterday"},
		"--since must not be":        {"web", "--since", "-1s"},
		"--tail must not be":         {"web", "--tail", "-2"},
		"--limit-bytes must be":      {"web", "--limit-bytes", "0"},
		"--max-log-requests must be": {"web", "--max-log-requests", "0"},
		"nodes have no pods":         {"node/a"},
	} {
		r.fails(2, []string{"skiff: ", part}, append([]string{"logs"}, args...)...)
	}
	for part, args := range map[string][]string{
		`"none" not found`:             {"none"},
		"previous terminated":          {"web", "-c", "app", "-p"},
		"4 containers match":           {"-l", "app=web", "-f", "--all-containers", "--max-log-requests", "3"},
		"no pod and container match":   {"-l", "app=none"},
		"it has no spec.selector":      {"configmap/kube-root-ca.crt"},
		"the server serves none; skif": {"nonsense/a"},
	} {
		r.fails(1, []string{"skiff: ", part}, append([]string{"logs"}, args...)...)
	}
}

// The pods of a workload: the ready one is chosen, or all of them.
func TestLogsOfAWorkload(t *testing.T) {
	r := newTool(t)
	r.pod("done", nil, "app", "echo done")
	r.pod("web", nil, "app", "echo up; pause")
	rc := &corev1.ReplicationController{ObjectMeta: metav1.ObjectMeta{Name: "web"},
		Spec: corev1.ReplicationControllerSpec{Replicas: new(int32(0)), Selector: map[string]string{"app": "web", "none": "no"},
			Template: &corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "web", "none": "no"}},
				Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "a", Image: "a"}}}}}}
	svc := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "front"},
		Spec: corev1.ServiceSpec{Selector: map[string]string{"app": "web"}, Ports: []corev1.ServicePort{{Port: 80}}}}
	c := r.rest()
	if _, err := client.Of[corev1.ReplicationController](c).In(r.namespace).Create(t.Context(), rc, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Of[corev1.Service](c).In(r.namespace).Create(t.Context(), svc, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if got := r.run("logs", "svc/front"); got.out != "up\n" || got.err != "Found 2 pods of service/front, using pod/web\n" {
		t.Errorf("of a service: %+v", got)
	}
	if got := r.ok("logs", "svc/front", "--all-pods"); got != "[pod/done/app] done\n[pod/web/app] up\n" {
		t.Errorf("of all pods: %q", got)
	}
	r.fails(1, []string{"find a pod of replicationcontroller/web: it has none"}, "logs", "rc/web")

	// The end of the context ends what follows.
	b := r.start("logs", "web", "-f")
	b.expect("up")
	if code := b.stop(); code != 130 {
		t.Errorf("the code is %d", code)
	}
}

func TestExec(t *testing.T) {
	r := newTool(t)
	r.pod("web", nil, "app", "pause", "side", "pause")
	if got := r.exec("", "exec", "web", "-c", "app", "--", "echo", "-n", "--tail", "a  b"); got.out != "--tail a  b" {
		t.Errorf("the output: %+v", got)
	}
	if got := r.exec("hello", "exec", "-i", "web", "-c", "app", "--", "cat"); got.out != "hello" || got.code != 0 {
		t.Errorf("with an input: %+v", got)
	}
	if got := r.exec("", "exec", "web", "--", "sh", "-c", "echo out; echo err >&2; exit 7"); got.code != 7 || got.out != "out\n" ||
		got.err != "Defaulted container \"app\" out of: app, side\nerr\nskiff: the command ended with exit code 7\n" {
		t.Errorf("a command that fails: %+v", got)
	}
	if got := r.exec("", "exec", "-q", "web", "--", "false"); got.code != 1 || got.err != "" {
		t.Errorf("quiet: %+v", got)
	}
	if got := r.exec("", "exec", "-it", "-c", "app", "web", "--", "tty"); !strings.Contains(got.err, "--tty is left out") {
		t.Errorf("a terminal that there is not: %+v", got)
	}
	for _, args := range [][]string{{"web"}, {"web", "ls"}, {"web", "--"}, {"--", "ls"}, {"a", "b", "--", "ls"}} {
		checkFailure(t, r.exec("", append([]string{"exec"}, args...)...), 2, []string{"want one POD or TYPE/NAME, --, and a command"}, args)
	}
	checkFailure(t, r.exec("", "exec", "none", "--", "ls"), 1, []string{`"none" not found`}, nil)
	checkFailure(t, r.exec("", "exec", "web", "-c", "none", "--", "ls"), 1, []string{"none"}, nil)
}

// exec runs skiff with the test's flags before the command line's dash.
func (r *tool) exec(in string, args ...string) result {
	r.t.Helper()
	return skiffIn(r.t, in, append(append([]string{}, r.flags...), args...)...)
}

func TestPortForward(t *testing.T) {
	r := newTool(t)
	pod := r.pod("web", func(p *corev1.Pod) {
		p.Spec.Containers[0].Ports = []corev1.ContainerPort{{Name: "echo", ContainerPort: 7}}
	}, "app", "listen 7")
	svc := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "front"},
		Spec: corev1.ServiceSpec{Selector: map[string]string{"app": "web"}, Ports: []corev1.ServicePort{{Name: "e", Port: 80, TargetPort: intstr.FromString("echo")}}}}
	c := r.rest()
	if _, err := client.Of[corev1.Service](c).In(r.namespace).Create(t.Context(), svc, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	r.start("logs", "web", "-f").line() // "listening"
	for _, args := range [][]string{{"web", ":echo"}, {"svc/front", ":e"}, {"svc/front", ":80"}} {
		b := r.start(append([]string{"port-forward", "--address", "127.0.0.1"}, args...)...)
		addr, ok := strings.CutPrefix(b.line(), "Forwarding from ")
		addr, to, _ := strings.Cut(addr, " -> ")
		if !ok || to != "pod/web port 7" {
			t.Errorf("%q: %s to %s", args, addr, to)
		}
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(conn, "hello")
		conn.(*net.TCPConn).CloseWrite()
		if got, err := io.ReadAll(conn); string(got) != "hello" || err != nil {
			t.Errorf("%q: the echo is %q, %v", args, got, err)
		}
		conn.Close()
		if code := b.stop(); code != 0 {
			t.Errorf("%q: the code is %d: %s", args, code, b.errs)
		}
	}
	b := r.start("port-forward", "web", ":7")
	b.line()
	if err := client.Of[corev1.Pod](c).In(r.namespace).Delete(t.Context(), pod.Name, metav1.DeleteOptions{GracePeriodSeconds: new(int64(0))}); err != nil {
		t.Fatal(err)
	}
	for b.lines.Scan() { // until it has ended
	}
	if code := b.stop(); code != 1 || !strings.Contains(b.errs.String(), "skiff: forward ports: pod/web has ") {
		t.Errorf("when the pod has gone: %d, %s", code, b.errs)
	}
	r.fails(1, []string{`"web" not found`}, "port-forward", "web", "80")
	r.fails(2, []string{"requires at least 2 arg"}, "port-forward", "web")
}
