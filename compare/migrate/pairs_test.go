package migrate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clientgo "k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/client/wait"
	"github.com/skiff-k8s/skiff/compare/migrate/apply"
	"github.com/skiff-k8s/skiff/compare/migrate/applyconfig"
	"github.com/skiff-k8s/skiff/compare/migrate/conflict"
	"github.com/skiff-k8s/skiff/compare/migrate/dynamicget"
	"github.com/skiff-k8s/skiff/compare/migrate/faketest"
	"github.com/skiff-k8s/skiff/compare/migrate/forwarding"
	"github.com/skiff-k8s/skiff/compare/migrate/handlers"
	"github.com/skiff-k8s/skiff/compare/migrate/impersonate"
	"github.com/skiff-k8s/skiff/compare/migrate/incluster"
	"github.com/skiff-k8s/skiff/compare/migrate/indexer"
	"github.com/skiff-k8s/skiff/compare/migrate/list"
	"github.com/skiff-k8s/skiff/compare/migrate/lister"
	"github.com/skiff-k8s/skiff/compare/migrate/loadconfig"
	"github.com/skiff-k8s/skiff/compare/migrate/mapper"
	"github.com/skiff-k8s/skiff/compare/migrate/measure"
	"github.com/skiff-k8s/skiff/compare/migrate/metadataonly"
	"github.com/skiff-k8s/skiff/compare/migrate/namespaces"
	"github.com/skiff-k8s/skiff/compare/migrate/pagedlist"
	"github.com/skiff-k8s/skiff/compare/migrate/patch"
	"github.com/skiff-k8s/skiff/compare/migrate/plugin"
	"github.com/skiff-k8s/skiff/compare/migrate/podexec"
	"github.com/skiff-k8s/skiff/compare/migrate/podlogs"
	"github.com/skiff-k8s/skiff/compare/migrate/queue"
	"github.com/skiff-k8s/skiff/compare/migrate/roundtripper"
	"github.com/skiff-k8s/skiff/compare/migrate/scaling"
	"github.com/skiff-k8s/skiff/compare/migrate/served"
	"github.com/skiff-k8s/skiff/compare/migrate/transforming"
	"github.com/skiff-k8s/skiff/compare/migrate/waitpod"
	"github.com/skiff-k8s/skiff/compare/migrate/watchall"
	"github.com/skiff-k8s/skiff/compare/migrate/watchuntil"
	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/kubeconfig"
	"github.com/skiff-k8s/skiff/remote"
	"github.com/skiff-k8s/skiff/rest"
)

func TestMain(m *testing.M) { controlplane.Main(m) }

// both is a control plane, for both libraries.
type both struct {
	*testing.T
	cluster *controlplane.Cluster
	cfg     *rest.Config
	theirs  *clientgo.Config
	c       *rest.Client
}

func connect(t *testing.T) both {
	t.Helper()
	cluster := controlplane.Start(t, controlplane.WithKubelet())
	b := both{T: t, cluster: cluster, cfg: cluster.Config()}
	var err error
	if b.c, err = rest.NewClient(b.cfg); err != nil {
		t.Fatal(err)
	}
	if b.theirs, err = clientcmd.BuildConfigFromFlags("", cluster.Kubeconfig()); err != nil {
		t.Fatal(err)
	}
	return b
}

func soon(t *testing.T) (context.Context, context.CancelFunc) {
	return context.WithTimeout(t.Context(), 2*time.Minute)
}

// namespace makes a namespace with what the programs work on.
func (b both) namespace(t *testing.T) string {
	t.Helper()
	ns := b.cluster.Namespace(t)
	ctx, cancel := soon(t)
	defer cancel()
	web := map[string]string{"app": "web"}
	for _, cm := range []corev1.ConfigMap{
		{ObjectMeta: metav1.ObjectMeta{Name: "a", Labels: web}, Data: map[string]string{"colour": "blue"}},
		{ObjectMeta: metav1.ObjectMeta{Name: "b", Labels: web}, Data: map[string]string{"colour": "red"}},
		{ObjectMeta: metav1.ObjectMeta{Name: "settings"}, Data: map[string]string{"colour": "blue"}},
	} {
		if _, err := client.Of[corev1.ConfigMap](b.c).In(ns).Create(ctx, &cm, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "s"}, Data: map[string][]byte{"a": []byte("b")}}
	if _, err := client.Of[corev1.Secret](b.c).In(ns).Create(ctx, secret, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	sized := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "sized"}, Spec: appsv1.DeploymentSpec{
		Replicas: new(int32), Selector: &metav1.LabelSelector{MatchLabels: web},
		Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: web}, Spec: corev1.PodSpec{
			Containers: []corev1.Container{{Name: "c", Image: "none"}}}},
	}}
	if _, err := client.Of[appsv1.Deployment](b.c).In(ns).Create(ctx, sized, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	// A controller makes this one.
	if _, err := client.Of[corev1.ConfigMap](b.c).In(ns).WaitFor(ctx, "kube-root-ca.crt", wait.Exists()); err != nil {
		t.Fatal(err)
	}
	return ns
}

