package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/addingress/internal/await"
	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/internal/leaders"
	"github.com/skiff-k8s/skiff/rest"
)

func TestMain(m *testing.M) { controlplane.Main(removing{m}) }

// tempDir is the folder of what the tests share.
var tempDir = sync.OnceValues(func() (string, error) { return os.MkdirTemp("", "addingress-") })

// removing removes tempDir after the tests: Main exits, and defers do not run.
type removing struct{ *testing.M }

func (r removing) Run() int {
	defer func() {
		if dir, err := tempDir(); err == nil {
			os.RemoveAll(dir)
		}
	}()
	return r.M.Run()
}

// buildAddingress builds the operator as it is shipped, but with the race detector where there is a C
// compiler for it, and returns the binary's path. The first test that needs it pays for it.
var buildAddingress = sync.OnceValues(func() (string, error) {
	dir, err := tempDir()
	if err != nil {
		return "", err
	}
	args := []string{"build", "-o", filepath.Join(dir, "addingress")}
	if cgo, err := exec.Command("go", "env", "CGO_ENABLED").Output(); err == nil && strings.TrimSpace(string(cgo)) == "1" {
		args = append(args, "-race")
	}
	if out, err := exec.Command("go", append(args, ".")...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("build addingress: %w\n%s", err, out)
	}
	return filepath.Join(dir, "addingress"), nil
})

// auditArgs are the arguments of the API server that the tests share, and the audit log that it writes.
var auditArgs = sync.OnceValue(func() (made struct {
	args []string
	log  string
	err  error
}) {
	dir, err := tempDir()
	if err == nil {
		made.args, made.log, err = leaders.Log(dir)
	}
	made.err = err
	return made
})

// startCluster returns the control plane that the tests share. It writes an audit log.
func startCluster(t *testing.T) *controlplane.Cluster {
	t.Helper()
	audit := auditArgs()
	if audit.err != nil {
		t.Fatal(audit.err)
	}
	return controlplane.Start(t, controlplane.WithAPIServerArgs(audit.args...))
}

// process is a running operator.
type process struct {
	t    *testing.T
	ctx  context.Context
	cmd  *exec.Cmd
	read int // lines of its log that says has seen

	mu    sync.Mutex    // guards what follows
	lines []string      // its log
	over  bool          // the log has ended
	more  chan struct{} // closed when there is more of the log, or it is over
}

func start(t *testing.T, args ...string) *process {
	t.Helper()
	return startFor(t, 2*time.Minute, args...)
}

// startFor starts an operator that has to end within a time.
func startFor(t *testing.T, limit time.Duration, args ...string) *process {
	t.Helper()
	binary, err := buildAddingress()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	t.Cleanup(cancel)
	p := &process{t: t, ctx: ctx, cmd: exec.CommandContext(ctx, binary, args...), more: make(chan struct{})}
	p.cmd.WaitDelay = 10 * time.Second
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if p.cmd.ProcessState == nil { // a test that failed on its way
			_ = p.cmd.Process.Kill()
			p.logEnds()
			_ = p.cmd.Wait()
		}
	})
	go func() {
		for s := bufio.NewScanner(stderr); s.Scan(); {
			p.append(false, s.Text())
		}
		p.append(true)
	}()
	return p
}

// append adds lines to the log.
func (p *process) append(over bool, lines ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lines, p.over = append(p.lines, lines...), over
	close(p.more)
	p.more = make(chan struct{})
}

// next returns the next line of the log that says has not seen. Without one it reports whether the log
// is over, and returns a channel that is closed when that changes.
func (p *process) next() (line string, ok, over bool, more <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.read < len(p.lines) {
		p.read++
		return p.lines[p.read-1], true, false, nil
	}
	return "", false, p.over, p.more
}

// says waits for a line of the log with that in it.
func (p *process) says(part string) string {
	p.t.Helper()
	for {
		line, ok, over, more := p.next()
		switch {
		case ok && strings.Contains(line, part):
			return line
		case ok:
			continue
		case over:
			p.t.Fatalf("it ended without saying %q:\n%s", part, p.logged())
		}
		select {
		case <-more:
		case <-p.ctx.Done():
			p.t.Fatalf("it does not say %q:\n%s", part, p.logged())
		}
	}
}

// logEnds waits for the end of the log, which is that of the process.
func (p *process) logEnds() {
	for {
		_, ok, over, more := p.next()
		if over {
			return
		}
		if !ok {
			<-more
		}
	}
}

func (p *process) logged() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.lines, "\n")
}

func (p *process) signal(s os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// ends waits for its end, and returns how that was.
func (p *process) ends() *os.ProcessState {
	p.t.Helper()
	p.logEnds()
	err := p.cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) || p.ctx.Err() != nil {
		p.t.Fatalf("it does not end: %v\n%s", err, p.logged())
	}
	if strings.Contains(p.logged(), "DATA RACE") {
		p.t.Error(p.logged())
	}
	return p.cmd.ProcessState
}

