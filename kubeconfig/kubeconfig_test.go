package kubeconfig

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/skiff-k8s/skiff/rest"
)

// world is an environment of a test's own: nothing of this machine gets in.
type world struct {
	t    *testing.T
	dir  string
	vars map[string]string
}

func newWorld(t *testing.T) *world {
	return &world{t: t, dir: t.TempDir(), vars: map[string]string{}}
}

func (w *world) environment() environment {
	return environment{
		getenv:         func(key string) string { return w.vars[key] },
		home:           func() (string, error) { return filepath.Join(w.dir, "home"), nil },
		serviceAccount: filepath.Join(w.dir, "serviceaccount"),
	}
}

// file writes a file below the world's folder and returns its path.
func (w *world) file(name, content string) string {
	w.t.Helper()
	path := filepath.Join(w.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		w.t.Fatal(err)
	}
	return path
}

func (w *world) open(path string, opts ...Option) (*Config, error) {
	c, err := w.environment().open(path, optionsOf(opts))
	return c, named(err)
}

func (w *world) load(path string, opts ...Option) (*rest.Config, error) {
	c, err := w.open(path, opts...)
	if err != nil {
		return nil, err
	}
	return c.REST, nil
}

func (w *world) mustLoad(path string, opts ...Option) *rest.Config {
	w.t.Helper()
	cfg, err := w.load(path, opts...)
	if err != nil {
		w.t.Fatal(err)
	}
	return cfg
}

func (w *world) inPod() {
	w.vars[hostVariable], w.vars[portVariable] = "10.96.0.1", "443"
	w.file("serviceaccount/token", "pod-token")
	w.file("serviceaccount/ca.crt", "pod-ca")
	w.file("serviceaccount/namespace", "pod-namespace\n")
}

func b64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

// simple is a file with one cluster, one user and one context of the given name.
func simple(name string) string {
	return fmt.Sprintf(`apiVersion: v1
kind: Config
clusters:
- name: %[1]s
  cluster: {server: "https://%[1]s.example"}
users:
- name: %[1]s
  user: {token: %[1]s-token}
contexts:
- name: %[1]s
  context: {cluster: %[1]s, user: %[1]s}
current-context: %[1]s
`, name)
}

func mustContain(t *testing.T, text string, wanted ...string) {
	t.Helper()
	for _, w := range wanted {
		if !strings.Contains(text, w) {
			t.Errorf("%q is missing in:\n%s", w, text)
		}
	}
}