// lines is where a program writes. After so many lines it calls then.
type lines struct {
	mu    sync.Mutex
	text  bytes.Buffer
	after int
	then  func()
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Write(p)
	if l.then != nil && bytes.Count(l.text.Bytes(), []byte("\n")) == l.after {
		go l.then()
		l.then = nil
	}
	return len(p), nil
}

func (l *lines) sorted() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := strings.Split(strings.TrimSpace(l.text.String()), "\n")
	slices.Sort(all)
	return strings.Join(all, "\n")
}

// pair is a program, twice.
type pair struct {
	topic  string
	theirs func(ctx context.Context, cfg *clientgo.Config, namespace string, out io.Writer) error
	ours   func(ctx context.Context, cfg *rest.Config, namespace string, out io.Writer) error
	want   string // the lines that both print, sorted

	after int // lines until the test does something
	then  func(b both, stop context.CancelFunc, namespace string)
}

// create makes a ConfigMap while a program runs.
func create(name, colour string) func(both, context.CancelFunc, string) {
	return func(b both, stop context.CancelFunc, ns string) {
		cm := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"app": "web"}},
			Data: map[string]string{"colour": colour}}
		if _, err := client.Of[corev1.ConfigMap](b.c).In(ns).Create(context.Background(), cm, metav1.CreateOptions{}); err != nil {
			b.Errorf("create ConfigMap %s: %v", name, err)
			stop()
		}
	}
}

var pairs = []pair{
	{topic: "list", theirs: list.ClientGo, ours: list.Skiff, want: "a map[colour:blue]\nb map[colour:red]"},
	{topic: "pagedlist", theirs: pagedlist.ClientGo, ours: pagedlist.Skiff, want: "a\nb\nkube-root-ca.crt\nsettings"},
	{topic: "watchuntil", theirs: watchuntil.ClientGo, ours: watchuntil.Skiff, want: "blue"},
	{topic: "watchall", theirs: watchall.ClientGo, ours: watchall.Skiff, want: "ADDED a\nADDED b\nADDED last",
		after: 2, then: create("last", "black")},
	{topic: "handlers", theirs: handlers.ClientGo, ours: handlers.Skiff, want: "a blue\nb red\nlast black\nsettings blue",
		after: 3, then: create("last", "black")},
	{topic: "lister", theirs: lister.ClientGo, ours: lister.Skiff, want: "[a b]"},
	{topic: "indexer", theirs: indexer.ClientGo, ours: indexer.Skiff, want: "[a settings]"},
	{topic: "queue", theirs: queue.ClientGo, ours: queue.Skiff, want: "saw a\nsaw b",
		after: 2, then: func(_ both, stop context.CancelFunc, _ string) { stop() }},
	{topic: "patch", theirs: patch.ClientGo, ours: patch.Skiff, want: "map[colour:green]"},
	{topic: "apply", theirs: apply.ClientGo, ours: apply.Skiff, want: "applied map[colour:red]"},
	{topic: "applyconfig", theirs: applyconfig.ClientGo, ours: applyconfig.Skiff, want: "web 0"},
	{topic: "conflict", theirs: conflict.ClientGo, ours: conflict.Skiff, want: "map[colour:yellow]"},
	{topic: "dynamicget", theirs: dynamicget.ClientGo, ours: dynamicget.Skiff, want: "ConfigMap a blue"},
	{topic: "served", theirs: served.ClientGo, ours: served.Skiff},
	{topic: "mapper", theirs: mapper.ClientGo, ours: mapper.Skiff,
		want: "apps/v1, Resource=deployments networking.k8s.io/v1, Resource=ingresses namespace"},
	{topic: "scaling", theirs: scaling.ClientGo, ours: scaling.Skiff, want: "sized 3"},
	{topic: "metadataonly", theirs: metadataonly.ClientGo, ours: metadataonly.Skiff, want: "[s]"},
	{topic: "transforming", theirs: transforming.ClientGo, ours: transforming.Skiff, want: "a 0"},
	{topic: "impersonate", theirs: impersonate.ClientGo, ours: impersonate.Skiff, want: "jane"},
	{topic: "roundtripper", theirs: roundtripper.ClientGo, ours: roundtripper.Skiff},
	{topic: "measure", theirs: measure.ClientGo, ours: measure.Skiff, want: "GET 200"},
}

