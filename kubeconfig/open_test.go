package kubeconfig

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// twoContexts has a context with every name different, and an anonymous one.
const twoContexts = `
clusters:
- {name: hamburg, cluster: {server: "https://hamburg.example"}}
- {name: bremen, cluster: {server: "https://bremen.example"}}
users: [{name: joe, user: {token: t}}]
contexts:
- {name: work, context: {cluster: hamburg, user: joe, namespace: shop}}
- {name: guest, context: {cluster: bremen}}
current-context: work
`

func TestOpenReturnsTheNamesOfTheContext(t *testing.T) {
	w := newWorld(t)
	w.vars["KUBECONFIG"] = w.file("config", twoContexts)
	for name, test := range map[string]struct {
		opts []Option
		want Config
		host string
	}{
		"current": {nil, Config{Context: "work", Cluster: "hamburg", User: "joe", Namespace: "shop"}, "https://hamburg.example"},
		"chosen": {[]Option{WithContext("guest")},
			Config{Context: "guest", Cluster: "bremen", Namespace: "default"}, "https://bremen.example"},
		"another namespace": {[]Option{WithNamespace("test")},
			Config{Context: "work", Cluster: "hamburg", User: "joe", Namespace: "test"}, "https://hamburg.example"},
	} {
		c, err := w.open("", test.opts...)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		checkConfig(t, name, c, test.want, test.host)
	}
}

func TestOpenInAPodHasANamespaceAndNoNames(t *testing.T) {
	w := newWorld(t)
	w.inPod()
	check := func(name, namespace string, opts ...Option) {
		t.Helper()
		c, err := w.open("", opts...)
		if err != nil {
			t.Fatal(err)
		}
		checkConfig(t, name, c, Config{Namespace: namespace}, "https://10.96.0.1:443")
	}
	check("the mounted namespace", "pod-namespace")
	check("the option", "mine", WithNamespace("mine"))
	w.vars["POD_NAMESPACE"] = "downward"
	check("the downward API", "downward")
	delete(w.vars, "POD_NAMESPACE")
	if err := os.Remove(filepath.Join(w.dir, "serviceaccount", "namespace")); err != nil {
		t.Fatal(err)
	}
	check("neither", "default")
}

func checkConfig(t *testing.T, name string, c *Config, want Config, host string) {
	t.Helper()
	if c.REST.Host != host || c.REST.Namespace != c.Namespace {
		t.Errorf("%s: host %s, namespace %q beside %q", name, c.REST.Host, c.REST.Namespace, c.Namespace)
	}
	if want.REST = c.REST; *c != want {
		t.Errorf("%s: got %+v, want %+v", name, *c, want)
	}
}

func TestLoadReturnsTheRESTConfigOfOpen(t *testing.T) {
	w := newWorld(t)
	path := w.file("config", twoContexts)
	c, err := Open(path, WithContext("work"))
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := Load(path, WithContext("work"))
	if err != nil || cfg.String() != c.REST.String() || cfg.Host != "https://hamburg.example" {
		t.Errorf("Load returns %v, %v; Open %v", cfg, err, c.REST)
	}
	for name, err := range map[string]error{"Open": second(Open(path + "x")), "Load": second(Load(path + "x"))} {
		if !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s of a file that does not exist: %v", name, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestParseReadsBytes(t *testing.T) {
	t.Setenv("KUBECONFIG", filepath.Join(t.TempDir(), "not-read"))
	t.Setenv(hostVariable, "10.96.0.1")
	c, err := Parse([]byte(twoContexts), WithNamespace("here"))
	if err != nil {
		t.Fatal(err)
	}
	checkConfig(t, "parsed", c, Config{Context: "work", Cluster: "hamburg", User: "joe", Namespace: "here"}, "https://hamburg.example")
}

func TestPathsInParsedBytesAreRelativeToTheWorkingDirectory(t *testing.T) {
	w := newWorld(t)
	ca := w.file("pki/ca.crt", "ca")
	data := []byte(`{"current-context":"a","contexts":[{"name":"a","context":{"cluster":"a"}}],
		"clusters":[{"name":"a","cluster":{"server":"https://a.example","certificate-authority":"pki/ca.crt"}}]}`)
	t.Chdir(w.dir)
	c, err := Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir()) // the client reads the file later
	info, err := os.Stat(c.REST.TLS.CAFile)
	want, _ := os.Stat(ca)
	if err != nil || !os.SameFile(info, want) {
		t.Errorf("the CA is %q, not %q: %v", c.REST.TLS.CAFile, ca, err)
	}
	if _, err := Parse(data); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("from another folder: %v", err)
	}
}

func TestErrorsOfParseNameTheBytesAndTheEntry(t *testing.T) {
	for content, want := range map[string]string{
		"":                            "kubeconfig: the given kubeconfig holds no cluster",
		"a: [":                        "kubeconfig: parse the given kubeconfig: not valid YAML",
		"hunter2":                     "kubeconfig: parse the given kubeconfig: valid YAML, but no kubeconfig",
		`{"current-context":"b"}`:     `kubeconfig: choose a context of the given kubeconfig: the context "b" is missing`,
		`{"contexts":[{"name":"a"}]}`: "no current-context",
	} {
		c, err := Parse([]byte(content))
		if err == nil || c != nil {
			t.Errorf("%q: %v, %v", content, c, err)
			continue
		}
		if !strings.HasPrefix(err.Error(), prefix) {
			t.Errorf("the error does not begin with the package's name: %v", err)
		}
		mustContain(t, err.Error(), want)
	}
}

func TestEachErrorBeginsWithThePackagesNameOnce(t *testing.T) {
	w := newWorld(t)
	_, notFound := w.open("")
	_, missing := w.open("missing")
	_, outside := w.environment().inCluster()
	for _, err := range []error{notFound, missing, named(outside)} {
		if err == nil || !strings.HasPrefix(err.Error(), prefix) || strings.Count(err.Error(), prefix) != 1 {
			t.Errorf("error: %v", err)
		}
	}
}