func TestEveryField(t *testing.T) {
	w := newWorld(t)
	ca, cert, key, token := w.file("pki/ca.crt", "ca"), w.file("pki/joe.crt", "cert"), w.file("pki/joe.key", "key"), w.file("joe.token", "token")
	path := w.file("config", `
apiVersion: v1
kind: Config
preferences: {}
extensions: [{name: x, extension: {y: z}}]
clusters:
- name: inline
  cluster:
    server: https://inline.example:6443/prefix
    certificate-authority-data: `+b64("inline ca")+`
    certificate-authority: not-used.crt
    tls-server-name: kubernetes
    disable-compression: true
    extensions: []
    something-new: [1, 2]
- name: files
  cluster: {server: "https://files.example", certificate-authority: pki/ca.crt}
- name: careless
  cluster: {server: "https://careless.example", insecure-skip-tls-verify: true}
users:
- name: inline
  user:
    client-certificate-data: `+b64("inline cert")+`
    client-certificate: not-used.crt
    client-key-data: `+b64("inline key")+`
    token: "  inline-token\n"
- name: files
  user: {client-certificate: pki/joe.crt, client-key: `+key+`, tokenFile: joe.token}
- name: impersonator
  user: {token: t, as: jane, as-uid: "42", as-groups: [dev, ops], as-user-extra: {scopes: [view]}}
contexts:
- {name: inline, context: {cluster: inline, user: inline, namespace: there}}
- {name: files, context: {cluster: files, user: files}}
- {name: impersonator, context: {cluster: files, user: impersonator}}
- {name: anonymous, context: {cluster: careless}}
current-context: inline
`)
	for name, want := range map[string]*rest.Config{
		"inline": {
			Host: "https://inline.example:6443/prefix", Namespace: "there", Compression: -1, BearerToken: "inline-token",
			TLS: rest.TLSConfig{CAData: []byte("inline ca"), CertData: []byte("inline cert"), KeyData: []byte("inline key"), ServerName: "kubernetes"},
		},
		"files": {
			Host: "https://files.example", Namespace: "default", BearerTokenFile: token,
			TLS: rest.TLSConfig{CAFile: ca, CertFile: cert, KeyFile: key},
		},
		"impersonator": {
			Host: "https://files.example", Namespace: "default", BearerToken: "t", TLS: rest.TLSConfig{CAFile: ca},
			Impersonate: rest.Impersonation{User: "jane", UID: "42", Groups: []string{"dev", "ops"}, Extra: map[string][]string{"scopes": {"view"}}},
		},
		"anonymous": {Host: "https://careless.example", Namespace: "default", TLS: rest.TLSConfig{Insecure: true}},
	} {
		if got := w.mustLoad(path, WithContext(name)); !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n got %v\nwant %v", name, got, want)
		}
	}
	if got := w.mustLoad(path).Host; got != "https://inline.example:6443/prefix" {
		t.Errorf("the current context is %s", got)
	}
	if got := w.mustLoad(path, WithNamespace("here")).Namespace; got != "here" {
		t.Errorf("the namespace is %s", got)
	}
	if got := w.mustLoad(path, WithContext(""), WithNamespace("")).Namespace; got != "there" {
		t.Errorf("options that say nothing change the namespace to %s", got)
	}
}

func TestAProxyIsUsed(t *testing.T) {
	w := newWorld(t)
	for _, address := range []string{"http://proxy.example:3128", "https://joe:secret@proxy.example", "socks5://proxy.example:1080"} {
		text := strings.Replace(simple("a"), `.example"}`, `.example", proxy-url: "`+address+`"}`, 1)
		cfg := w.mustLoad(w.file("config", text))
		proxy, err := cfg.Proxy(&http.Request{URL: &url.URL{Scheme: "https", Host: "a.example"}})
		if err != nil || proxy.String() != address {
			t.Errorf("%s: %v, %v", address, proxy, err)
		}
	}
}

func TestJSONIsYAML(t *testing.T) {
	w := newWorld(t)
	path := w.file("config", `{"current-context":"a","contexts":[{"name":"a","context":{"cluster":"a"}}],"clusters":[{"name":"a","cluster":{"server":"https://a.example"}}]}`)
	if got := w.mustLoad(path).Host; got != "https://a.example" {
		t.Error(got)
	}
}

func TestWhichFileCounts(t *testing.T) {
	w := newWorld(t)
	one, two := w.file("one/config", simple("one")), w.file("two/config", simple("two"))
	host := func(path string, opts ...Option) string {
		t.Helper()
		return w.mustLoad(path, opts...).Host
	}

	w.inPod()
	if got := host(""); got != "https://10.96.0.1:443" {
		t.Errorf("without any file: %s", got)
	}
	w.file("home/.kube/config", simple("home"))
	if got := host(""); got != "https://home.example" {
		t.Errorf("with a file at home: %s", got)
	}
	w.vars["KUBECONFIG"] = one
	if got := host(""); got != "https://one.example" {
		t.Errorf("with KUBECONFIG: %s", got)
	}
	if got := host(two); got != "https://two.example" {
		t.Errorf("with a path: %s", got)
	}
	list := string(filepath.ListSeparator)
	w.vars["KUBECONFIG"] = list + filepath.Join(w.dir, "missing") + list + two + list + one + list + two
	if got := host(""); got != "https://two.example" {
		t.Errorf("with several files: %s", got)
	}
	if got := host("", WithContext("one")); got != "https://one.example" {
		t.Errorf("with several files and a context: %s", got)
	}
	w.vars["KUBECONFIG"] = filepath.Join(w.dir, "missing")
	if got := host(""); got != "https://10.96.0.1:443" {
		t.Errorf("KUBECONFIG replaces the file at home even when its files are missing: %s", got)
	}
	w.vars["KUBECONFIG"] = w.file("empty", "")
	if got := host("", WithNamespace("x")); got != "https://10.96.0.1:443" {
		t.Errorf("with an empty file: %s", got)
	}
}