// Both programs of each pair print the same on the same control plane.
func TestBothPrintTheSame(t *testing.T) {
	b := connect(t)
	for _, p := range pairs {
		t.Run(p.topic, func(t *testing.T) {
			run := func(who string, f func(ctx context.Context, ns string, out io.Writer) error) string {
				ns := b.namespace(t)
				ctx, cancel := soon(t)
				defer cancel()
				out := &lines{after: p.after}
				if p.then != nil {
					out.then = func() { p.then(b, cancel, ns) }
				}
				if err := f(ctx, ns, out); err != nil {
					t.Errorf("%s: %v", who, err)
				}
				return strings.ReplaceAll(out.sorted(), ns, "NAMESPACE")
			}
			theirs := run("client-go", func(ctx context.Context, ns string, out io.Writer) error {
				return p.theirs(ctx, b.theirs, ns, out)
			})
			ours := run("skiff", func(ctx context.Context, ns string, out io.Writer) error { return p.ours(ctx, b.cfg, ns, out) })
			if theirs != ours || ours == "" || p.want != "" && ours != p.want {
				t.Errorf("client-go prints\n%s\nskiff prints\n%s\nwant\n%s", theirs, ours, p.want)
			}
		})
	}
}

// The programs that work on a pod read what its script writes.
func TestBothReachAPod(t *testing.T) {
	b := connect(t)
	ns := b.namespace(t)
	ctx, cancel := soon(t)
	defer cancel()
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "web"}, Spec: corev1.PodSpec{Containers: []corev1.Container{
		{Name: "app", Image: "none", Command: []string{"sh", "-c", "echo one; echo two; listen 80"}}}}}
	if _, err := client.Of[corev1.ServiceAccount](b.c).In(ns).WaitFor(ctx, "default", wait.Exists()); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Of[corev1.Pod](b.c).In(ns).Create(ctx, pod, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, p := range []pair{
		{topic: "waitpod", theirs: waitpod.ClientGo, ours: waitpod.Skiff, want: "Running"},
		{topic: "podexec", theirs: podexec.ClientGo, ours: podexec.Skiff, want: "hello"},
		{topic: "podlogs", theirs: podlogs.ClientGo, ours: podlogs.Skiff},
	} {
		if p.topic == "podlogs" { // the log is complete when the script listens
			for {
				conn, err := remote.DialPort(ctx, b.c, ns, "web", 80)
				if err == nil {
					fmt.Fprint(conn, "x")
					_, err = io.ReadFull(conn, make([]byte, 1))
					_ = conn.Close()
				}
				if err == nil {
					break
				}
				if ctx.Err() != nil {
					t.Fatal(err)
				}
			}
		}
		var theirs, ours lines
		if err := p.theirs(ctx, b.theirs, ns, &theirs); err != nil {
			t.Errorf("%s, client-go: %v", p.topic, err)
		}
		if err := p.ours(ctx, b.cfg, ns, &ours); err != nil {
			t.Errorf("%s, skiff: %v", p.topic, err)
		}
		if theirs.sorted() != ours.sorted() || ours.sorted() == "" || p.want != "" && ours.sorted() != p.want {
			t.Errorf("%s: client-go prints\n%s\nskiff prints\n%s\nwant\n%s", p.topic, theirs.sorted(), ours.sorted(), p.want)
		}
	}
	echo := func(who string, forward func(ctx context.Context, ready func(string)) error) {
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		listening := make(chan string, 1)
		var using sync.WaitGroup
		using.Go(func() {
			defer stop()
			var address string
			select {
			case address = <-listening:
			case <-ctx.Done():
				return
			}
			conn, err := net.Dial("tcp", address)
			if err != nil {
				t.Errorf("%s: %v", who, err)
				return
			}
			defer conn.Close()
			_ = conn.SetDeadline(time.Now().Add(time.Minute))
			got := make([]byte, 5)
			fmt.Fprint(conn, "hello")
			if _, err := io.ReadFull(conn, got); err != nil || string(got) != "hello" {
				t.Errorf("%s: the echo is %q, %v", who, got, err)
			}
		})
		err := forward(ctx, func(address string) { listening <- address })
		if err != nil && ctx.Err() == nil {
			t.Errorf("%s: %v", who, err)
		}
		stop()
		using.Wait()
	}
	echo("client-go", func(ctx context.Context, ready func(string)) error {
		return forwarding.ClientGo(ctx, b.theirs, ns, ready)
	})
	echo("skiff", func(ctx context.Context, ready func(string)) error { return forwarding.Skiff(ctx, b.cfg, ns, ready) })
}

