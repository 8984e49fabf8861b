package examples_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/operator"
	"github.com/skiff-k8s/skiff/rest"
)

func TestMain(m *testing.M) { controlplane.Main(removing{m}) }

// removing removes what built made after the tests: Main exits, and defers do not run.
type removing struct{ *testing.M }

func (r removing) Run() int {
	defer func() {
		if dir != "" {
			os.RemoveAll(dir)
		}
	}()
	return r.M.Run()
}

var dir string // of the program, once it is built

const (
	maxLines = 85         // of the example: a whole operator
	maxBytes = 20_000_000 // of its program, stripped
)

// built is examples/names as it is released.
var built = sync.OnceValues(func() (string, error) {
	var err error
	if dir, err = os.MkdirTemp("", "skiff-operator-"); err != nil {
		return "", err
	}
	program := filepath.Join(dir, "names")
	out, err := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", program, "./names").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return program, nil
})

func program(t *testing.T) string {
	t.Helper()
	path, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// A whole operator fits on a screen and in 20 MB, and links no template engine.
func TestAWholeOperatorIsSmall(t *testing.T) {
	source, err := os.ReadFile("names/main.go")
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(source, []byte("\n")); n > maxLines {
		t.Errorf("names/main.go has %d lines, the limit is %d", n, maxLines)
	}
	for i, line := range strings.Split(string(source), "\n") {
		if n := len(strings.ReplaceAll(line, "\t", "    ")); n > 100 {
			t.Errorf("names/main.go:%d has %d columns", i+1, n)
		}
	}
	path := program(t)
	file, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d lines; stripped: %.2f MB of %.0f", bytes.Count(source, []byte("\n")), float64(file.Size())/1e6, maxBytes/1e6)
	if file.Size() > maxBytes {
		t.Errorf("the program has %d bytes, the limit is %d", file.Size(), maxBytes)
	}
	deps, err := exec.Command("go", "list", "-deps", "./names").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, dep := range strings.Fields(string(deps)) {
		if dep == "html/template" || dep == "text/template" {
			t.Errorf("the program links %s", dep)
		}
	}
}

// process is the program while it runs.
type process struct {
	t    *testing.T
	ctx  context.Context
	cmd  *exec.Cmd
	addr []string // where it serves: the addresses of the metrics, the probes and the page

	mu  sync.Mutex
	log strings.Builder
	eof chan struct{}
}

var serving = regexp.MustCompile(`msg=serving address=(\S+)`)

func start(t *testing.T, kubeconfig, namespace string, args ...string) *process {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	p := &process{t: t, ctx: ctx, eof: make(chan struct{})}
	p.cmd = exec.CommandContext(ctx, program(t), append([]string{"--health-address=localhost:0", "--debug-address=127.0.0.1:0", "--page"}, args...)...)
	p.cmd.Env = append(os.Environ(), "KUBECONFIG="+kubeconfig, "NAMES_METRICS_ADDRESS=127.0.0.1:0", "POD_NAMESPACE="+namespace)
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if p.cmd.ProcessState == nil {
			_ = p.cmd.Process.Kill()
			<-p.eof
			_ = p.cmd.Wait()
		}
		if t.Failed() {
			t.Log(p.logged())
		}
	})
	ready := make(chan struct{})
	go func() {
		defer close(p.eof)
		for s := bufio.NewScanner(stderr); s.Scan(); {
			p.mu.Lock()
			fmt.Fprintln(&p.log, s.Text())
			if m := serving.FindStringSubmatch(s.Text()); m != nil {
				if p.addr = append(p.addr, m[1]); len(p.addr) == 3 {
					close(ready)
				}
			}
			p.mu.Unlock()
		}
	}()
	select {
	case <-ready:
	case <-p.eof:
		t.Fatalf("it ended:\n%s", p.logged())
	case <-ctx.Done():
		t.Fatalf("it does not serve:\n%s", p.logged())
	}
	return p
}