func TestMerging(t *testing.T) {
	w := newWorld(t)
	w.file("one/red.crt", "first ca")
	w.file("two/blue.crt", "second ca")
	one := w.file("one/config", `
clusters: [{name: red, cluster: {server: "https://red.one", certificate-authority: red.crt}}]
users: [{name: joe, user: {token: first}}]
contexts: [{name: red, context: {cluster: red, user: joe}}]
`)
	two := w.file("two/config", `
clusters:
- {name: red, cluster: {server: "https://red.two", tls-server-name: two}}
- {name: blue, cluster: {server: "https://blue.two", certificate-authority: ./blue.crt}}
users:
- {name: joe, user: {token: second, as: jane}}
- {name: jim, user: {token: second}}
contexts:
- {name: red, context: {cluster: blue, user: jim, namespace: two}}
- {name: blue, context: {cluster: blue, user: joe}}
- {name: mixed, context: {cluster: red, user: jim}}
current-context: blue
`)
	three := w.file("three/config", "current-context: red\n")
	w.vars["KUBECONFIG"] = strings.Join([]string{one, two, three}, string(filepath.ListSeparator))
	for name, want := range map[string]*rest.Config{
		// The first file's entry, entire: neither tls-server-name nor "as" of the second comes in.
		"red": {Host: "https://red.one", BearerToken: "first", Namespace: "default",
			TLS: rest.TLSConfig{CAFile: filepath.Join(w.dir, "one", "red.crt")}},
		// Relative paths start at the file that has them.
		"blue": {Host: "https://blue.two", BearerToken: "first", Namespace: "default",
			TLS: rest.TLSConfig{CAFile: filepath.Join(w.dir, "two", "blue.crt")}},
		"mixed": {Host: "https://red.one", BearerToken: "second", Namespace: "default",
			TLS: rest.TLSConfig{CAFile: filepath.Join(w.dir, "one", "red.crt")}},
		// The first file that sets current-context counts.
		"": {Host: "https://blue.two", BearerToken: "first", Namespace: "default",
			TLS: rest.TLSConfig{CAFile: filepath.Join(w.dir, "two", "blue.crt")}},
	} {
		if got := w.mustLoad("", WithContext(name)); !reflect.DeepEqual(got, want) {
			t.Errorf("%q:\n got %v\nwant %v", name, got, want)
		}
	}
}

func TestARelativePathStartsAtItsFileWhereverTheProcessIs(t *testing.T) {
	w := newWorld(t)
	w.file("sub/ca.crt", "ca")
	w.file("sub/config", `{"current-context":"a","contexts":[{"name":"a","context":{"cluster":"a"}}],
		"clusters":[{"name":"a","cluster":{"server":"https://a.example","certificate-authority":"ca.crt"}}]}`)
	t.Chdir(w.dir)
	cfg := w.mustLoad(filepath.Join("sub", "config"))
	if !filepath.IsAbs(cfg.TLS.CAFile) {
		t.Errorf("the path is %q: it changes its meaning with the working directory", cfg.TLS.CAFile)
	}
	if data, err := os.ReadFile(cfg.TLS.CAFile); err != nil || string(data) != "ca" {
		t.Errorf("%q, %v", data, err)
	}
}

