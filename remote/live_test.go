package remote_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/remote"
	"github.com/skiff-k8s/skiff/rest"
)

func TestMain(m *testing.M) { controlplane.Main(m) }

// live is a namespace of a control plane with a kubelet.
type live struct {
	*testing.T
	c         *rest.Client
	namespace string
}

func connectLive(t *testing.T) *live {
	t.Helper()
	cluster := controlplane.Start(t, controlplane.WithKubelet())
	c, err := rest.NewClient(cluster.Config())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	return &live{t, c, cluster.Namespace(t)}
}

// pod creates a pod and waits until it is ready, or has ended. scripts are pairs of a container's
// name and its script.
func (l *live) pod(name string, change func(*corev1.Pod), scripts ...string) *corev1.Pod {
	l.Helper()
	pod := &corev1.Pod{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"app": "web"}},
		Spec:       corev1.PodSpec{RestartPolicy: corev1.RestartPolicyNever},
	}
	for i := 0; i < len(scripts); i += 2 {
		pod.Spec.Containers = append(pod.Spec.Containers, corev1.Container{
			Name: scripts[i], Image: "script", Command: []string{"sh", "-c", scripts[i+1]},
		})
	}
	if change != nil {
		change(pod)
	}
	if err := l.c.Post().Namespace(l.namespace).Resource("pods").Body(pod).Do(l.Context()).Error(); err != nil {
		l.Fatal(err)
	}
	return l.await(name, func(p *corev1.Pod) bool {
		for _, c := range p.Status.Conditions {
			if c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue {
				return true
			}
		}
		return p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed
	})
}

