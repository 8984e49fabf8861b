package rest

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

func TestHosts(t *testing.T) {
	for _, test := range []struct {
		host   string
		secure bool
		want   string // "" when it is an error
	}{
		{"https://server.example", false, "https://server.example"},
		{"http://server.example:8080/", true, "http://server.example:8080"},
		{"server.example", false, "http://server.example"},
		{"server.example:6443", true, "https://server.example:6443"},
		{"localhost:6443/", true, "https://localhost:6443"},
		{"127.0.0.1:6443", true, "https://127.0.0.1:6443"},
		{"[::1]:6443", true, "https://[::1]:6443"},
		{"https://[fd00::1]", true, "https://[fd00::1]"},
		{"https://gate.example/k8s/clusters/a//", true, "https://gate.example/k8s/clusters/a"},
		{"gate.example/k8s%2Fa/b/", true, "https://gate.example/k8s%2Fa/b"},
		{"", true, ""},
		{"::1", true, ""},
		{"fd00::1:6443", true, ""},
		{"ftp://server.example", true, ""},
		{"https://", true, ""},
		{"https:///path", true, ""},
		{"https://user:hunter2@server.example", true, ""},
		{"user:hunter2@server.example", true, ""},
		{"https://user:hunter2@server.example:port", true, ""},
		{"https://server.example?token=hunter2", true, ""},
		{"https://server.example#x", true, ""},
		{"https://server.example:port", true, ""},
		{"https://server example", true, ""},
	} {
		u, err := parseHost(test.host, test.secure)
		switch {
		case test.want == "" && err == nil:
			t.Errorf("%q: is taken for %s", test.host, u)
		case test.want == "" && strings.Contains(err.Error(), "hunter2"):
			t.Errorf("%q: the error repeats a secret: %v", test.host, err)
		case test.want != "" && err != nil:
			t.Errorf("%q: %v", test.host, err)
		case test.want != "" && u.String() != test.want:
			t.Errorf("%q: is taken for %s, not %s", test.host, u, test.want)
		}
	}
}

func TestPaths(t *testing.T) {
	apps := schema.GroupVersion{Group: "apps", Version: "v1"}
	plain := newClient(t, &Config{Host: "https://server.example"})
	behind := newClient(t, &Config{Host: "https://gate.example/clusters/a%2Fb/"})
	for _, test := range []struct {
		r    *Request
		want string
	}{
		{plain.Get().Resource("pods"), "https://server.example/api/v1/pods"},
		{plain.Get().Namespace("default").Resource("pods"), "https://server.example/api/v1/namespaces/default/pods"},
		{plain.Get().Namespace("").Resource("nodes").Name("n1"), "https://server.example/api/v1/nodes/n1"},
		{plain.Get().Resource("namespaces").Name("default"), "https://server.example/api/v1/namespaces/default"},
		{plain.Get().Resource("pods").Name("a").Namespace("b").SubResource("log"), "https://server.example/api/v1/namespaces/b/pods/a/log"},
		{plain.Get().Resource("services").Name("https:a:443").Namespace("b").SubResource("proxy", "metrics"),
			"https://server.example/api/v1/namespaces/b/services/https:a:443/proxy/metrics"},
		{plain.GroupVersion(apps).Get().Namespace("b").Resource("deployments"), "https://server.example/apis/apps/v1/namespaces/b/deployments"},
		{plain.Get().GroupVersion(apps).Resource("deployments").Name("d").SubResource("scale"), "https://server.example/apis/apps/v1/deployments/d/scale"},
		{plain.Get().Resource("clusterroles").Name("system:node x?#+ü"), "https://server.example/api/v1/clusterroles/system:node%20x%3F%23+%C3%BC"},
		{plain.Get().AbsPath("/version"), "https://server.example/version"},
		{plain.Get().AbsPath("apis", "apps/v1"), "https://server.example/apis/apps/v1"},
		{plain.Get().AbsPath("/apis/", "/apps"), "https://server.example/apis/apps"},
		{plain.Get().AbsPath("/"), "https://server.example/"},
		{plain.Get().AbsPath("/healthz/a b"), "https://server.example/healthz/a%20b"},
		{plain.Get().AbsPath("/apis/x/v1").Namespace("b").Resource("foos").Name("f"), "https://server.example/apis/x/v1/namespaces/b/foos/f"},
		{plain.Get().Resource("pods").Param("limit", "5").Param("labelSelector", "a in (b,c)"),
			"https://server.example/api/v1/pods?labelSelector=a+in+%28b%2Cc%29&limit=5"},
		{behind.Get().Namespace("x").Resource("pods"), "https://gate.example/clusters/a%2Fb/api/v1/namespaces/x/pods"},
		{behind.Get().Resource("users").Name("a b?"), "https://gate.example/clusters/a%2Fb/api/v1/users/a%20b%3F"},
		{behind.Get().AbsPath("/version"), "https://gate.example/clusters/a%2Fb/version"},
	} {
		u, err := test.r.URL()
		if err != nil {
			t.Errorf("%s: %v", test.want, err)
			continue
		}
		if u.String() != test.want {
			t.Errorf("made\n  %s, not\n  %s", u, test.want)
		}
	}
}

