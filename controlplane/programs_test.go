//go:build unix

package controlplane_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/rest"
)

// stranger makes the test one of another module, with $KUBEBUILDER_ASSETS: a folder of links to
// devcluster under the names of the programs, as `devcluster assets` makes. It returns the folder.
func stranger(t *testing.T, programs ...string) string {
	t.Helper()
	devcluster, err := filepath.Abs(controlplane.Binary(t))
	if err != nil {
		t.Fatal(err)
	}
	assets := t.TempDir()
	for _, name := range programs {
		if err := os.Symlink(devcluster, filepath.Join(assets, name)); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(t.TempDir()) // outside of the repository
	t.Setenv(controlplane.EnvBinary, "")
	t.Setenv(controlplane.EnvAssets, assets)
	return assets
}

// bounded returns a context for a test that waits for processes.
func bounded(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func configMap(name string) *corev1.ConfigMap {
	return &corev1.ConfigMap{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"}, ObjectMeta: metav1.ObjectMeta{Name: name}}
}

func create(ctx context.Context, c *rest.Client, cm *corev1.ConfigMap) error {
	return c.Post().Namespace("default").Resource("configmaps").Body(cm).Do(ctx).Error()
}

func get(ctx context.Context, c *rest.Client, name string) error {
	return c.Get().Namespace("default").Resource("configmaps").Name(name).MaxRetries(-1).Do(ctx).Error()
}

// ended waits until a process has ended.
func ended(ctx context.Context, t *testing.T, pids map[string]int) {
	t.Helper()
	for name, pid := range pids {
		for {
			p, err := os.FindProcess(pid)
			if err == nil {
				err = p.Signal(syscall.Signal(0))
			}
			if errors.Is(err, os.ErrProcessDone) {
				break
			}
			if ctx.Err() != nil {
				t.Errorf("%s (process %d) is still there: %v", name, pid, err)
				break
			}
			time.Sleep(10 * time.Millisecond) // nothing tells of the end of another's child
		}
	}
}

func gone(path string) bool {
	_, err := os.Stat(path)
	return errors.Is(err, os.ErrNotExist)
}

// The binaries of $KUBEBUILDER_ASSETS make a control plane whose API server can be stopped, restarted,
// killed and paused, and which leaves nothing behind.
func TestAControlPlaneOfAFolderOfBinaries(t *testing.T) {
	stranger(t, "etcd", "kube-apiserver", "kube-controller-manager")
	ctx := bounded(t)
	cluster := controlplane.New(t)
	if len(cluster.PIDs()) != 3 || !strings.HasPrefix(cluster.Version(), "v1.") {
		t.Errorf("version %q, processes %v", cluster.Version(), cluster.PIDs())
	}
	for _, name := range []string{"etcd", "kube-apiserver", "kube-controller-manager"} {
		if info, err := os.Stat(filepath.Join(cluster.Logs(), name+".log")); err != nil || info.Size() == 0 {
			t.Errorf("the log of %s: %v", name, err)
		}
	}
	client := connect(t, cluster)
	// Only the controller manager makes it.
	if err := client.Get().Namespace("default").Resource("serviceaccounts").Name("default").Do(ctx).Error(); err != nil {
		t.Error(err)
	}
	if err := create(ctx, client, configMap("kept")); err != nil {
		t.Fatal(err)
	}
	change := func(name string, f func(context.Context) error, want string) {
		t.Helper()
		err := f(ctx)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Fatalf("%s: error %v, want %q", name, err, want)
		}
	}
	change("start while it runs", cluster.StartAPIServer, "start kube-apiserver: it runs")
	change("resume while it runs", cluster.ResumeAPIServer, "it is not paused")
	change("restart", cluster.RestartAPIServer, "")
	if err := get(ctx, client, "kept"); err != nil {
		t.Errorf("after a restart: %v", err)
	}
	change("kill", cluster.KillAPIServer, "")
	if err := get(ctx, client, "kept"); err == nil {
		t.Error("a killed API server answers")
	}
	change("pause while it is stopped", cluster.PauseAPIServer, "it does not run")
	change("stop while it is stopped", cluster.StopAPIServer, "")
	change("start", cluster.StartAPIServer, "")
	change("pause", cluster.PauseAPIServer, "")
	change("pause while it is paused", cluster.PauseAPIServer, "it is paused")
	answered := make(chan error, 1)
	go func() { answered <- get(ctx, client, "kept") }()
	select {
	case err := <-answered:
		t.Errorf("a paused API server answers: %v", err)
	case <-time.After(100 * time.Millisecond):
		change("resume", cluster.ResumeAPIServer, "")
		if err := <-answered; err != nil {
			t.Errorf("after it was resumed: %v", err)
		}
	}
	change("pause", cluster.PauseAPIServer, "")
	if err := cluster.Stop(); err != nil { // also of a paused one
		t.Error(err)
	}
	ended(ctx, t, cluster.PIDs())
	if !gone(cluster.Kubeconfig()) || !gone(cluster.Logs()) {
		t.Errorf("temporary data is still there after Stop: %s", cluster.Kubeconfig())
	}
	if err := cluster.Stop(); err != nil {
		t.Errorf("a second Stop: %v", err)
	}
	change("start after Stop", cluster.StartAPIServer, "the control plane is stopped")
}

// envtest has no controller manager. Data that is kept goes on, on the same port; a component that
// ends by itself is an error of Stop.
func TestWithoutAControllerManagerAndWithData(t *testing.T) {
	stranger(t, "etcd", "kube-apiserver")
	ctx := bounded(t)
	data := filepath.Join(t.TempDir(), "data")
	var hosts []string
	for i := range 2 {
		cluster := controlplane.New(t, controlplane.WithData(data))
		hosts = append(hosts, cluster.Config().Host)
		if len(cluster.PIDs()) != 2 {
			t.Errorf("the processes are %v", cluster.PIDs())
		}
		client := connect(t, cluster)
		if i == 1 {
			if err := get(ctx, client, "kept"); err != nil {
				t.Error(err)
			}
			pod := `{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}`
			if err := client.Post().Namespace("default").Resource("pods").Body([]byte(pod)).Do(ctx).Error(); err != nil {
				t.Errorf("no pod without its service account: %v", err)
			}
			p, err := os.FindProcess(cluster.PIDs()["kube-apiserver"])
			if err != nil {
				t.Fatal(err)
			}
			if err := p.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			ended(ctx, t, map[string]int{"kube-apiserver": p.Pid})
			if err := cluster.Stop(); err == nil || !strings.Contains(err.Error(), "kube-apiserver ended by itself") {
				t.Errorf("the API server has ended, and Stop returns %v", err)
			}
			break
		}
		if err := create(ctx, client, configMap("kept")); err != nil {
			t.Fatal(err)
		}
		if err := cluster.Stop(); err != nil {
			t.Error(err)
		}
		ended(ctx, t, cluster.PIDs())
	}
	if hosts[0] != hosts[1] {
		t.Errorf("the API server moved: %q", hosts)
	}
	if gone(filepath.Join(data, "logs", "etcd.log")) {
		t.Error("the data was not kept")
	}
}

// A second control plane on the same data is refused, and changes nothing of the first.
func TestTwoControlPlanesOnTheSameData(t *testing.T) {
	stranger(t, "etcd", "kube-apiserver")
	data := filepath.Join(t.TempDir(), "data")
	first := controlplane.New(t, controlplane.WithData(data))
	before, err := os.ReadFile(filepath.Join(data, "pki", "ca.crt"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second) // without a lock it would wait for etcd's
	defer cancel()
	if _, err := controlplane.Run(ctx, controlplane.WithData(data)); err == nil || !strings.Contains(err.Error(), "another control plane uses it") {
		t.Errorf("the second: %v", err)
	}
	if after, err := os.ReadFile(filepath.Join(data, "pki", "ca.crt")); err != nil || string(after) != string(before) {
		t.Errorf("the second has changed the first's authority: %v", err)
	}
	if err := first.RestartAPIServer(bounded(t)); err != nil {
		t.Error(err)
	}
}

// What a folder of binaries cannot do is refused, and a start that fails shows the log and leaves
// nothing.
func TestAFolderOfBinariesThatCannotDoIt(t *testing.T) {
	stranger(t, "etcd", "kube-apiserver")
	t.Setenv("TMPDIR", t.TempDir())
	foreign := folder(t, map[string]string{"thesis.txt": ""})
	for want, opt := range map[string]controlplane.Option{
		"WithKubelet needs devcluster": controlplane.WithKubelet(),
		`none to start with ["--v=2"]`: controlplane.WithControllerManagerArgs("--v=2"),
		"has thesis.txt":               controlplane.WithData(foreign),
		"no-such-flag":                 controlplane.WithAPIServerArgs("--no-such-flag"),
	} {
		_, err := controlplane.Run(t.Context(), opt)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "$KUBEBUILDER_ASSETS") {
			t.Errorf("error %v, want one with %q", err, want)
		}
		if want == "no-such-flag" && !strings.Contains(err.Error(), "kube-apiserver.log ends with:") {
			t.Errorf("error %v, want one with the log", err)
		}
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	mine := errors.New("mine")
	cancel(mine)
	if _, err := controlplane.Run(ctx); !errors.Is(err, mine) {
		t.Errorf("error %v, want the context's", err)
	}
	left, err := os.ReadDir(os.TempDir())
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

// TestOrphan runs in a process of its own, which is killed.
func TestOrphan(t *testing.T) {
	if os.Getenv(inner) != "orphan" {
		return
	}
	cluster := controlplane.New(t)
	line, err := json.Marshal(map[string]any{"pids": cluster.PIDs(), "logs": cluster.Logs()})
	if err != nil {
		t.Fatal(err)
	}
	fmt.Printf("\norphan %s\n", line)
	select {}
}

// A test process that is killed leaves no process and no data.
func TestAControlPlaneEndsWithItsProcess(t *testing.T) {
	stranger(t, "etcd", "kube-apiserver")
	ctx := bounded(t)
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, program, "-test.run=^TestOrphan$")
	cmd.Env = append(os.Environ(), inner+"=orphan")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var orphan struct {
		PIDs map[string]int
		Logs string
	}
	var said []string
	for lines := bufio.NewScanner(out); lines.Scan(); {
		said = append(said, lines.Text())
		if text, ok := strings.CutPrefix(lines.Text(), "orphan "); ok {
			if err := json.Unmarshal([]byte(text), &orphan); err != nil {
				t.Error(err)
			}
			break
		}
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if len(orphan.PIDs) != 2 {
		t.Fatalf("the process said %q", slices.Compact(said))
	}
	ended(ctx, t, orphan.PIDs)
	for !gone(filepath.Dir(orphan.Logs)) {
		if ctx.Err() != nil {
			t.Fatalf("%s is still there", orphan.Logs)
		}
		time.Sleep(10 * time.Millisecond) // nothing tells of it
	}
}
