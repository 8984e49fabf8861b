package command_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"

	"github.com/skiff-k8s/skiff/cmd/skiff/internal/cli"
	"github.com/skiff-k8s/skiff/cmd/skiff/internal/command"
	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/discovery"
	"github.com/skiff-k8s/skiff/dynamic"
	"github.com/skiff-k8s/skiff/faults"
	"github.com/skiff-k8s/skiff/rest"
)

func TestMain(m *testing.M) { controlplane.Main(m) }

// testTimeout bounds one run of skiff in a test.
const testTimeout = 2 * time.Minute

// result is what a run of skiff has printed, and its exit code.
type result struct {
	out, err string
	code     int
}

// skiff runs the command line in this process, with caches of the test's own.
func skiff(t *testing.T, args ...string) result {
	t.Helper()
	return skiffIn(t, "", args...)
}

// skiffIn is skiff with a standard input.
func skiffIn(t *testing.T, in string, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	defer cancel()
	var out, errs bytes.Buffer
	code := command.Main(ctx, args, cli.Streams{In: strings.NewReader(in), Out: &out, Err: &errs})
	return result{out.String(), errs.String(), code}
}

// A tool runs skiff against the control plane that the tests share, in a namespace of the test.
type tool struct {
	t         *testing.T
	cluster   *controlplane.Cluster
	namespace string
	flags     []string
}

// newTool starts the control plane, with a node, if no test has.
func newTool(t *testing.T) *tool {
	t.Helper()
	cluster := controlplane.Start(t, controlplane.WithKubelet())
	namespace := cluster.Namespace(t)
	return &tool{t, cluster, namespace, []string{
		"--kubeconfig", cluster.Kubeconfig(), "--cache-dir", t.TempDir(), "-n", namespace,
	}}
}

// run runs skiff in the test's namespace.
func (r *tool) run(args ...string) result {
	r.t.Helper()
	return skiff(r.t, append(args, r.flags...)...)
}

// ok is run for a command that must succeed; it returns the output.
func (r *tool) ok(args ...string) string {
	r.t.Helper()
	got := r.run(args...)
	if got.code != 0 {
		r.t.Fatalf("skiff %s: exit code %d\n%s", strings.Join(args, " "), got.code, got.err)
	}
	return got.out
}

// fails is run for a command that must fail, with a code and with parts of its error.
func (r *tool) fails(code int, parts []string, args ...string) result {
	r.t.Helper()
	got := r.run(args...)
	checkFailure(r.t, got, code, parts, args)
	return got
}

func checkFailure(t *testing.T, got result, code int, parts, args []string) {
	t.Helper()
	if got.code != code {
		t.Errorf("skiff %s: exit code %d, want %d\n%s", strings.Join(args, " "), got.code, code, got.err)
	}
	for _, part := range parts {
		if !strings.Contains(got.err, part) {
			t.Errorf("skiff %s: the error %q lacks %q", strings.Join(args, " "), got.err, part)
		}
	}
}

// create creates objects that are written in YAML, in the test's namespace.
func (r *tool) create(documents string) {
	r.t.Helper()
	c, err := rest.NewClient(r.cluster.Config())
	if err != nil {
		r.t.Fatal(err)
	}
	defer c.CloseIdleConnections()
	for _, text := range strings.Split(documents, "\n---\n") {
		u := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(text), &u.Object); err != nil {
			r.t.Fatal(err)
		}
		k, err := discovery.New(c).ByGVK(r.t.Context(), u.GroupVersionKind())
		if err != nil {
			r.t.Fatal(err)
		}
		objects := dynamic.New(c).Resource(k.GVR())
		if k.Namespaced {
			objects = objects.Namespace(r.namespace)
		}
		if _, err := objects.Create(r.t.Context(), u, metav1.CreateOptions{}); err != nil {
			r.t.Fatal(err)
		}
	}
}

// configMaps creates ConfigMaps with the label a=b, named m-000 and so on.
func (r *tool) configMaps(n int) {
	r.t.Helper()
	var documents []string
	for i := range n {
		documents = append(documents, fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\n"+
			"metadata: {name: m-%03d, labels: {a: b}}\ndata: {num: %q}", i, fmt.Sprint(n-i)))
	}
	r.create(strings.Join(documents, "\n---\n"))
}

// through returns a tool whose requests meet faults on their way to the control plane.
func (r *tool) through(rules ...faults.Rule) (*tool, *faults.Layer) {
	r.t.Helper()
	cfg := r.cluster.Config()
	read := func(data []byte, file string) []byte {
		if data == nil {
			var err error
			if data, err = os.ReadFile(file); err != nil {
				r.t.Fatal(err)
			}
		}
		return data
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(read(cfg.TLS.CAData, cfg.TLS.CAFile))
	pair, err := tls.X509KeyPair(read(cfg.TLS.CertData, cfg.TLS.CertFile),
		read(cfg.TLS.KeyData, cfg.TLS.KeyFile))
	if err != nil {
		r.t.Fatal(err)
	}
	transport := &http.Transport{ForceAttemptHTTP2: true,
		TLSClientConfig: &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{pair}}}
	r.t.Cleanup(transport.CloseIdleConnections)
	proxy, err := faults.Proxy(cfg.Host, transport)
	if err != nil {
		r.t.Fatal(err)
	}
	layer := faults.NewLayer(proxy, rules...)
	server := faults.Start(r.t, layer, faults.Options{Loopback: true})
	return &tool{r.t, r.cluster, r.namespace, []string{"--server", server.URL(), "--kubeconfig",
		emptyConfig(r.t), "--cache-dir", r.t.TempDir(), "-n", r.namespace}}, layer
}

// emptyConfig returns the path of a kubeconfig without entries.
func emptyConfig(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(path, []byte("apiVersion: v1\nkind: Config\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// await runs a command until it succeeds, as that of a new resource does once the server serves it.
func (r *tool) await(args ...string) string {
	r.t.Helper()
	deadline := time.Now().Add(testTimeout)
	for {
		got := r.run(args...)
		if got.code == 0 {
			return got.out
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("skiff %s: %s", strings.Join(args, " "), got.err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// objects returns a client of a resource of the core group in the test's namespace.
func (r *tool) objects(resource string) *dynamic.Resource {
	r.t.Helper()
	c, err := rest.NewClient(r.cluster.Config())
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(c.CloseIdleConnections)
	return dynamic.New(c).Resource(schema.GroupVersionResource{Version: "v1", Resource: resource}).
		Namespace(r.namespace)
}

func (r *tool) patch(resource, name, patch string) {
	_, err := r.objects(resource).Patch(r.t.Context(), name, types.MergePatchType, []byte(patch),
		metav1.PatchOptions{})
	if err != nil {
		r.t.Error(err)
	}
}

func (r *tool) remove(resource, name string) {
	err := r.objects(resource).Delete(r.t.Context(), name, metav1.DeleteOptions{})
	if err != nil {
		r.t.Error(err)
	}
}