func TestACredentialMakesAHostWithoutASchemeHTTPS(t *testing.T) {
	ca := newAuthority(t, "ca")
	for name, cfg := range map[string]*Config{
		"https": {BearerToken: "t"}, "https ": {BearerTokenFile: writeFile(t, "token", []byte("t"))},
		"https  ": {TLS: TLSConfig{CAData: ca.pem}}, "https   ": {TLS: TLSConfig{Insecure: true}}, "http": {},
	} {
		cfg.Host = "server.example"
		u, err := newClient(t, cfg).Get().AbsPath("/").URL()
		if want := strings.TrimSpace(name); err != nil || u.Scheme != want {
			t.Errorf("%v: %s, %v", cfg, u, err)
		}
	}
}

func TestAPathThatWouldMeanSomethingElseIsAnError(t *testing.T) {
	c := newClient(t, &Config{Host: "https://server.example"})
	for name, test := range map[string]struct {
		r    *Request
		want string
	}{
		"empty name":               {c.Get().Resource("pods").Name(""), "name is empty"},
		"name up":                  {c.Get().Resource("pods").Name(".."), `may not be ".."`},
		"name dot":                 {c.Get().Resource("pods").Name("."), `may not be "."`},
		"name with slash":          {c.Delete().Resource("pods").Name("a/b"), `"a/b" may contain neither`},
		"name with percent":        {c.Get().Resource("pods").Name("a%2fb"), "may contain neither"},
		"namespace up":             {c.Get().Namespace("..").Resource("pods"), "namespace"},
		"namespace with slash":     {c.Get().Namespace("a/b").Resource("pods"), "namespace"},
		"resource with slash":      {c.Get().Resource("pods/log"), "resource"},
		"empty resource":           {c.Get().Resource(""), "resource is empty"},
		"empty subresource":        {c.Get().Resource("pods").Name("a").SubResource(""), "subresource"},
		"subresource of all":       {c.Get().Resource("pods").SubResource("log"), "set its Name"},
		"nothing":                  {c.Get(), "set Resource or AbsPath"},
		"name of nothing":          {c.Get().AbsPath("/api/v1").Name("a"), "set Resource"},
		"group version, no number": {c.Get().GroupVersion(schema.GroupVersion{Group: "apps"}).Resource("x"), "version"},
		"group with slash":         {c.Get().GroupVersion(schema.GroupVersion{Group: "a/b", Version: "v1"}).Resource("x"), "group"},
		"absolute path up":         {c.Get().AbsPath("/api/../secret"), "segment"},
		"update of all":            {c.Put().Resource("pods"), "set its Name"},
		"patch of all":             {c.Patch(types.MergePatchType).Resource("pods"), "set its Name"},
		"patch of no type":         {c.Patch("").Resource("pods").Name("a"), "patch type"},
		"no verb":                  {c.Verb("").Resource("pods"), "HTTP method"},
		"two verbs":                {c.Verb("GET /").Resource("pods"), "HTTP method"},
		"header":                   {c.Get().Resource("pods").SetHeader("a b", "c"), "header"},
		"header line":              {c.Get().Resource("pods").SetHeader("X-A", "b\r\nX-Evil: 1"), "line break"},
		"format":                   {c.Get().Resource("pods").Format(9), "format"},
		"params by value":          {c.Get().Resource("pods").VersionedParams(struct{}{}), "pointer"},
		"nil body":                 {c.Post().Resource("pods").Body((*struct{})(nil)), "nil"},
		"body by value":            {c.Post().Resource("pods").Body(struct{}{}), "pointer"},
		"body that is no object":   {c.Post().Resource("pods").Body(&struct{}{}), "neither"},
		"text body":                {c.Post().Resource("pods").Body("text"), "neither"},
	} {
		t.Run(name, func(t *testing.T) {
			err := test.r.Do(t.Context()).Error() // would fail with another error if it were sent
			if err == nil {
				t.Fatal("no error")
			}
			mustContain(t, err.Error(), test.want, "make the request")
			if _, err := test.r.Watch(t.Context(), watchNothing); err == nil {
				t.Error("it can be watched")
			}
		})
	}
}

func TestTheFirstMistakeIsTheOneReported(t *testing.T) {
	c := newClient(t, &Config{Host: "https://server.example"})
	_, err := c.Get().Namespace("a/b").Resource("pods").Name("c/d").URL()
	if err == nil {
		t.Fatal("no error")
	}
	mustContain(t, err.Error(), "a/b")
	if strings.Contains(err.Error(), "c/d") {
		t.Errorf("it reports more: %v", err)
	}
}

func FuzzAPathStaysWhereItBelongs(f *testing.F) {
	f.Add("default", "pods", "web")
	f.Add("..", "a/b", "%2e%2e")
	f.Fuzz(func(t *testing.T, namespace, resource, name string) {
		c := newClient(t, &Config{Host: "https://server.example/prefix"})
		u, err := c.Get().Namespace(namespace).Resource(resource).Name(name).URL()
		if err != nil {
			return
		}
		segments := strings.Split(strings.TrimPrefix(u.EscapedPath(), "/"), "/")
		want := 5
		if namespace != "" {
			want = 7
		}
		if len(segments) != want || segments[0] != "prefix" || segments[1] != "api" {
			t.Errorf("%q %q %q became %s", namespace, resource, name, u)
		}
		for _, s := range segments {
			if s == "" || s == "." || s == ".." {
				t.Errorf("%q %q %q became %s", namespace, resource, name, u)
			}
		}
	})
}
