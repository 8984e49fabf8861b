package compare

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/skiff-k8s/skiff/kubeconfig"
)

// loaded is what a library made of a kubeconfig, and what a request made with it is like.
type loaded struct {
	Refused   string // why, or ""
	Namespace string

	URL        string // of the request
	Header     http.Header
	RequestErr string // of a request, such as a plugin's

	CA, Cert, Key string
	Insecure      bool
	ServerName    string
	Proxy         string
	Gzip          bool
}

// pems are a CA, a certificate and its key, made once.
type pems struct{ ca, ca2, cert, key []byte }

func newPEMs(t *testing.T) pems {
	make := func() (cert, key []byte) {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "compare"},
			NotAfter: time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true}
		der, err := x509.CreateCertificate(rand.Reader, template, template, &k.PublicKey, k)
		if err != nil {
			t.Fatal(err)
		}
		keyDER, err := x509.MarshalECPrivateKey(k)
		if err != nil {
			t.Fatal(err)
		}
		return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
			pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: keyDER})
	}
	var p pems
	p.ca, _ = make()
	p.ca2, _ = make()
	p.cert, p.key = make()
	return p
}

// write puts a case's files into a new folder, and returns it.
func (c kubeconfigCase) write(t *testing.T, p pems) string {
	dir := filepath.Join(t.TempDir(), "home")
	put := func(name string, text []byte, mode os.FileMode) {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, text, mode)); err != nil {
			t.Fatal(err)
		}
	}
	put("ca.pem", p.ca, 0o644)
	put("../ca.pem", p.ca, 0o644)
	put("ca2.pem", p.ca2, 0o644)
	put("cert.pem", p.cert, 0o644)
	put("key.pem", p.key, 0o600)
	put("token", []byte("t0ken-of-the-file"), 0o600)
	put("token-line", []byte("t0ken-of-the-file\n"), 0o600)
	put("empty", nil, 0o600)
	put("plugin.sh", []byte("#!/bin/sh\necho '"+pluginToken+"'\n"), 0o755)
	b64 := base64.StdEncoding.EncodeToString
	marks := strings.NewReplacer("DIR", dir, caMark64, b64(p.ca), certMark64, b64(p.cert), keyMark64, b64(p.key))
	for name, text := range c.files {
		put(name, []byte(marks.Replace(text)), 0o600)
	}
	return dir
}

// load makes both libraries load a case.
func load(t *testing.T, c kubeconfigCase, p pems) (theirs, ours loaded) {
	dir := c.write(t, p)
	t.Setenv("HOME", dir)
	explicit := ""
	if c.explicit != "" {
		explicit = filepath.Join(dir, c.explicit)
	}
	var list []string
	for _, name := range c.list {
		if name != "" {
			name = filepath.Join(dir, name)
		}
		list = append(list, name)
	}
	t.Setenv("KUBECONFIG", strings.Join(list, string(os.PathListSeparator)))
	t.Chdir(dir)
	theirs, ours = loadTheirs(t, c, explicit), loadOurs(t, c, explicit)
	for _, l := range []*loaded{&theirs, &ours} {
		for _, s := range []*string{&l.Refused, &l.RequestErr, &l.CA, &l.Cert, &l.Key} {
			*s = strings.NewReplacer(dir, "DIR", string(p.ca), "CA", string(p.ca2), "CA2", string(p.cert), "CERT", string(p.key), "KEY",
				filepath.Dir(dir), "ABOVE").Replace(*s)
		}
	}
	return theirs, ours
}

// stub answers a request, and keeps it.
type stub struct{ l *loaded }

func (s stub) RoundTrip(r *http.Request) (*http.Response, error) {
	s.l.URL, s.l.Header = r.URL.String(), r.Header.Clone()
	s.l.Header.Del("User-Agent")
	s.l.Header.Del("Accept")
	if r.Header.Get("Authorization") == "Bearer refused" {
		return &http.Response{StatusCode: http.StatusUnauthorized, Header: http.Header{}, Request: r, Body: http.NoBody}, nil
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Request: r,
		Body: io.NopCloser(strings.NewReader(`{"gitVersion":"v1.37.2"}`))}, nil
}

func proxyOf(f func(*http.Request) (*url.URL, error), host string) string {
	if f == nil {
		return ""
	}
	r, err := http.NewRequest(http.MethodGet, "https://s.example/", nil)
	if err != nil {
		return err.Error()
	}
	u, err := f(r)
	if err != nil || u == nil {
		return fmt.Sprint(err)
	}
	return u.String()
}