func (p *process) logged() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// get asks one of its servers.
func (p *process) get(server int, path string) (int, string) {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.ctx, http.MethodGet, "http://"+p.addr[server]+path, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// until waits for a condition of the cluster or the process.
func (p *process) until(what string, is func() bool) {
	p.t.Helper()
	for tick := time.NewTicker(20 * time.Millisecond); !is(); {
		select {
		case <-tick.C:
		case <-p.eof:
			p.t.Fatalf("it ended before %s", what)
		case <-p.ctx.Done():
			p.t.Fatalf("it is not so that %s", what)
		}
	}
}

func (p *process) ends(s os.Signal) int {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
	<-p.eof
	var exit *exec.ExitError
	if err := p.cmd.Wait(); err != nil && !errors.As(err, &exit) {
		p.t.Fatal(err)
	}
	return p.cmd.ProcessState.ExitCode()
}

// The operator enters a Service with status and event, removes it when it goes, tells that in its
// metrics and on its page, and stops well.
func TestTheOperator(t *testing.T) {
	cluster := controlplane.Start(t)
	namespace := cluster.Namespace(t)
	c, err := rest.NewClient(cluster.Config())
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseIdleConnections()
	p := start(t, kubeconfigIn(t, cluster, namespace), namespace)
	services := client.Of[corev1.Service](c).In(namespace)
	_, err = services.Create(p.ctx, &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "web", Labels: map[string]string{"named": "yes"}},
		Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	entry := func() string {
		m, err := client.Of[corev1.ConfigMap](c).In(namespace).Get(p.ctx, "names", metav1.GetOptions{})
		if err != nil {
			return ""
		}
		return m.Data["web."+namespace]
	}
	var svc *corev1.Service
	p.until("the Service has its condition", func() bool {
		svc, err = services.Get(p.ctx, "web", metav1.GetOptions{})
		return err == nil && meta.IsStatusConditionTrue(svc.Status.Conditions, "Named")
	})
	if got := entry(); got != svc.Spec.ClusterIP || len(svc.Finalizers) != 1 {
		t.Errorf("the entry is %q, the Service %+v", got, svc)
	}
	p.until("there is an Event about it", func() bool {
		all, err := client.Of[eventsv1.Event](c).In(namespace).List(p.ctx, metav1.ListOptions{})
		return err == nil && slices.ContainsFunc(all.Items, func(e eventsv1.Event) bool {
			return e.Regarding.UID == svc.UID && e.Reason == "Entered" && e.Type == corev1.EventTypeNormal &&
				e.Note == "the list has web."+namespace && e.ReportingController == "example.com/names"
		})
	})
	if code, body := p.get(1, "/readyz?verbose"); code != 200 {
		t.Errorf("/readyz: %d %s", code, body)
	}
	p.until("the metrics count the reconcile", func() bool {
		_, body := p.get(0, "/metrics")
		return strings.Contains(body, `leader_election_master_status{name="names"} 1`) &&
			regexp.MustCompile(`controller_runtime_reconcile_total\{controller="names",result="success"\} [1-9]`).MatchString(body) &&
			strings.Contains(body, `rest_client_requests_total{code="201"`)
	})
	var state operator.State
	if code, body := p.get(2, "/debug/skiff/state"); code != 200 || json.Unmarshal([]byte(body), &state) != nil {
		t.Errorf("the page: %d %s", code, body)
	}
	if !state.Leads || len(state.Moved) != 1 || state.Moved[0].Key != namespace+"/web" {
		t.Errorf("the page has %+v", state)
	}
	if err := services.Delete(p.ctx, "web", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	p.until("the Service and its entry are gone", func() bool {
		_, err := services.Get(p.ctx, "web", metav1.GetOptions{})
		return client.IgnoreNotFound(err) == nil && err != nil && entry() == ""
	})
	if code := p.ends(syscall.SIGTERM); code != 0 {
		t.Errorf("it ended with %d", code)
	}
}

// kubeconfigIn writes the cluster's kubeconfig with another namespace.
func kubeconfigIn(t *testing.T, cluster *controlplane.Cluster, namespace string) string {
	t.Helper()
	data, err := os.ReadFile(cluster.Kubeconfig())
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "kubeconfig")
	edited := regexp.MustCompile(`namespace: \S+`).ReplaceAllString(string(data), "namespace: "+namespace)
	if edited == string(data) {
		t.Fatalf("the kubeconfig has another form:\n%s", data)
	}
	if err := os.WriteFile(path, []byte(edited), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// What is wrong with the flags is told at once.
func TestTheFlagsOfTheOperator(t *testing.T) {
	for args, want := range map[string]string{
		"--help":                     "$NAMES_HEALTH_ADDRESS",
		"--wrong":                    "flag provided but not defined",
		"--debug-address=:0 --page":  "not served to other machines without authorization",
		"unexpected":                 "unexpected arguments: unexpected",
		"--grace-period=much":        "invalid value",
		"--log-format=xml":           "it is text or json",
		"--cert-file=x --key-file=y": "x",
	} {
		cmd := exec.Command(program(t), strings.Fields(args)...)
		cmd.Env = append(os.Environ(), "KUBECONFIG=/none")
		out, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		wantCode := 2
		if args == "--help" {
			wantCode = 0
		} else if strings.HasPrefix(args, "--cert") {
			wantCode = 1
		}
		if code := cmd.ProcessState.ExitCode(); code != wantCode || err != nil && !errors.As(err, &exit) || !strings.Contains(string(out), want) {
			t.Errorf("%s: exit status %d: %s", args, code, out)
		}
	}
}