func TestInCluster(t *testing.T) {
	w := newWorld(t)
	w.inPod()
	dir := filepath.Join(w.dir, "serviceaccount")
	want := &rest.Config{
		Host: "https://10.96.0.1:443", BearerTokenFile: filepath.Join(dir, "token"),
		TLS: rest.TLSConfig{CAFile: filepath.Join(dir, "ca.crt")}, Compression: -1, Namespace: "pod-namespace",
	}
	if got := w.mustLoad(""); !reflect.DeepEqual(got, want) {
		t.Errorf("\n got %v\nwant %v", got, want)
	}
	for _, host := range []string{"fd00::1", "[fd00::1]"} {
		w.vars[hostVariable] = host
		if got := w.mustLoad("").Host; got != "https://[fd00::1]:443" {
			t.Errorf("%s became %s", host, got)
		}
	}
	w.vars["POD_NAMESPACE"] = "downward"
	if got := w.mustLoad("").Namespace; got != "downward" {
		t.Errorf("POD_NAMESPACE is not used: %s", got)
	}
	if err := os.Remove(filepath.Join(dir, "ca.crt")); err != nil {
		t.Fatal(err)
	}
	if _, err := w.load(""); err == nil || errors.Is(err, ErrNotInCluster) || errors.Is(err, ErrNotFound) {
		t.Errorf("a pod without a CA: %v", err)
	} else {
		mustContain(t, err.Error(), "ca.crt")
	}
}

func TestOutsideAPodInClusterSaysSo(t *testing.T) {
	t.Setenv(hostVariable, "")
	if _, err := InCluster(); !errors.Is(err, ErrNotInCluster) {
		t.Errorf("error: %v", err)
	}
	w := newWorld(t)
	w.vars[hostVariable], w.vars[portVariable] = "10.96.0.1", "443"
	if _, err := w.environment().inCluster(); !errors.Is(err, ErrNotInCluster) {
		t.Errorf("without a token: %v", err)
	} else {
		mustContain(t, err.Error(), "automountServiceAccountToken")
	}
}

func TestWhenNothingIsFoundEveryPlaceIsListed(t *testing.T) {
	w := newWorld(t)
	check := func(wanted ...string) {
		t.Helper()
		_, err := w.load("")
		if !errors.Is(err, ErrNotFound) {
			t.Fatalf("error: %v", err)
		}
		mustContain(t, err.Error(), append(wanted, hostVariable)...)
	}
	check("~/.kube/config", filepath.Join(w.dir, "home", ".kube", "config"), "does not exist")
	missing, empty := filepath.Join(w.dir, "missing"), w.file("empty", "kind: Config\n")
	list := string(filepath.ListSeparator)
	w.vars["KUBECONFIG"] = list + missing + list + list + empty
	check("$KUBECONFIG", missing, "does not exist", empty, "is empty")
	if _, err := w.load(""); strings.Contains(err.Error(), `""`) {
		t.Errorf("a file without a name is looked for: %v", err)
	}
	w.inPod()
	_, err := w.load("", WithContext("prod"))
	if !errors.Is(err, ErrNotFound) {
		t.Errorf("a context that was asked for is not to be had in a pod: %v", err)
	} else {
		mustContain(t, err.Error(), `in-cluster has no context "prod"`)
	}
}