// shop is a namespace with what a test does in it.
type shop struct {
	ctx       context.Context
	namespace string
	services  *client.Client[corev1.Service]
	ingresses *client.Client[networkingv1.Ingress]
	view      *await.View
	seen      informer.Lister[networkingv1.Ingress]
}

func newShop(t *testing.T, cluster *controlplane.Cluster) *shop {
	t.Helper()
	return newShopFor(t, cluster, 2*time.Minute)
}

func newShopFor(t *testing.T, cluster *controlplane.Cluster, limit time.Duration) *shop {
	t.Helper()
	c, err := rest.NewClient(cluster.Config())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	s := &shop{ctx: ctx, namespace: cluster.Namespace(t), view: await.New()}
	s.services = client.Of[corev1.Service](c).In(s.namespace)
	s.ingresses = client.Of[networkingv1.Ingress](c).In(s.namespace)
	factory := informer.NewFactory(c, informer.Namespace(s.namespace))
	s.seen = await.Watch[networkingv1.Ingress](s.view, factory)
	if err := factory.Start(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		factory.Wait()
	})
	return s
}

func (s *shop) expose(t *testing.T, name string) {
	t.Helper()
	if err := s.create(name); err != nil {
		t.Fatal(err)
	}
}

// create makes a Service that is to have an Ingress.
func (s *shop) create(name string) error {
	_, err := s.services.Create(s.ctx, &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: map[string]string{"ingress/http": "true"}},
		Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}},
	}, metav1.CreateOptions{})
	return err
}

func (s *shop) hasIngress(t *testing.T, name string) *networkingv1.Ingress {
	t.Helper()
	var ing *networkingv1.Ingress
	err := s.view.Until(s.ctx, "the Ingress "+name, func() (err error) {
		ing, err = s.seen.Get(s.namespace, name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return ing
}

func TestTheBinaryWorksAndStopsOnSIGTERM(t *testing.T) {
	for _, sig := range []os.Signal{syscall.SIGTERM, os.Interrupt} {
		cluster := startCluster(t)
		s := newShop(t, cluster)
		p := start(t, "--kubeconfig", cluster.Kubeconfig(), "--namespace", s.namespace,
			"--host-template", "{{.Name}}.test", "--ingress-class", "nginx", "--log-format", "json", "--log-level", "debug")
		s.expose(t, "web")
		ing := s.hasIngress(t, "web")
		if ing.Spec.Rules[0].Host != "web.test" || *ing.Spec.IngressClassName != "nginx" {
			t.Errorf("the Ingress is %+v", ing.Spec)
		}
		if line := p.says(`"msg":"Ingress created"`); !strings.Contains(line, `"key":"`+s.namespace+`/web"`) {
			t.Errorf("the log says %s", line)
		}
		p.signal(sig)
		if state := p.ends(); state.ExitCode() != exitOK {
			t.Errorf("after %v: %v\n%s", sig, state, p.logged())
		}
		if !strings.Contains(p.logged(), `"msg":"addingress stopped"`) {
			t.Errorf("the log does not say that it stopped:\n%s", p.logged())
		}
	}
}

// holding is a proxy before the API server that holds up what creates Ingresses.
type holding struct {
	*httptest.Server
	held    chan struct{} // an entry for each request held up
	release chan struct{} // closed to let them go
	over    chan struct{} // closed to let nothing go any more
}

func newHolding(t *testing.T, cluster *controlplane.Cluster) *holding {
	t.Helper()
	config := cluster.Config()
	target, err := url.Parse(config.Host)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.Transport = &http.Transport{TLSClientConfig: tlsConfig(t, config.TLS), ForceAttemptHTTP2: true}
	proxy.FlushInterval = -1 // watches
	h := &holding{held: make(chan struct{}, 100), release: make(chan struct{}), over: make(chan struct{})}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.Method == http.MethodPatch {
			h.held <- struct{}{}
			select {
			case <-h.release:
			case <-h.over: // the request's context does not end before its body is read
				return
			}
		}
		proxy.ServeHTTP(w, req)
	}))
	t.Cleanup(func() {
		close(h.over)
		h.CloseClientConnections()
		h.Close()
	})
	return h
}

