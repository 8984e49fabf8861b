package kubeconfig

import (
	"errors"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/skiff-k8s/skiff/rest"
)

const overridable = `
clusters:
- {name: red, cluster: {server: "https://red.example", tls-server-name: red, certificate-authority-data: cmVk}}
- {name: blue, cluster: {server: "https://blue.example", insecure-skip-tls-verify: true, tls-server-name: blue}}
users:
- {name: joe, user: {token: joes-token, as: jane}}
- {name: cert, user: {client-certificate-data: Y2VydA==, client-key-data: a2V5}}
- {name: broken, user: {client-key: missing.key}}
contexts: [{name: work, context: {cluster: red, user: joe, namespace: shop}}]
`

// What kubectl's flags of the same names do.
func TestOptionsTakePrecedenceOverTheFile(t *testing.T) {
	w := newWorld(t)
	path := w.file("config", overridable+"current-context: work\n")
	none := w.file("none", overridable)
	ca := w.file("other/ca.crt", "other ca")
	red := rest.TLSConfig{ServerName: "red", CAData: []byte("red")}
	joe := func(tls rest.TLSConfig, host string) *rest.Config {
		return &rest.Config{Host: host, TLS: tls, BearerToken: "joes-token", Namespace: "shop", Impersonate: rest.Impersonation{User: "jane"}}
	}
	asToken := joe(red, "https://red.example")
	asToken.BearerToken = "given-token"
	certOf := func(tls rest.TLSConfig) rest.TLSConfig {
		tls.CertData, tls.KeyData = []byte("cert"), []byte("key")
		return tls
	}
	for name, test := range map[string]struct {
		path string
		opts []Option
		want *rest.Config
		err  string
	}{
		"nothing":              {path, []Option{WithCluster(""), WithUser(""), WithServer(""), WithToken(""), WithCertificateAuthority(""), WithTLSServerName(""), WithInsecureSkipTLSVerify(false)}, joe(red, "https://red.example"), ""},
		"cluster":              {path, []Option{WithCluster("blue")}, joe(rest.TLSConfig{Insecure: true, ServerName: "blue"}, "https://blue.example"), ""},
		"user":                 {path, []Option{WithUser("cert")}, &rest.Config{Host: "https://red.example", TLS: certOf(red), Namespace: "shop"}, ""},
		"server":               {path, []Option{WithServer("https://other.example")}, joe(rest.TLSConfig{CAData: []byte("red")}, "https://other.example"), ""},
		"server and name":      {path, []Option{WithServer("https://other.example"), WithTLSServerName("n")}, joe(rest.TLSConfig{CAData: []byte("red"), ServerName: "n"}, "https://other.example"), ""},
		"name":                 {path, []Option{WithTLSServerName("n")}, joe(rest.TLSConfig{CAData: []byte("red"), ServerName: "n"}, "https://red.example"), ""},
		"insecure":             {path, []Option{WithInsecureSkipTLSVerify(true)}, joe(rest.TLSConfig{Insecure: true, ServerName: "red"}, "https://red.example"), ""},
		"authority":            {path, []Option{WithCertificateAuthority(ca)}, joe(rest.TLSConfig{CAFile: ca, ServerName: "red"}, "https://red.example"), ""},
		"authority, for one":   {path, []Option{WithCluster("blue"), WithCertificateAuthority(ca)}, joe(rest.TLSConfig{CAFile: ca, ServerName: "blue"}, "https://blue.example"), ""},
		"both":                 {path, []Option{WithInsecureSkipTLSVerify(true), WithCertificateAuthority(ca)}, nil, "insecure-skip-tls-verify contradicts"},
		"missing authority":    {path, []Option{WithCertificateAuthority(ca + "x")}, nil, "ca.crtx"},
		"token":                {path, []Option{WithToken("given-token")}, asToken, ""},
		"token for a cert":     {path, []Option{WithUser("cert"), WithToken("given-token")}, &rest.Config{Host: "https://red.example", TLS: red, BearerToken: "given-token", Namespace: "shop"}, ""},
		"token for a mistake":  {path, []Option{WithUser("broken"), WithToken("given-token")}, &rest.Config{Host: "https://red.example", TLS: red, BearerToken: "given-token", Namespace: "shop"}, ""},
		"missing cluster":      {path, []Option{WithCluster("green")}, nil, `cluster "green" is missing; there are the clusters "blue", "red"`},
		"missing user":         {path, []Option{WithUser("green")}, nil, `user "green" is missing`},
		"no current":           {none, nil, nil, "no current-context"},
		"no current, a user":   {none, []Option{WithUser("joe")}, nil, "no current-context"},
		"no current, both":     {none, []Option{WithUser("joe"), WithCluster("red"), WithNamespace("shop")}, joe(red, "https://red.example"), ""},
		"no current, a server": {none, []Option{WithServer("https://other.example"), WithToken("given-token")}, &rest.Config{Host: "https://other.example", BearerToken: "given-token", Namespace: "default"}, ""},
		"an empty file":        {w.file("empty", ""), []Option{WithServer("https://other.example")}, &rest.Config{Host: "https://other.example", Namespace: "default"}, ""},
		"no file":              {"", []Option{WithServer("https://other.example"), WithInsecureSkipTLSVerify(true)}, &rest.Config{Host: "https://other.example", TLS: rest.TLSConfig{Insecure: true}, Namespace: "default"}, ""},
	} {
		got, err := w.load(test.path, test.opts...)
		switch {
		case test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)):
			t.Errorf("%s: %v, not %q", name, err, test.err)
		case test.err == "" && (err != nil || !reflect.DeepEqual(got, test.want)):
			t.Errorf("%s:\n got %v, %v\nwant %v", name, got, err, test.want)
		}
	}
	c, err := w.open(path, WithCluster("blue"), WithUser("cert"))
	if err != nil || c.Context != "work" || c.Cluster != "blue" || c.User != "cert" {
		t.Errorf("the names are %+v, %v", c, err)
	}
	t.Chdir(filepath.Dir(ca))
	if got := w.mustLoad(path, WithCertificateAuthority("ca.crt")); !filepath.IsAbs(got.TLS.CAFile) {
		t.Errorf("the path is %q", got.TLS.CAFile)
	}
}

func TestOptionsInAPod(t *testing.T) {
	w := newWorld(t)
	w.inPod()
	ca := w.file("ca.crt", "another")
	got := w.mustLoad("", WithToken("given-token"), WithCertificateAuthority(ca), WithTLSServerName("n"), WithNamespace("x"))
	want := &rest.Config{Host: "https://10.96.0.1:443", BearerToken: "given-token", TLS: rest.TLSConfig{CAFile: ca, ServerName: "n"}, Compression: -1, Namespace: "x"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("\n got %v\nwant %v", got, want)
	}
	for name, opt := range map[string]Option{"context": WithContext("a"), "cluster": WithCluster("a"), "user": WithUser("a")} {
		if _, err := w.load("", opt); !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), "in-cluster has no "+name+` "a"`) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := w.mustLoad("", WithServer("https://other.example")); got.BearerTokenFile != "" || got.TLS.CAFile != "" {
		t.Errorf("the pod's credentials go to another server: %v", got)
	}
}
