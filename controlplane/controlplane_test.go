package controlplane_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/rest"
)

func TestMain(m *testing.M) { controlplane.Main(m) }

func connect(t *testing.T, c *controlplane.Cluster) *rest.Client {
	t.Helper()
	client, err := rest.NewClient(c.Config())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	return client
}

func TestStartIsARealControlPlaneThatTestsShare(t *testing.T) {
	cluster := controlplane.Start(t)
	if again := controlplane.Start(t); again != cluster {
		t.Error("a second Start in one process started a second cluster")
	}
	data, err := connect(t, cluster).Get().AbsPath("/version").DoRaw(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if v := cluster.Version(); v == "" || !strings.Contains(string(data), `"`+v+`"`) {
		t.Errorf("Version is %q, and the server says %s", v, data)
	}
	if _, err := os.Stat(cluster.Kubeconfig()); err != nil {
		t.Error(err)
	}
	if logs, err := os.ReadDir(cluster.Logs()); err != nil || len(logs) == 0 {
		t.Errorf("no logs in %s: %v", cluster.Logs(), err)
	}
}

func TestNamespacesAreFresh(t *testing.T) {
	cluster := controlplane.Start(t)
	a, b := cluster.Namespace(t), cluster.Namespace(t)
	if a == b || a == "" {
		t.Errorf("two namespaces: %q and %q", a, b)
	}
	var ns corev1.Namespace
	if err := connect(t, cluster).Get().Resource("namespaces").Name(a).Do(t.Context()).Into(&ns); err != nil {
		t.Error(err)
	}
}

func TestAPIServerRestartsOnItsPortWithItsData(t *testing.T) {
	cluster := controlplane.New(t)
	client := connect(t, cluster)
	cm := &corev1.ConfigMap{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"},
		ObjectMeta: metav1.ObjectMeta{Name: "kept"},
	}
	if err := client.Post().Namespace("default").Resource("configmaps").Body(cm).Do(t.Context()).Error(); err != nil {
		t.Fatal(err)
	}
	get := func() error {
		return client.Get().Namespace("default").Resource("configmaps").Name("kept").MaxRetries(-1).Do(t.Context()).Error()
	}
	if err := cluster.RestartAPIServer(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := get(); err != nil {
		t.Errorf("after a restart: %v", err)
	}
	if err := cluster.KillAPIServer(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := get(); err == nil {
		t.Error("a killed API server answers")
	}
	if err := cluster.StartAPIServer(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := get(); err != nil {
		t.Errorf("after a crash: %v", err)
	}
}

func TestTwoClustersDoNotCollideAndLeaveNothingBehind(t *testing.T) {
	controlplane.Binary(t)
	clusters := make([]*controlplane.Cluster, 2)
	var starts sync.WaitGroup
	for i := range clusters {
		starts.Go(func() {
			c, err := controlplane.Run(t.Context(), controlplane.WithoutControllerManager())
			if err != nil {
				t.Error(err)
				return
			}
			clusters[i] = c
		})
	}
	starts.Wait()
	for _, c := range clusters {
		if c == nil {
			continue
		}
		defer c.Stop()
		if len(c.PIDs()) != 2 {
			t.Errorf("without a controller manager the processes are %v", c.PIDs())
		}
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
		for name, pid := range c.PIDs() {
			p, err := os.FindProcess(pid)
			if err == nil {
				err = p.Signal(syscall.Signal(0))
			}
			if !errors.Is(err, os.ErrProcessDone) {
				t.Errorf("%s (process %d) is still there after Stop: %v", name, pid, err)
			}
		}
		if _, err := os.Stat(c.Kubeconfig()); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("temporary data is still there after Stop: %s", c.Kubeconfig())
		}
		if err := c.Stop(); err != nil {
			t.Errorf("a second Stop: %v", err)
		}
	}
}

func TestMissingBinarySaysWhatToRun(t *testing.T) {
	t.Setenv(controlplane.EnvBinary, filepath.Join(t.TempDir(), "nowhere"))
	_, err := controlplane.Run(t.Context())
	if !errors.Is(err, controlplane.ErrNoBinary) || !strings.Contains(err.Error(), "make devcluster") {
		t.Errorf("error %v, want one that says to run make devcluster", err)
	}
}

func TestFailedStartShowsWhatDevclusterSaid(t *testing.T) {
	controlplane.Binary(t)
	_, err := controlplane.Run(t.Context(), controlplane.WithAPIServerArgs("--no-such-flag"))
	if err == nil || !strings.Contains(err.Error(), "no-such-flag") || !strings.Contains(err.Error(), "kube-apiserver.log") {
		t.Errorf("error %v, want one with the component's complaint and the log's path", err)
	}
}

func TestStartEndsWithItsContext(t *testing.T) {
	controlplane.Binary(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := controlplane.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
}