func TestMistakesAreNamed(t *testing.T) {
	const secret = "hunter2"
	entry := func(cluster, user string) string {
		return fmt.Sprintf(`{"current-context":"ctx","contexts":[{"name":"ctx","context":{"cluster":"clu","user":"usr"}}],
			"clusters":[{"name":"clu","cluster":%s}],"users":[{"name":"usr","user":%s}]}`, cluster, user)
	}
	const good = `{"server":"https://a.example"}`
	for name, test := range map[string]struct {
		content string
		want    []string
	}{
		"not YAML":              {"clusters:\n- name: a\n  token: \"" + secret + "\n", []string{"not valid YAML", "line"}},
		"an alias":              {"users:\n- token: *" + secret + "\n", []string{"not valid YAML"}},
		"a text":                {secret, []string{"no kubeconfig", "string"}},
		"a list":                {"- " + secret, []string{"no kubeconfig", "array"}},
		"a number":              {"users: [{name: usr, user: {token: 12345}}]", []string{"users", "token", "number", "quotes"}},
		"binary":                {"\x00\x01" + secret, []string{"not valid YAML"}},
		"twice":                 {"clusters: [{name: a}, {name: b}, {name: a}]", []string{`cluster "a" twice`}},
		"empty":                 {"{}", []string{"no cluster"}},
		"no current-context":    {`{"contexts":[{"name":"b"},{"name":"a"}]}`, []string{"no current-context", `"a", "b"`, "WithContext"}},
		"no such context":       {`{"contexts":[{"name":"a"}],"current-context":"b"}`, []string{`context "b" is missing`, `"a"`}},
		"no contexts":           {`{"current-context":"b"}`, []string{`context "b" is missing`, "no contexts"}},
		"no cluster in it":      {`{"contexts":[{"name":"a"}],"current-context":"a"}`, []string{`context "a"`, "names no cluster"}},
		"no such cluster":       {`{"contexts":[{"name":"a","context":{"cluster":"c"}}],"current-context":"a","clusters":[{"name":"d"}]}`, []string{`cluster "c" is missing`, `"d"`}},
		"no such user":          {`{"contexts":[{"name":"a","context":{"cluster":"c","user":"u"}}],"current-context":"a","clusters":[{"name":"c","cluster":{"server":"https://a"}}]}`, []string{`user "u" is missing`, "no users"}},
		"no server":             {entry(`{}`, `{}`), []string{`cluster "clu"`, "server"}},
		"CA that is not base64": {entry(`{"server":"https://a","certificate-authority-data":"`+secret+`!"}`, `{}`), []string{`cluster "clu"`, "certificate-authority-data", "base64"}},
		"CA that is missing":    {entry(`{"server":"https://a","certificate-authority":"missing.crt"}`, `{}`), []string{`cluster "clu"`, "certificate-authority", "missing.crt"}},
		"CA and insecure":       {entry(`{"server":"https://a","certificate-authority-data":"YQ==","insecure-skip-tls-verify":true}`, `{}`), []string{`cluster "clu"`, "insecure-skip-tls-verify contradicts"}},
		"a proxy":               {entry(`{"server":"https://a","proxy-url":"ftp://joe:`+secret+`@proxy"}`, `{}`), []string{`cluster "clu"`, "proxy-url: parse", "socks5"}},
		"no proxy":              {entry(`{"server":"https://a","proxy-url":"http://joe:`+secret+`@%%"}`, `{}`), []string{`cluster "clu"`, "proxy-url: parse", "percent-encode"}},
		"exec":                  {entry(good, `{"exec":{"command":"aws","env":[{"name":"A","value":"`+secret+`"}]}}`), []string{`user "usr"`, "aws", "apiVersion"}},
		"auth-provider":         {entry(good, `{"auth-provider":{"name":"oidc","config":{"x":"`+secret+`"}}}`), []string{`user "usr"`, `"oidc": it is not linked`, `import _ "github.com/skiff-k8s/skiff/kubeconfig/oidc"`}},
		"removed provider":      {entry(good, `{"auth-provider":{"name":"gcp","config":{"x":"`+secret+`"}}}`), []string{`"gcp"`, "1.26", "gke-gcloud-auth-plugin"}},
		"unknown provider":      {entry(good, `{"auth-provider":{"name":"vault"}}`), []string{`"vault"`, "unknown", "RegisterAuthProvider"}},
		"key that is no base64": {entry(good, `{"client-certificate-data":"YQ==","client-key-data":"`+secret+`?"}`), []string{`user "usr"`, "client-key-data", "base64"}},
		"cert without key":      {entry(good, `{"client-certificate-data":"YQ=="}`), []string{`user "usr"`, "without a client-key"}},
		"key without cert":      {entry(good, `{"client-key-data":"YQ=="}`), []string{`user "usr"`, "without a client-certificate"}},
		"token file missing":    {entry(good, `{"tokenFile":"missing.token"}`), []string{`user "usr"`, "tokenFile", "missing.token"}},
		"groups without user":   {entry(good, `{"token":"t","as-groups":["dev"]}`), []string{`user "usr"`, "without as"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			path := w.file("config", test.content)
			_, err := w.load(path)
			if err == nil {
				t.Fatal("no error")
			}
			mustContain(t, err.Error(), append(test.want, path)...)
			if strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), "12345") {
				t.Errorf("the error shows a secret: %v", err)
			}
			w.inPod()
			w.vars["KUBECONFIG"] = path
			if _, err := w.load(""); err == nil && name != "empty" {
				t.Error("a file that is wrong is passed over")
			}
		})
	}
}

