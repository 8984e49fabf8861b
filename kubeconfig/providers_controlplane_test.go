package kubeconfig_test

import (
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/kubeconfig"
	"github.com/skiff-k8s/skiff/rest"
)

// provider is a control plane for the files of testdata/providers, which are what the clouds and the
// local clusters write. Their plugins are processes of this test that print what the control plane
// accepts.
type provider struct {
	t       *testing.T
	cluster *controlplane.Cluster
	admin   *rest.Config
	values  []string // of the files' placeholders, in pairs
	token   string
	robot   string // whose token it is
	owner   string // whose certificate is the administrator's
}

func newProvider(t *testing.T) *provider {
	p := &provider{t: t, cluster: controlplane.Start(t)}
	p.admin = p.cluster.Config()
	p.owner = whoami(t, p.admin)
	p.token, p.robot = serviceAccountToken(t, p.cluster)
	encoded := base64.StdEncoding.EncodeToString
	p.values = []string{"CA_DATA", encoded(p.admin.TLS.CAData), "SERVER", p.admin.Host, "CERT_DATA", encoded(p.admin.TLS.CertData),
		"KEY_DATA", encoded(p.admin.TLS.KeyData), "TOKEN", p.token}
	return p
}

// load loads a provider's file with the placeholders replaced.
func (p *provider) load(name string, more []string, opts ...kubeconfig.Option) *rest.Config {
	p.t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "providers", name+".yaml"))
	must(p.t, err)
	path := filepath.Join(p.t.TempDir(), "config")
	replaced := strings.NewReplacer(append(more, p.values...)...).Replace(string(text))
	must(p.t, os.WriteFile(path, []byte(replaced), 0o600))
	cfg, err := kubeconfig.Load(path, append(opts, kubeconfig.WithPluginStderr(io.Discard))...)
	must(p.t, err)
	return cfg
}

// is wants the server to see cfg as a user.
func (p *provider) is(cfg *rest.Config, user string) {
	p.t.Helper()
	if got := whoami(p.t, cfg); got != user {
		p.t.Errorf("the server sees %q, not %q", got, user)
	}
}

// serviceAccountToken returns a token that the control plane accepts, and the user whose it is.
func serviceAccountToken(t *testing.T, cluster *controlplane.Cluster) (token, user string) {
	t.Helper()
	ns := cluster.Namespace(t)
	admin, err := rest.NewClient(cluster.Config())
	must(t, err)
	defer admin.CloseIdleConnections()
	accounts := admin.Post().Namespace(ns).Resource("serviceaccounts")
	must(t, accounts.Body(&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "robot"}}).Do(t.Context()).Error())
	var request authenticationv1.TokenRequest
	must(t, accounts.Name("robot").SubResource("token").Kind(authenticationv1.SchemeGroupVersion.WithKind("TokenRequest")).
		Body(&authenticationv1.TokenRequest{}).Do(t.Context()).Into(&request))
	return request.Status.Token, "system:serviceaccount:" + ns + ":robot"
}

func TestEKS(t *testing.T) {
	p := newProvider(t)
	aws := kubeconfig.NewTestPlugin(t, "aws")
	aws.Answer("v1beta1", map[string]any{"token": p.token, "expirationTimestamp": "2999-01-02T03:04:05Z"})
	cfg := p.load("eks", nil)
	p.is(cfg, p.robot)
	p.is(cfg, p.robot)
	calls := aws.Calls()
	if len(calls) != 1 || !slices.Equal(calls[0].Args, []string{"--region", "eu-central-1", "eks", "get-token", "--cluster-name", "shop", "--output", "json"}) || calls[0].Var("AWS_PROFILE") != "shop" {
		t.Errorf("aws was called as %+v", calls)
	}
}

func TestGKE(t *testing.T) {
	p := newProvider(t)
	var tunnels atomic.Int32
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tunnels.Add(1)
		tunnel(w, r)
	}))
	defer proxy.Close()
	gcloud := kubeconfig.NewTestPlugin(t, "gke-gcloud-auth-plugin")
	gcloud.Answer("v1beta1", map[string]any{"token": p.token, "expirationTimestamp": "2999-01-02T03:04:05Z"})
	p.is(p.load("gke", []string{"PROXY", proxy.URL}), p.robot)
	if tunnels.Load() == 0 {
		t.Error("the proxy was not used")
	}
	var info struct {
		Spec struct {
			Cluster struct {
				Server string `json:"server"`
				CAData []byte `json:"certificate-authority-data"`
				Proxy  string `json:"proxy-url"`
			}
		}
	}
	must(t, json.Unmarshal([]byte(gcloud.Calls()[0].Info), &info))
	if c := info.Spec.Cluster; c.Server != p.admin.Host || string(c.CAData) != string(p.admin.TLS.CAData) || c.Proxy != proxy.URL {
		t.Errorf("the plugin was told %+v", c)
	}
	t.Setenv("PATH", t.TempDir())
	cfg := p.load("gke", []string{"PROXY", proxy.URL})
	c, err := rest.NewClient(cfg)
	must(t, err)
	if err := c.Get().AbsPath("/version").Do(t.Context()).Error(); err == nil || !strings.Contains(err.Error(), "Install gke-gcloud-auth-plugin for use with kubectl by following https://cloud.google.com/") {
		t.Errorf("without the plugin: %v", err)
	}
}

