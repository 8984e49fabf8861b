package examples_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/discovery"
	"github.com/skiff-k8s/skiff/dynamic"
	"github.com/skiff-k8s/skiff/rest"
)

// build builds a package and returns the path of the program.
func build(t *testing.T, pkg string, flags ...string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "program")
	args := append([]string{"build", "-trimpath", "-ldflags", "-s -w", "-o", program}, append(flags, pkg)...)
	if out, err := exec.CommandContext(t.Context(), "go", args...).CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return program
}

// A whole operator with webhooks of all three kinds, and their certificates, is below the same limit:
// examples/names, to which they are added for this test.
func TestAWholeOperatorWithWebhooksIsSmall(t *testing.T) {
	source, err := os.ReadFile("names/main.go")
	if err != nil {
		t.Fatal(err)
	}
	text := string(source)
	for _, r := range [][2]string{
		{"Elector: elector, Metrics: metrics}", "Elector: elector, Metrics: metrics, Webhooks: hooks}"},
		{"\top := operator.New(", `	hooks := webhook.NewServer(webhook.Options{Authority: webhook.NewAuthority(c, webhook.AuthorityOptions{
		Namespace: cfg.Namespace, Secret: "names", Service: "names", Validating: []string{"names"}, CRDs: []string{"names"}})},
		webhook.Validate(func(context.Context, *webhook.Request[corev1.Service]) ([]string, error) {
			return nil, webhook.Invalid(field.ErrorList{field.Required(field.NewPath("spec"), "")})
		}),
		webhook.Default(func(context.Context, *webhook.Request[corev1.Service]) error { return nil }),
		webhook.Convert(webhook.From(func(*corev1.ConfigMap, *corev1.Service) error { return nil },
			func(*corev1.Service, *corev1.ConfigMap) error { return nil })))
	op := operator.New(`},
		{"\t\"github.com/skiff-k8s/skiff/rest\"\n", `	"github.com/skiff-k8s/skiff/operator/webhook"
	"github.com/skiff-k8s/skiff/rest"
	"k8s.io/apimachinery/pkg/util/validation/field"
`},
	} {
		if strings.Count(text, r[0]) != 1 {
			t.Fatalf("names/main.go has %q %d times", r[0], strings.Count(text, r[0]))
		}
		text = strings.Replace(text, r[0], r[1], 1)
	}
	file := filepath.Join(t.TempDir(), "main.go")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	original, err := filepath.Abs("names/main.go")
	if err != nil {
		t.Fatal(err)
	}
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{original: file}})
	if err != nil {
		t.Fatal(err)
	}
	list := filepath.Join(t.TempDir(), "overlay.json")
	if err := os.WriteFile(list, overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(build(t, "./names", "-overlay", list))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("stripped: %.2f MB of %.0f", float64(info.Size())/1e6, maxBytes/1e6)
	if info.Size() > maxBytes {
		t.Errorf("the program has %d bytes, the limit is %d", info.Size(), maxBytes)
	}
}