// await polls a pod until it is as it should be.
func (l *live) await(name string, ok func(*corev1.Pod) bool) *corev1.Pod {
	l.Helper()
	ctx, cancel := context.WithTimeout(l.Context(), time.Minute)
	defer cancel()
	for {
		var pod corev1.Pod
		err := l.c.Get().Namespace(l.namespace).Resource("pods").Name(name).Do(ctx).Into(&pod)
		if err != nil {
			l.Fatal(err)
		}
		if ok(&pod) {
			return &pod
		}
		select {
		case <-ctx.Done():
			l.Fatalf("the pod is %+v", pod.Status)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (l *live) exec(s remote.Session, command ...string) error {
	return remote.Exec(l.Context(), l.c, l.namespace, "web", command, s)
}

func TestLiveExec(t *testing.T) {
	l := connectLive(t)
	l.pod("web", nil, "app", "pause")

	t.Run("streams", func(t *testing.T) {
		in := strings.Repeat("0123456789", 100_000)
		var out, errOut bytes.Buffer
		err := l.exec(remote.Session{Stdin: strings.NewReader(in), Stdout: &out, Stderr: &errOut}, "sh", "-c", "cat; echo done >&2")
		if err != nil || out.String() != in || errOut.String() != "done\n" {
			t.Errorf("error %v, %d bytes, standard error %q", err, out.Len(), errOut.String())
		}
	})
	t.Run("exit code", func(t *testing.T) {
		var exit *remote.ExitError
		if err := l.exec(remote.Session{}, "sh", "-c", "exit 3"); !errors.As(err, &exit) || exit.Code != 3 {
			t.Errorf("the error is %v", err)
		}
	})
	t.Run("terminal", func(t *testing.T) {
		sizes := make(chan remote.Size, 2)
		sizes <- remote.Size{Width: 80, Height: 24}
		sizes <- remote.Size{Width: 100, Height: 30}
		var out bytes.Buffer
		if err := l.exec(remote.Session{TTY: true, Resize: sizes, Stdout: &out}, "sh", "-c", "tty; size 2"); err != nil || out.String() != "tty\n80x24\n100x30\n" {
			t.Errorf("error %v, %q", err, &out)
		}
	})
	t.Run("no such program", func(t *testing.T) {
		if err := l.exec(remote.Session{}, "vi"); !apierrors.IsInternalError(err) || !strings.Contains(err.Error(), "executable file not found") {
			t.Errorf("the error is %v", err)
		}
	})
	t.Run("no such container", func(t *testing.T) {
		if err := l.exec(remote.Session{Container: "none"}, "true"); !apierrors.IsBadRequest(err) || !strings.Contains(err.Error(), "none") {
			t.Errorf("the error is %v", err)
		}
	})
	t.Run("no such pod", func(t *testing.T) {
		if err := remote.Exec(t.Context(), l.c, l.namespace, "none", []string{"true"}, remote.Session{}); !apierrors.IsNotFound(err) {
			t.Errorf("the error is %v", err)
		}
	})
	t.Run("canceled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		out := first{then: cancel}
		if err := remote.Exec(ctx, l.c, l.namespace, "web", []string{"tick", "0.01"}, remote.Session{Stdout: &out}); !errors.Is(err, context.Canceled) {
			t.Errorf("the error is %v", err)
		}
	})
	t.Run("forbidden", func(t *testing.T) {
		cfg := l.c.Config()
		cfg.Impersonate.User = "nobody"
		c, err := rest.NewClient(cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer c.CloseIdleConnections()
		err = remote.Exec(t.Context(), c, l.namespace, "web", []string{"true"}, remote.Session{})
		if _, plain := err.(*apierrors.StatusError); !plain || !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), "pods/exec") {
			t.Errorf("the error is %v", err)
		}
	})
	t.Run("output that nobody takes for a while", func(t *testing.T) {
		slow := first{then: func() { time.Sleep(100 * time.Millisecond) }}
		if err := l.exec(remote.Session{Stdout: &slow}, "fill", "3000000"); err != nil || slow.n != 3_000_000 {
			t.Errorf("error %v, %d bytes", err, slow.n)
		}
	})
}

// first calls then before the first write.
type first struct {
	then func()
	n    int
}

func (f *first) Write(p []byte) (int, error) {
	if f.n == 0 {
		f.then()
	}
	f.n += len(p)
	return len(p), nil
}

func TestLiveExecInAPodThatHasEnded(t *testing.T) {
	l := connectLive(t)
	if pod := l.pod("web", nil, "app", "exit 4"); pod.Status.Phase != corev1.PodFailed || pod.Status.ContainerStatuses[0].State.Terminated.ExitCode != 4 {
		t.Errorf("the pod is %+v", pod.Status)
	}
	if err := l.exec(remote.Session{}, "true"); !apierrors.IsInternalError(err) || !strings.Contains(err.Error(), "container not found") {
		t.Errorf("the error is %v", err)
	}
}

func TestLiveAttach(t *testing.T) {
	l := connectLive(t)
	l.pod("web", func(p *corev1.Pod) {
		p.Spec.Containers[0].Stdin, p.Spec.Containers[0].StdinOnce = true, true
	}, "app", "cat; echo end")
	var out bytes.Buffer
	err := remote.Attach(t.Context(), l.c, l.namespace, "web", remote.Session{Stdin: strings.NewReader("hello\n"), Stdout: &out})
	if err != nil || out.String() != "hello\nend\n" {
		t.Errorf("error %v, output %q", err, &out)
	}
	l.await("web", func(p *corev1.Pod) bool { return p.Status.Phase == corev1.PodSucceeded })
}

func TestLiveLogs(t *testing.T) {
	l := connectLive(t)
	l.pod("web-0", nil, "app", "echo one; echo two; echo -n thr; echo ee; pause", "side", "echo side >&2; pause")
	l.pod("web-1", nil, "app", "echo other")
	read := func(opts corev1.PodLogOptions) string {
		t.Helper()
		log, err := remote.Log(t.Context(), l.c, l.namespace, "web-0", opts)
		if err != nil {
			t.Fatal(err)
		}
		defer log.Close()
		data, err := io.ReadAll(log)
		if err != nil {
			t.Error(err)
		}
		return string(data)
	}
	if got := read(corev1.PodLogOptions{Container: "app"}); got != "one\ntwo\nthree\n" {
		t.Errorf("the log is %q", got)
	}
	if got := read(corev1.PodLogOptions{Container: "app", TailLines: new(int64(1))}); got != "ee\n" && got != "three\n" {
		t.Errorf("the last line is %q", got) // the kubelet counts parts of lines
	}
	if got := read(corev1.PodLogOptions{Container: "app", LimitBytes: new(int64(5))}); got != "one\nt" {
		t.Errorf("five bytes are %q", got)
	}
	if got := read(corev1.PodLogOptions{Container: "app", SinceTime: &metav1.Time{Time: time.Now().Add(time.Hour)}}); got != "" {
		t.Errorf("since later: %q", got)
	}
	if got := read(corev1.PodLogOptions{Container: "side", Timestamps: true}); !strings.HasSuffix(got, "Z side\n") {
		t.Errorf("with a timestamp: %q", got)
	}
	for container, ok := range map[string]func(error) bool{"": apierrors.IsBadRequest, "none": apierrors.IsBadRequest} {
		if _, err := remote.Log(t.Context(), l.c, l.namespace, "web-0", corev1.PodLogOptions{Container: container}); !ok(err) {
			t.Errorf("of container %q: %v", container, err)
		}
	}
	var out bytes.Buffer
	err := remote.Logs(t.Context(), l.c, l.namespace, remote.LogSet{Selector: "app=web"}, corev1.PodLogOptions{}, &out)
	want := "[pod/web-0/app] one\n[pod/web-0/app] two\n[pod/web-0/app] three\n[pod/web-0/side] side\n[pod/web-1/app] other\n"
	if err != nil || out.String() != want {
		t.Errorf("error %v, logs\n%s", err, &out)
	}
}

func TestLiveLogsOfAContainerThatRestarts(t *testing.T) {
	l := connectLive(t)
	l.pod("web", func(p *corev1.Pod) { p.Spec.RestartPolicy = corev1.RestartPolicyAlways }, "app", "echo run; sleep 0.2; exit 1")
	l.await("web", func(p *corev1.Pod) bool { return p.Status.ContainerStatuses[0].RestartCount > 0 })
	log, err := remote.Log(t.Context(), l.c, l.namespace, "web", corev1.PodLogOptions{Previous: true})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	if data, err := io.ReadAll(log); string(data) != "run\n" || err != nil {
		t.Errorf("the previous log is %q, %v", data, err)
	}
}

// A followed log ends with its container, and with the pod.
func TestLiveFollow(t *testing.T) {
	l := connectLive(t)
	l.pod("web", nil, "app", "tick 0.05 5", "side", "tick 0.03 5")
	var out bytes.Buffer
	if err := remote.Logs(t.Context(), l.c, l.namespace, remote.LogSet{Pod: "web"}, corev1.PodLogOptions{Follow: true}, &out); err != nil {
		t.Error(err)
	}
	for _, line := range []string{"[pod/web/app] tick 1", "[pod/web/app] tick 5", "[pod/web/side] tick 5"} {
		if strings.Count(out.String(), line+"\n") != 1 {
			t.Errorf("no line %q in\n%s", line, &out)
		}
	}
	l.pod("later", nil, "app", "echo begun; pause")
	log, err := remote.Log(t.Context(), l.c, l.namespace, "later", corev1.PodLogOptions{Follow: true})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	if _, err := io.ReadFull(log, make([]byte, len("begun\n"))); err != nil {
		t.Fatal(err)
	}
	if err := l.c.Delete().Namespace(l.namespace).Resource("pods").Name("later").Do(t.Context()).Error(); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(log); len(rest) > 0 || err != nil {
		t.Errorf("after the deletion: %q, %v", rest, err)
	}
}

func TestLiveDialPort(t *testing.T) {
	l := connectLive(t)
	l.pod("web", nil, "app", "listen 7", "http", "httpd 80")
	l.listening("web", "app", "http")

	t.Run("echo and half-close", func(t *testing.T) {
		conn, err := remote.DialPort(t.Context(), l.c, l.namespace, "web", 7)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		sent := bytes.Repeat([]byte("0123456789abcdef"), 100_000)
		go func() {
			conn.Write(sent)
			conn.(interface{ CloseWrite() error }).CloseWrite()
		}()
		if got, err := io.ReadAll(conn); !bytes.Equal(got, sent) || err != nil {
			t.Errorf("the echo has %d bytes, %v", len(got), err)
		}
	})
	t.Run("nothing listens", func(t *testing.T) {
		conn, err := remote.DialPort(t.Context(), l.c, l.namespace, "web", 9)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		var refused *remote.PortError
		if _, err := conn.Read(make([]byte, 1)); !errors.As(err, &refused) || refused.Port != 9 || !strings.Contains(err.Error(), "connection refused") {
			t.Errorf("the error is %v", err)
		}
	})
	t.Run("no such pod", func(t *testing.T) {
		if _, err := remote.DialPort(t.Context(), l.c, l.namespace, "none", 80); !apierrors.IsNotFound(err) {
			t.Errorf("the error is %v", err)
		}
	})
	t.Run("HTTP over many connections", func(t *testing.T) {
		client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return remote.DialPort(ctx, l.c, l.namespace, "web", 80)
		}}}
		defer client.CloseIdleConnections()
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				resp, err := client.Post(fmt.Sprintf("http://web/%d", i), "text/plain", strings.NewReader("body"))
				if err != nil {
					t.Error(err)
					return
				}
				defer resp.Body.Close()
				if data, err := io.ReadAll(resp.Body); string(data) != fmt.Sprintf("POST /%d\nbody", i) || err != nil {
					t.Errorf("the answer is %q, %v", data, err)
				}
			})
		}
		wg.Wait()
	})
}