// tunnel is a proxy's answer to CONNECT.
func tunnel(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodConnect {
		http.Error(w, "CONNECT is expected", http.StatusMethodNotAllowed)
		return
	}
	server, err := net.Dial("tcp", r.Host)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer server.Close()
	w.WriteHeader(http.StatusOK)
	client, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer client.Close()
	var up sync.WaitGroup
	up.Go(func() {
		_, _ = io.Copy(server, buffered)
		_ = server.Close()
	})
	_, _ = io.Copy(client, server)
	_ = client.Close()
	up.Wait()
}

// The token that kubelogin has from before has been withdrawn: after the 401 it runs again, once for
// all requests.
func TestAKS(t *testing.T) {
	p := newProvider(t)
	login := kubeconfig.NewTestPlugin(t, "kubelogin")
	login.AnswerOnce("answer-1", "v1beta1", map[string]any{"token": "a-token-that-has-been-withdrawn", "expirationTimestamp": "2999-01-02T03:04:05Z"})
	login.Answer("v1beta1", map[string]any{"token": p.token, "expirationTimestamp": "2999-01-02T03:04:05Z"})
	cfg := p.load("aks", nil)
	c, err := rest.NewClient(cfg)
	must(t, err)
	defer c.CloseIdleConnections()
	var all sync.WaitGroup
	for range 30 {
		all.Go(func() {
			if err := c.Get().AbsPath("/api").Do(t.Context()).Error(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	p.is(cfg, p.robot)
	calls := login.Calls()
	if len(calls) != 2 || calls[0].Args[0] != "get-token" || !strings.HasSuffix(calls[0].Info, `"spec":{"interactive":false}}`) {
		t.Errorf("kubelogin was called as %+v", calls)
	}
}

func TestKind(t *testing.T) {
	p := newProvider(t)
	p.is(p.load("kind", nil), p.owner)
}

func TestK3s(t *testing.T) {
	p := newProvider(t)
	p.is(p.load("k3s", nil), p.owner)
	cfg := p.load("k3s", nil, kubeconfig.WithContext("robot"))
	p.is(cfg, p.robot)
	if cfg.Namespace != "kube-system" {
		t.Errorf("the namespace is %q", cfg.Namespace)
	}
}

func TestMinikube(t *testing.T) {
	p := newProvider(t)
	home := t.TempDir()
	for name, data := range map[string][]byte{"ca.crt": p.admin.TLS.CAData, "profiles/minikube/client.crt": p.admin.TLS.CertData, "profiles/minikube/client.key": p.admin.TLS.KeyData} {
		path := filepath.Join(home, ".minikube", filepath.FromSlash(name))
		must(t, os.MkdirAll(filepath.Dir(path), 0o700))
		must(t, os.WriteFile(path, data, 0o600))
	}
	p.is(p.load("minikube", []string{"HOME", home}), p.owner)
}

func TestRancher(t *testing.T) {
	p := newProvider(t)
	server, ca := p.rancher("kubeconfig-u-abcde12345:token-of-rancher", "u-abcde12345")
	values := []string{"TOKEN_OF_RANCHER", "token-of-rancher", "RANCHER_CA", ca, "RANCHER", server}
	plugin := kubeconfig.NewTestPlugin(t, "rancher")
	p.is(p.load("rancher", values), "u-abcde12345")
	if len(plugin.Calls()) != 0 {
		t.Error("the plugin is run beside a token")
	}
	plugin.Answer("v1beta1", map[string]any{"clientCertificateData": string(p.admin.TLS.CertData), "clientKeyData": string(p.admin.TLS.KeyData)})
	p.is(p.load("rancher", values, kubeconfig.WithContext("shop-node1")), p.owner)
	if len(plugin.Calls()) != 1 {
		t.Errorf("the plugin ran %d times", len(plugin.Calls()))
	}
}

// rancher is Rancher's own address: it knows one token, and passes requests on in the name of a user.
func (p *provider) rancher(token, user string) (server, ca string) {
	p.t.Helper()
	pair, err := tls.X509KeyPair(p.admin.TLS.CertData, p.admin.TLS.KeyData)
	must(p.t, err)
	to, err := url.Parse(p.admin.Host)
	must(p.t, err)
	transport := &http.Transport{TLSClientConfig: &tls.Config{Certificates: []tls.Certificate{pair}, RootCAs: pool(p.t, p.admin.TLS.CAData)}}
	p.t.Cleanup(transport.CloseIdleConnections)
	proxy := &httputil.ReverseProxy{Transport: transport, Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		r.Out.Header.Del("Authorization")
		r.Out.Header["Impersonate-User"] = []string{user}
		r.Out.Header["Impersonate-Group"] = []string{"system:authenticated"}
	}}
	s := httptest.NewTLSServer(http.StripPrefix("/k8s/clusters/c-m-abcdefgh", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+token {
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		proxy.ServeHTTP(w, r)
	})))
	p.t.Cleanup(s.Close)
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	return s.URL, base64.StdEncoding.EncodeToString(certificate)
}

// The eighth provider's other half, its auth-provider, is tested in package oidc.
func TestThePluginOfAnOIDCProvider(t *testing.T) {
	p := newProvider(t)
	login := kubeconfig.NewTestPlugin(t, "kubectl")
	login.Answer("v1", map[string]any{"token": p.token})
	p.is(p.load("oidc", []string{"ISSUER", "https://issuer.example"}, kubeconfig.WithContext("oidc")), p.robot)
	if call := login.Calls()[0]; call.Args[2] != "--oidc-issuer-url=https://issuer.example" {
		t.Errorf("kubectl was called as %+v", call)
	}
}