// What a decoder says of a number includes the number, which may be a PIN for a token.
func TestAPositionDoesNotRepeatTheValue(t *testing.T) {
	got := jsonPosition(&json.UnmarshalTypeError{Value: "number 12345", Field: "users.user.token", Type: reflect.TypeFor[string]()})
	if strings.Contains(got, "12345") {
		t.Error(got)
	}
	mustContain(t, got, "users.user.token is a number")
}

func TestFilesThatCannotBeReadAreNamed(t *testing.T) {
	w := newWorld(t)
	missing := filepath.Join(w.dir, "missing")
	if _, err := Load(missing); err == nil || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error: %v", err)
	} else {
		mustContain(t, err.Error(), "kubeconfig:", missing)
	}
	w.inPod()
	w.vars["KUBECONFIG"] = w.dir // a folder
	if _, err := w.load(""); err == nil {
		t.Error("a folder is passed over")
	} else {
		mustContain(t, err.Error(), w.dir)
	}
}

func TestABrokenEntryThatNobodyUsesDoesNoHarm(t *testing.T) {
	w := newWorld(t)
	path := w.file("config", simple("good")+`
preferences: {colors: true}
`)
	broken := w.file("broken", `
clusters: [{name: bad, cluster: {server: "", certificate-authority-data: "?"}}, null]
users: [{name: bad, user: {exec: {command: x}}}]
contexts: [{name: bad, context: {cluster: bad, user: bad}}]
`)
	w.vars["KUBECONFIG"] = path + string(filepath.ListSeparator) + broken
	if got := w.mustLoad("").Host; got != "https://good.example" {
		t.Error(got)
	}
}

func TestWhatIsLoadedMakesAClient(t *testing.T) {
	w := newWorld(t)
	if _, err := rest.NewClient(w.mustLoad(w.file("config", simple("a")))); err != nil {
		t.Error(err)
	}
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte(simple("a")))
	f.Add([]byte("clusters: [{name: *x, cluster: &x {server: !!binary aGk=}}]"))
	f.Add([]byte("users: [{name: a, user: {token: [1]}}]\n\"unterminated"))
	f.Add([]byte(`{"contexts":[null,{"name":"ctx","context":{"cluster":"c"}}],"clusters":[{"name":"c","cluster":{"server":"x"}}],"current-context":"ctx"}`))
	f.Add([]byte("a: &a [*a]"))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := parse(data)
		if err != nil {
			if file != nil {
				t.Error("both a file and an error")
			}
			return
		}
		m := newMerged()
		m.add(file, fileSource(filepath.Join(dir, "config")))
		cfg, err := m.config(options{})
		if (cfg == nil) == (err == nil) {
			t.Errorf("%v, %v", cfg, err)
		}
		if err == nil && (cfg.REST.Host == "" || cfg.Namespace == "" || cfg.Context == "" || cfg.Cluster == "") {
			t.Errorf("half a configuration: %v", cfg)
		}
	})
}

// A secret in a broken file never shows, wherever it breaks.
func FuzzErrorsShowNoSecret(f *testing.F) {
	const secret = "hunter2hunter2"
	for _, line := range []string{"token: %s", "token: \"%s", "token: *%s", "token: &%s [", "%s: %s: %s", "- %s\ntoken: !!%s x", "token: {%s", "'%s", "? %s\n: - %s\n a", "%%%s", "token: 1%s"} {
		f.Add(strings.ReplaceAll(line, "%s", secret))
		f.Add("users:\n- name: a\n  user:\n    " + strings.ReplaceAll(line, "%s", secret))
	}
	f.Fuzz(func(t *testing.T, content string) {
		if _, err := parse([]byte(content)); err != nil && strings.Contains(content, secret) && strings.Contains(err.Error(), secret) {
			// A name of an entry may be shown, and only that.
			if !strings.Contains(err.Error(), "twice") {
				t.Errorf("%q: %v", content, err)
			}
		}
	})
}