// content returns data, or what is in the file.
func content(data []byte, file string) string {
	if len(data) > 0 || file == "" {
		return string(data)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	return string(data)
}

func loadTheirs(t *testing.T, c kubeconfigCase, explicit string) (l loaded) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = explicit
	overrides := c.theirs
	if ca := &overrides.ClusterInfo.CertificateAuthority; *ca != "" {
		*ca = strings.Replace(*ca, "DIR", os.Getenv("HOME"), 1)
	}
	loader := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &overrides)
	cfg, err := loader.ClientConfig()
	if err != nil {
		l.Refused = err.Error()
		return l
	}
	l.Namespace, _, err = loader.Namespace()
	if err != nil {
		l.Refused = err.Error()
		return l
	}
	l.CA, l.Cert, l.Key = content(cfg.CAData, cfg.CAFile), content(cfg.CertData, cfg.CertFile), content(cfg.KeyData, cfg.KeyFile)
	l.Insecure, l.ServerName, l.Gzip = cfg.Insecure, cfg.ServerName, !cfg.DisableCompression
	l.Proxy = proxyOf(cfg.Proxy, cfg.Host)
	cfg.Wrap(func(http.RoundTripper) http.RoundTripper { return stub{&l} })
	cfg.QPS = -1
	client, err := newTheirs(cfg)
	if err != nil {
		return loaded{Refused: err.Error()}
	}
	if _, err := client.core.RESTClient().Get().AbsPath("/version").DoRaw(t.Context()); err != nil {
		l.RequestErr = err.Error()
	}
	return l
}

func loadOurs(t *testing.T, c kubeconfigCase, explicit string) (l loaded) {
	options := append([]kubeconfig.Option{kubeconfig.WithPluginStderr(io.Discard), kubeconfig.WithoutStdin()}, c.ours...)
	if c.theirs.ClusterInfo.CertificateAuthority != "" {
		options = append(options, kubeconfig.WithCertificateAuthority(filepath.Join(os.Getenv("HOME"), "ca2.pem")))
	}
	opened, err := kubeconfig.Open(explicit, options...)
	if err != nil {
		l.Refused = err.Error()
		return l
	}
	cfg := opened.REST
	l.Namespace = opened.Namespace
	l.CA, l.Cert, l.Key = content(cfg.TLS.CAData, cfg.TLS.CAFile), content(cfg.TLS.CertData, cfg.TLS.CertFile), content(cfg.TLS.KeyData, cfg.TLS.KeyFile)
	l.Insecure, l.ServerName, l.Gzip = cfg.TLS.Insecure, cfg.TLS.ServerName, cfg.Compression >= 0
	l.Proxy = proxyOf(cfg.Proxy, cfg.Host)
	cfg.Wrap(func(http.RoundTripper) http.RoundTripper { return stub{&l} })
	client, err := newOurs(cfg)
	if err != nil {
		return loaded{Refused: err.Error()}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := client.rest.Get().AbsPath("/version").MaxRetries(1).DoRaw(ctx); err != nil {
		l.RequestErr = err.Error()
	}
	return l
}

// compareLoaded returns the facets in which two configurations differ.
func compareLoaded(theirs, ours loaded) []difference {
	var found []difference
	add := func(facet string, a, b any) {
		at, bt := must(json.Marshal(a)), must(json.Marshal(b))
		if !bytes.Equal(at, bt) {
			found = append(found, difference{Facet: facet, Theirs: string(at), Ours: string(bt)})
		}
	}
	if (theirs.Refused == "") != (ours.Refused == "") {
		add("refused", theirs.Refused, ours.Refused)
		return found
	}
	if theirs.Refused != "" {
		return nil // both; the texts may differ
	}
	if (theirs.RequestErr == "") != (ours.RequestErr == "") {
		add("request", theirs.RequestErr, ours.RequestErr)
	} else if theirs.RequestErr == "" {
		add("URL", theirs.URL, ours.URL)
		for _, key := range union(theirs.Header, ours.Header) {
			add("header "+key, theirs.Header[key], ours.Header[key])
		}
	}
	add("namespace", theirs.Namespace, ours.Namespace)
	add("CA", theirs.CA, ours.CA)
	add("client certificate", theirs.Cert, ours.Cert)
	add("client key", theirs.Key, ours.Key)
	add("insecure", theirs.Insecure, ours.Insecure)
	add("TLS server name", theirs.ServerName, ours.ServerName)
	add("proxy", theirs.Proxy, ours.Proxy)
	add("gzip", theirs.Gzip, ours.Gzip)
	return found
}