func tlsConfig(t *testing.T, c rest.TLSConfig) *tls.Config {
	t.Helper()
	read := func(file string, data []byte) []byte {
		if file == "" {
			return data
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	cert, err := tls.X509KeyPair(read(c.CertFile, c.CertData), read(c.KeyFile, c.KeyData))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(read(c.CAFile, c.CAData))
	return &tls.Config{Certificates: []tls.Certificate{cert}, RootCAs: roots, ServerName: c.ServerName}
}

// kubeconfigFor writes a kubeconfig for a server without TLS.
func kubeconfigFor(t *testing.T, server string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kubeconfig")
	content := fmt.Sprintf(`apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: %q}}]
contexts: [{name: c, context: {cluster: c, user: u}}]
users: [{name: u, user: {}}]
current-context: c
`, server)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// After SIGTERM the write under way is waited for: the Ingress exists when the
// process has ended, and it has ended well.
func TestSIGTERMLetsTheWorkersFinish(t *testing.T) {
	cluster := startCluster(t)
	s := newShop(t, cluster)
	proxy := newHolding(t, cluster)
	p := start(t, "--kubeconfig", kubeconfigFor(t, proxy.URL), "--namespace", s.namespace)
	s.expose(t, "web")
	select {
	case <-proxy.held:
	case <-p.ctx.Done():
		t.Fatalf("it does not create the Ingress:\n%s", p.logged())
	}
	p.signal(syscall.SIGTERM)
	p.says("waiting for the reconciles that are running")
	close(proxy.release)
	if state := p.ends(); state.ExitCode() != exitOK {
		t.Errorf("%v\n%s", state, p.logged())
	}
	if _, err := s.ingresses.Get(s.ctx, "web", metav1.GetOptions{}); err != nil {
		t.Errorf("the Ingress under way: %v", err)
	}
}

func TestDrainTimeoutBoundsTheStop(t *testing.T) {
	cluster := startCluster(t)
	s := newShop(t, cluster)
	proxy := newHolding(t, cluster)
	p := start(t, "--kubeconfig", kubeconfigFor(t, proxy.URL), "--namespace", s.namespace, "--drain-timeout", "100ms")
	s.expose(t, "web")
	select {
	case <-proxy.held:
	case <-p.ctx.Done():
		t.Fatalf("it does not create the Ingress:\n%s", p.logged())
	}
	p.signal(syscall.SIGTERM)
	if state := p.ends(); state.ExitCode() != exitError {
		t.Errorf("%v\n%s", state, p.logged())
	}
	if !strings.Contains(p.logged(), "took longer than 100ms") {
		t.Errorf("the log does not say why:\n%s", p.logged())
	}
}

func TestSecondSignalEndsAtOnce(t *testing.T) {
	cluster := startCluster(t)
	s := newShop(t, cluster)
	proxy := newHolding(t, cluster)
	p := start(t, "--kubeconfig", kubeconfigFor(t, proxy.URL), "--namespace", s.namespace, "--drain-timeout", "1h")
	s.expose(t, "web")
	select {
	case <-proxy.held:
	case <-p.ctx.Done():
		t.Fatalf("it does not create the Ingress:\n%s", p.logged())
	}
	p.signal(syscall.SIGTERM)
	p.says("once more ends at once")
	p.signal(syscall.SIGTERM)
	if status := p.ends().Sys().(syscall.WaitStatus); !status.Signaled() || status.Signal() != syscall.SIGTERM {
		t.Errorf("ended by %v\n%s", status, p.logged())
	}
	if _, err := s.ingresses.Get(s.ctx, "web", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("the Ingress that was held up: %v", err)
	}
}

// An API server that is not there is waited for, and the log names it; when it
// comes the work begins.
func TestUnreachableServerIsToldAndWaitedFor(t *testing.T) {
	cluster := controlplane.New(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if err := cluster.StopAPIServer(ctx); err != nil {
		t.Fatal(err)
	}
	p := start(t, "--kubeconfig", cluster.Kubeconfig())
	line := p.says("connection refused")
	if host := cluster.Config().Host; !strings.Contains(line, host) {
		t.Errorf("the log does not name %s: %s", host, line)
	}
	if err := cluster.StartAPIServer(ctx); err != nil {
		t.Fatal(err)
	}
	p.says("caches in sync")
	s := newShop(t, cluster)
	s.expose(t, "web")
	s.hasIngress(t, "web")
	p.signal(syscall.SIGTERM)
	if state := p.ends(); state.ExitCode() != exitOK {
		t.Errorf("%v\n%s", state, p.logged())
	}
}

func TestUnreachableServerDoesNotKeepItFromStopping(t *testing.T) {
	p := start(t, "--kubeconfig", kubeconfigFor(t, "http://127.0.0.1:1"))
	p.says("connection refused")
	p.signal(syscall.SIGTERM)
	if state := p.ends(); state.ExitCode() != exitOK {
		t.Errorf("%v\n%s", state, p.logged())
	}
}

// address returns the next address that the process says it serves on.
func (p *process) address() string {
	p.t.Helper()
	_, rest, _ := strings.Cut(p.says("msg=serving"), "address=")
	address, _, _ := strings.Cut(rest, " ")
	return address
}

// get returns what is at a URL, once it is answered with 200.
func (p *process) get(url string) string {
	p.t.Helper()
	for {
		req, err := http.NewRequestWithContext(p.ctx, http.MethodGet, url, nil)
		if err != nil {
			p.t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			p.t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil {
			p.t.Fatal(err)
		}
		if resp.StatusCode == http.StatusOK {
			return string(body)
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-p.ctx.Done():
			p.t.Fatalf("%s: %s: %s", url, resp.Status, body)
		}
	}
}