// The pairs with a signature of their own.
func TestBothDoTheSame(t *testing.T) {
	b := connect(t)
	ctx, cancel := soon(t)
	defer cancel()
	t.Run("namespaces", func(t *testing.T) {
		all := []string{b.namespace(t), b.namespace(t)}
		var theirs, ours lines
		if err := namespaces.ClientGo(ctx, b.theirs, all, &theirs); err != nil {
			t.Error(err)
		}
		if err := namespaces.Skiff(ctx, b.cfg, all, &ours); err != nil {
			t.Error(err)
		}
		if theirs.sorted() != "2" || ours.sorted() != "2" {
			t.Errorf("client-go counts %s, skiff %s", theirs.sorted(), ours.sorted())
		}
	})
	t.Run("loadconfig", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "config")
		text := `{"apiVersion": "v1", "kind": "Config", "current-context": "x", "contexts": [{"name": "other", "context": {"cluster": "c", "namespace": "shop"}}],
			"clusters": [{"name": "c", "cluster": {"server": "https://other.example.com"}}]}`
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		theirs, theirNamespace, err := loadconfig.ClientGo(path, "other")
		if err != nil {
			t.Fatal(err)
		}
		ours, namespace, err := loadconfig.Skiff(path, "other")
		if err != nil || ours.Host != theirs.Host || namespace != "shop" || theirNamespace != namespace {
			t.Errorf("client-go: %s, %s; skiff: %s, %s, %v", theirs.Host, theirNamespace, ours.Host, namespace, err)
		}
	})
	t.Run("plugin", func(t *testing.T) {
		text := `{"apiVersion": "v1", "kind": "Config", "current-context": "x", "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
			"clusters": [{"name": "c", "cluster": {"server": "https://c.example.com"}}], "users": [{"name": "u", "user": {"exec": {
			"apiVersion": "client.authentication.k8s.io/v1", "command": "login", "interactiveMode": "Never"}}}]}`
		theirs, err := plugin.ClientGo([]byte(text))
		if err != nil || theirs.ExecProvider.Command != "login" {
			t.Errorf("client-go: %v", err)
		}
		ours, err := plugin.Skiff([]byte(text), "login")
		if err != nil || ours.Credentials == nil {
			t.Errorf("skiff: %v", err)
		}
		if ours, err = plugin.Skiff([]byte(text), "other"); err == nil {
			_, err = ours.Credentials.Credentials(ctx, nil)
		}
		if !errors.Is(err, kubeconfig.ErrPluginNotAllowed) {
			t.Errorf("a plugin that is not named: %v", err)
		}
	})
	t.Run("incluster", func(t *testing.T) {
		t.Setenv("KUBERNETES_SERVICE_HOST", "")
		if _, err := incluster.ClientGo(); !errors.Is(err, clientgo.ErrNotInCluster) {
			t.Errorf("client-go: %v", err)
		}
		if _, err := incluster.Skiff(); !errors.Is(err, kubeconfig.ErrNotInCluster) {
			t.Errorf("skiff: %v", err)
		}
	})
	t.Run("faketest", func(t *testing.T) {
		theirs, theirFault := faketest.ClientGo(ctx)
		ours, fault := faketest.Skiff(ctx, t)
		if theirs != "blue" || ours != "blue" || theirFault == nil || fault == nil {
			t.Errorf("client-go: %s, %v; skiff: %s, %v", theirs, theirFault, ours, fault)
		}
	})
}
