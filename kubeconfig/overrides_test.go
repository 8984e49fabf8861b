package kubeconfig

import (
	"errors"
	"net/http/httptest"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

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

// The options of which each is one function.
func TestOptionsThatAreFunctions(t *testing.T) {
	w := newWorld(t)
	path := w.file("config", overridable+"current-context: work\n")
	cert, key := w.file("other/client.crt", "cert"), w.file("other/client.key", "key")
	red := rest.TLSConfig{ServerName: "red", CAData: []byte("red")}
	certOf := red
	certOf.CertFile, certOf.KeyFile = cert, key
	config := func(change func(*rest.Config)) *rest.Config {
		c := &rest.Config{Host: "https://red.example", TLS: red, BearerToken: "joes-token", Namespace: "shop", Impersonate: rest.Impersonation{User: "jane"}}
		change(c)
		return c
	}
	for name, test := range map[string]struct {
		opts []Option
		want *rest.Config
		err  string
	}{
		"nothing": {[]Option{WithBasicAuth("", ""), WithClientCertificate("", ""), WithImpersonation(rest.Impersonation{}), WithProxyURL(""), WithRequestTimeout(0)}, config(func(*rest.Config) {}), ""},
		"basic":   {[]Option{WithBasicAuth("joe", "hunter2")}, config(func(c *rest.Config) { c.BearerToken, c.Username, c.Password = "", "joe", "hunter2" }), ""},
		"a mistake": {[]Option{WithUser("broken"), WithBasicAuth("joe", "hunter2")}, config(func(c *rest.Config) {
			c.BearerToken, c.Username, c.Password, c.Impersonate.User = "", "joe", "hunter2", ""
		}), ""},
		"certificate":  {[]Option{WithClientCertificate(cert, key)}, config(func(c *rest.Config) { c.BearerToken, c.TLS = "", certOf }), ""},
		"half of one":  {[]Option{WithClientCertificate(cert, "")}, nil, "client-certificate without a client-key"},
		"no such file": {[]Option{WithClientCertificate(cert, key+"x")}, nil, "client.keyx"},
		"the last one": {[]Option{WithBasicAuth("joe", "hunter2"), WithClientCertificate(cert, key), WithToken("given-token")}, config(func(c *rest.Config) { c.BearerToken = "given-token" }), ""},
		"as":           {[]Option{WithImpersonation(rest.Impersonation{User: "mary"})}, config(func(c *rest.Config) { c.Impersonate.User = "mary" }), ""},
		"as, a group": {[]Option{WithImpersonation(rest.Impersonation{UID: "7", Groups: []string{"ops"}, Extra: map[string][]string{"a": {"b"}}})}, config(func(c *rest.Config) {
			c.Impersonate = rest.Impersonation{User: "jane", UID: "7", Groups: []string{"ops"}, Extra: map[string][]string{"a": {"b"}}}
		}), ""},
		"as nobody":      {[]Option{WithUser("cert"), WithImpersonation(rest.Impersonation{Groups: []string{"ops"}})}, nil, "without as"},
		"as, by a token": {[]Option{WithImpersonation(rest.Impersonation{User: "mary"}), WithToken("given-token")}, config(func(c *rest.Config) { c.BearerToken, c.Impersonate.User = "given-token", "mary" }), ""},
		"timeout":        {[]Option{WithRequestTimeout(time.Minute)}, config(func(c *rest.Config) { c.Timeout = time.Minute }), ""},
		"no proxy":       {[]Option{WithProxyURL("ftp://joe:hunter2@proxy.example")}, nil, "proxy-url"},
	} {
		got, err := w.load(path, test.opts...)
		switch {
		case test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err) || strings.Contains(err.Error(), "hunter2")):
			t.Errorf("%s: %v, not %q", name, err, test.err)
		case test.err == "" && (err != nil || !reflect.DeepEqual(got, test.want)):
			t.Errorf("%s:\n got %v, %v\nwant %v", name, got, err, test.want)
		}
	}
	_, err := w.load(w.file("empty", "kind: Config\napiVersion: v1\n"), WithServer("https://red.example"), WithClientCertificate(cert, ""))
	if err == nil || !strings.Contains(err.Error(), "the user of the options: it has a client-certificate without a client-key") {
		t.Errorf("without an entry of the file: %v", err)
	}
	got := w.mustLoad(path, WithProxyURL("http://proxy.example:3128"))
	if proxy, err := got.Proxy(httptest.NewRequest("GET", "https://red.example", nil)); err != nil || proxy.String() != "http://proxy.example:3128" {
		t.Errorf("the proxy is %v, %v", proxy, err)
	}
	t.Chdir(filepath.Dir(cert))
	if got := w.mustLoad(path, WithClientCertificate("client.crt", "client.key")).TLS; !filepath.IsAbs(got.CertFile) || !filepath.IsAbs(got.KeyFile) {
		t.Errorf("the paths are %q, %q", got.CertFile, got.KeyFile)
	}
}

// The options are those of the pod's user, too, and a file is not changed by them.
func TestOptionsThatAreFunctionsInAPod(t *testing.T) {
	w := newWorld(t)
	w.inPod()
	got := w.mustLoad("", WithBasicAuth("joe", "hunter2"), WithImpersonation(rest.Impersonation{User: "mary"}), WithRequestTimeout(-1))
	if got.Username != "joe" || got.BearerToken != "" || got.BearerTokenFile != "" || got.Impersonate.User != "mary" || got.Timeout != -1 {
		t.Errorf("got %v", got)
	}
	if got := w.mustLoad("", WithImpersonation(rest.Impersonation{User: "mary"})); got.BearerTokenFile == "" || got.Impersonate.User != "mary" {
		t.Errorf("with the pod's token: %v", got)
	}
}