// examples/webhooks under exactly the rights that it prints, registered by what it prints, called by
// the API server under the name of its Service.
func TestTheWebhooks(t *testing.T) {
	cluster := controlplane.Start(t)
	namespace := cluster.Namespace(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	c, err := rest.NewClient(cluster.Config())
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseIdleConnections()
	program := build(t, "./webhooks")
	account := fmt.Sprintf(`
apiVersion: v1
kind: ServiceAccount
metadata: {name: webhooks, namespace: %[1]q}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: webhooks}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: webhooks}
subjects: [{kind: ServiceAccount, name: webhooks, namespace: %[1]q}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: webhooks, namespace: %[1]q}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: webhooks}
subjects: [{kind: ServiceAccount, name: webhooks, namespace: %[1]q}]
---
apiVersion: v1
kind: Service
metadata: {name: webhooks, namespace: %[1]q}
spec: {type: ExternalName, externalName: localhost}
`, namespace)
	apply := func(yaml string) {
		t.Helper()
		_, err := dynamic.ApplyAll(ctx, dynamic.New(c), discovery.NewMapper(discovery.New(c)),
			dynamic.Decode(strings.NewReader(yaml)), dynamic.ApplyAllOptions{FieldManager: "test"})
		if err != nil {
			t.Fatalf("%v\n%s", err, yaml)
		}
	}
	apply(account)
	kubeconfig := accountKubeconfig(t, ctx, c, cluster, namespace)
	command := func(args ...string) *exec.Cmd {
		cmd := exec.CommandContext(ctx, program, args...)
		cmd.Env = append(os.Environ(), "KUBECONFIG="+kubeconfig)
		return cmd
	}
	printed, err := command("--print").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, printed)
	}
	t.Cleanup(func() {
		for _, path := range [][]string{
			{"apis", "admissionregistration.k8s.io", "v1", "validatingwebhookconfigurations", "webhooks"},
			{"apis", "admissionregistration.k8s.io", "v1", "mutatingwebhookconfigurations", "webhooks"},
			{"apis", "rbac.authorization.k8s.io", "v1", "clusterroles", "webhooks"},
			{"apis", "rbac.authorization.k8s.io", "v1", "clusterrolebindings", "webhooks"},
		} {
			if err := c.Delete().AbsPath(path...).Do(context.WithoutCancel(ctx)).Error(); err != nil {
				t.Log(err)
			}
		}
	})
	cmd := command("--webhook-address=127.0.0.1:0", "--health-address=localhost:0", "--metrics-address=127.0.0.1:0")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	port := make(chan string, 1)
	go func() {
		defer close(ended)
		for s := bufio.NewScanner(stderr); s.Scan(); {
			t.Log(s.Text())
			if m := regexp.MustCompile(`msg="serving webhooks" address=127.0.0.1:(\d+)`).FindStringSubmatch(s.Text()); m != nil {
				port <- m[1]
			}
		}
	}()
	stop := func() error {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		<-ended
		return cmd.Wait()
	}
	defer func() {
		if cmd.ProcessState == nil {
			_ = stop()
		}
	}()
	select {
	case p := <-port:
		apply(strings.ReplaceAll(string(printed), "port: 443", "port: "+p))
	case <-ended:
		t.Fatal("it ended")
	case <-ctx.Done():
		t.Fatal("it does not serve")
	}
	services := client.Of[corev1.Service](c).In(namespace)
	service := func(name string, change func(*corev1.Service)) *corev1.Service {
		s := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: name},
			Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}}}
		change(s)
		return s
	}
	dry := metav1.CreateOptions{DryRun: []string{"All"}}
	var last error
	for tick := time.NewTicker(50 * time.Millisecond); ; {
		var made *corev1.Service
		_, last = services.Create(ctx, service("n", func(s *corev1.Service) { s.Spec.Type = corev1.ServiceTypeNodePort }), dry)
		if apierrors.IsForbidden(last) && strings.Contains(last.Error(), "type NodePort needs the annotation example.com/node-ports: allowed") {
			if made, last = services.Create(ctx, service("a", func(*corev1.Service) {}), dry); last == nil && made.Labels["team"] == namespace {
				break
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("the webhooks are not called: %v", last)
		}
	}
	_, err = services.Create(ctx, service("b", func(s *corev1.Service) {
		s.Spec.Type, s.Annotations = corev1.ServiceTypeNodePort, map[string]string{"example.com/node-ports": "allowed"}
		s.Labels = map[string]string{"team": "mine"}
	}), metav1.CreateOptions{})
	if err != nil {
		t.Error(err)
	}
	if got, err := services.Get(ctx, "b", metav1.GetOptions{}); err != nil || got.Labels["team"] != "mine" {
		t.Errorf("%v %+v", err, got)
	}
	if err := stop(); err != nil {
		t.Errorf("it ended with %v", err)
	}
}

// accountKubeconfig writes a kubeconfig of the ServiceAccount webhooks.
func accountKubeconfig(t *testing.T, ctx context.Context, c *rest.Client, cluster *controlplane.Cluster, namespace string) string {
	t.Helper()
	data, err := c.Post().AbsPath("api", "v1", "namespaces", namespace, "serviceaccounts", "webhooks", "token").
		Body([]byte(`{"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","spec":{}}`)).DoRaw(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var token struct{ Status struct{ Token string } }
	if err := json.Unmarshal(data, &token); err != nil || token.Status.Token == "" {
		t.Fatalf("%v: no token", err)
	}
	config := cluster.Config()
	ca := config.TLS.CAData
	if config.TLS.CAFile != "" {
		if ca, err = os.ReadFile(config.TLS.CAFile); err != nil {
			t.Fatal(err)
		}
	}
	kubeconfig, err := json.Marshal(map[string]any{
		"apiVersion": "v1", "kind": "Config", "current-context": "x",
		"clusters": []any{map[string]any{"name": "x", "cluster": map[string]any{"server": config.Host, "certificate-authority-data": ca}}},
		"users":    []any{map[string]any{"name": "x", "user": map[string]any{"token": token.Status.Token}}},
		"contexts": []any{map[string]any{"name": "x", "context": map[string]any{"cluster": "x", "user": "x", "namespace": namespace}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(path, kubeconfig, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