// listening waits until each container's process listens.
func (l *live) listening(pod string, containers ...string) {
	l.Helper()
	for _, container := range containers {
		log, err := remote.Log(l.Context(), l.c, l.namespace, pod, corev1.PodLogOptions{Container: container, Follow: true})
		if err != nil {
			l.Fatal(err)
		}
		if _, err := io.ReadFull(log, make([]byte, len("listening\n"))); err != nil {
			l.Fatal(err)
		}
		log.Close()
	}
}

func TestLiveForward(t *testing.T) {
	l := connectLive(t)
	l.pod("web", nil, "app", "listen 7")
	l.listening("web", "app")
	failed := make(chan error, 10)
	f, err := remote.Forward(t.Context(), l.c, l.namespace, "web", remote.ForwardOptions{
		Ports: []string{":7", "0:9"}, Addresses: []string{"127.0.0.1"}, OnError: func(err error) { failed <- err },
	})
	if err != nil {
		t.Fatal(err)
	}
	ports := f.Ports()
	if len(ports) != 2 || ports[0].Port != 7 || ports[1].Port != 9 {
		t.Fatalf("the ports are %v", ports)
	}
	ended := make(chan error, 1)
	go func() { ended <- f.Run(t.Context()) }()
	echo := func(text string) {
		t.Helper()
		conn, err := net.Dial("tcp", ports[0].Local.String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		io.WriteString(conn, text)
		conn.(*net.TCPConn).CloseWrite()
		if got, err := io.ReadAll(conn); string(got) != text || err != nil {
			t.Errorf("the echo is %q, %v", got, err)
		}
	}
	echo("one")
	echo("two")
	refused, err := net.Dial("tcp", ports[1].Local.String())
	if err != nil {
		t.Fatal(err)
	}
	defer refused.Close()
	var none *remote.PortError
	if err := <-failed; !errors.As(err, &none) || none.Port != 9 {
		t.Errorf("the error is %v", err)
	}
	echo("three")

	grace := l.c.Delete().Namespace(l.namespace).Resource("pods").Name("web").Param("gracePeriodSeconds", "0")
	if err := grace.Do(t.Context()).Error(); err != nil {
		t.Fatal(err)
	}
	late, err := net.Dial("tcp", ports[0].Local.String())
	if err != nil {
		t.Fatal(err)
	}
	defer late.Close()
	if err := <-ended; !apierrors.IsNotFound(err) {
		t.Errorf("after the pod's end: %v", err)
	}
	if _, err := net.Dial("tcp", ports[0].Local.String()); err == nil {
		t.Error("the port is open after the end")
	}
}

func TestLiveProxy(t *testing.T) {
	l := connectLive(t)
	l.pod("web", func(p *corev1.Pod) {
		p.Spec.Containers[0].Ports = []corev1.ContainerPort{{Name: "http", ContainerPort: 8080}}
	}, "app", "httpd 8080")
	l.listening("web", "app")
	service := &corev1.Service{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Service"},
		ObjectMeta: metav1.ObjectMeta{Name: "front"},
		Spec: corev1.ServiceSpec{
			Selector: map[string]string{"app": "web"},
			Ports:    []corev1.ServicePort{{Name: "http", Port: 80, TargetPort: intstr.FromString("http")}},
		},
	}
	if err := l.c.Post().Namespace(l.namespace).Resource("services").Body(service).Do(t.Context()).Error(); err != nil {
		t.Fatal(err)
	}
	post := func(proxy http.RoundTripper, path string) (int, string) {
		t.Helper()
		resp, err := (&http.Client{Transport: proxy}).Post("http://web"+path, "text/plain", strings.NewReader("body"))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		data, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Error(err)
		}
		return resp.StatusCode, string(data)
	}
	for _, name := range []string{"web:8080", "web", "http:web:8080"} {
		if code, body := post(remote.PodProxy(l.c, l.namespace, name), "/a%20b?c=d"); code != 200 || body != "POST /a%20b?c=d\nbody" {
			t.Errorf("pod %s: %d, %q", name, code, body)
		}
	}
	if code, body := post(remote.PodProxy(l.c, l.namespace, "web"), "/missing"); code != 404 || body != "POST /missing\nbody" {
		t.Errorf("what the pod does not have: %d, %q", code, body)
	}
	if code, body := post(remote.PodProxy(l.c, l.namespace, "none"), "/"); code != 404 || !strings.Contains(body, `"kind":"Status"`) {
		t.Errorf("no such pod: %d, %q", code, body)
	}
	f, err := remote.Forward(t.Context(), l.c, l.namespace, "", remote.ForwardOptions{
		Service: "front", Ports: []string{":http", "0:80"}, Addresses: []string{"127.0.0.1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if ports := f.Ports(); f.Pod() != "web" || len(ports) != 2 || ports[0].Port != 8080 || ports[1].Port != 8080 {
		t.Errorf("the service is forwarded to pod %s, %v", f.Pod(), ports)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	deadline := time.Now().Add(time.Minute)
	for {
		code, body := post(remote.ServiceProxy(l.c, l.namespace, "front:http"), "/x")
		if code == 200 && body == "POST /x\nbody" {
			return
		}
		// 404 until the API server's proxy has seen the service, 503 until the service has its endpoints.
		if code != 404 && code != 503 || time.Now().After(deadline) {
			t.Fatalf("the service: %d, %q", code, body)
		}
		time.Sleep(50 * time.Millisecond)
	}
}
