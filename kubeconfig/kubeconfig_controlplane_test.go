package kubeconfig_test

import (
	"crypto/x509"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/kubeconfig"
	"github.com/skiff-k8s/skiff/rest"
)

func TestMain(m *testing.M) {
	kubeconfig.PluginMain()
	controlplane.Main(m)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// whoami asks the server as whom it sees cfg.
func whoami(t *testing.T, cfg *rest.Config) string {
	t.Helper()
	c, err := rest.NewClient(cfg)
	must(t, err)
	defer c.CloseIdleConnections()
	var review authenticationv1.SelfSubjectReview
	must(t, c.GroupVersion(authenticationv1.SchemeGroupVersion).Post().Resource("selfsubjectreviews").
		Body(&authenticationv1.SelfSubjectReview{}).Do(t.Context()).Into(&review))
	return review.Status.UserInfo.Username
}

func pool(t *testing.T, ca []byte) *x509.CertPool {
	t.Helper()
	p := x509.NewCertPool()
	if !p.AppendCertsFromPEM(ca) {
		t.Fatal("no certificate")
	}
	return p
}

func TestAFileReachesTheServer(t *testing.T) {
	path := controlplane.Start(t).Kubeconfig()
	byPath, err := kubeconfig.Load(path)
	must(t, err)
	t.Setenv("KUBECONFIG", filepath.Join(t.TempDir(), "missing")+string(filepath.ListSeparator)+path)
	byVariable, err := kubeconfig.Load("")
	must(t, err)
	if a, b := whoami(t, byPath), whoami(t, byVariable); a != b || a == "" || a == "system:anonymous" {
		t.Errorf("the server sees %q and %q", a, b)
	}
}

// What the kubelet gives to a pod, made by hand of a real service account.
func TestAPodReachesTheServer(t *testing.T) {
	cluster := controlplane.Start(t)
	ns := cluster.Namespace(t)
	admin, err := rest.NewClient(cluster.Config())
	must(t, err)
	defer admin.CloseIdleConnections()
	ctx := t.Context()
	must(t, admin.Post().Namespace(ns).Resource("serviceaccounts").Body(&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "robot"}}).Do(ctx).Error())
	var token authenticationv1.TokenRequest
	must(t, admin.Post().Namespace(ns).Resource("serviceaccounts").Name("robot").SubResource("token").
		Kind(authenticationv1.SchemeGroupVersion.WithKind("TokenRequest")).Body(&authenticationv1.TokenRequest{}).Do(ctx).Into(&token))

	dir := t.TempDir()
	server := cluster.Config()
	ca := server.TLS.CAData
	if len(ca) == 0 {
		ca, err = os.ReadFile(server.TLS.CAFile)
		must(t, err)
	}
	for name, data := range map[string][]byte{"token": []byte(token.Status.Token), "ca.crt": ca, "namespace": []byte(ns)} {
		must(t, os.WriteFile(filepath.Join(dir, name), data, 0o600))
	}
	u, err := url.Parse(server.Host)
	must(t, err)
	host, port, err := net.SplitHostPort(u.Host)
	must(t, err)
	cfg, err := kubeconfig.OpenIn(map[string]string{"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": port}, t.TempDir(), dir)
	must(t, err)
	if got := whoami(t, cfg.REST); got != "system:serviceaccount:"+ns+":robot" {
		t.Errorf("the server sees %q", got)
	}
	if cfg.Namespace != ns {
		t.Errorf("the namespace is %q", cfg.Namespace)
	}
}
