package faults_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/faults"
	"github.com/skiff-k8s/skiff/rest"
)

func TestMain(m *testing.M) { controlplane.Main(m) }

// apiserver is a server as the comparison sees it.
type apiserver struct {
	t         *testing.T
	client    *http.Client
	url       string
	namespace string
	saved     map[string]string // what answers had, for later requests: "first" is a version
}

// answer is the part of an answer that both servers have to agree on.
type answer struct {
	Code    int
	Kind    string
	Reason  string   // of a Status
	Details string   // its kind and name
	Causes  []string // their reasons
	Names   []string // of a list
	More    bool     // the list goes on
	Events  []string // of a watch: types, names, and the reason of an ERROR
}

type document struct {
	Kind, Reason string
	Details      struct {
		Name, Kind string
		Causes     []struct{ Reason string }
	}
	Metadata struct {
		Name, UID, ResourceVersion, Continue string
		Annotations                          map[string]string
	}
	Items []document
}

// ask sends a request. $NAME in path and body is replaced by what was saved. save, if it is not empty,
// is the name under which the answer's version, UID and continue token are saved.
func (s *apiserver) ask(method, path, body, save string) (a answer) {
	s.t.Helper()
	for name, value := range s.saved {
		path = strings.ReplaceAll(path, "$"+name+".", value)
		body = strings.ReplaceAll(body, "$"+name+".", value)
	}
	ctx, cancel := context.WithTimeout(s.t.Context(), 30*time.Second)
	defer cancel()
	path = strings.ReplaceAll(path, "/ns/", "/"+s.namespace+"/")
	req, err := http.NewRequestWithContext(ctx, method, s.url+path, strings.NewReader(strings.ReplaceAll(body, `"ns"`, fmt.Sprintf("%q", s.namespace))))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Content-Type", "application/json")
	resp, err := s.client.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	a.Code = resp.StatusCode
	if strings.Contains(path, "watch=true") && a.Code == http.StatusOK {
		a.Events = s.events(resp.Body)
		return a
	}
	var d document
	data, err := io.ReadAll(resp.Body)
	if err == nil {
		err = json.Unmarshal(data, &d)
	}
	if err != nil {
		s.t.Fatalf("%s %s: %v: %s", method, path, err, data)
	}
	a.Kind, a.Reason, a.More = d.Kind, d.Reason, d.Metadata.Continue != ""
	a.Details = strings.TrimSpace(d.Details.Kind + " " + d.Details.Name)
	for _, c := range d.Details.Causes {
		a.Causes = append(a.Causes, c.Reason)
	}
	for _, item := range d.Items {
		if item.Metadata.Name != "kube-root-ca.crt" { // the controller manager's
			a.Names = append(a.Names, item.Metadata.Name)
		}
	}
	if save != "" {
		s.saved[save] = d.Metadata.ResourceVersion
		s.saved[save+"-uid"] = d.Metadata.UID
		s.saved[save+"-next"] = d.Metadata.Continue
	}
	return a
}

func (s *apiserver) events(body io.Reader) (all []string) {
	for d := json.NewDecoder(body); ; {
		var e struct {
			Type   string
			Object document
		}
		if err := d.Decode(&e); err != nil {
			return all
		}
		text := e.Type + " " + e.Object.Metadata.Name + e.Object.Reason
		if e.Object.Metadata.Annotations["k8s.io/initial-events-end"] == "true" {
			text += "end"
		}
		if e.Object.Metadata.Name != "kube-root-ca.crt" {
			all = append(all, text)
		}
	}
}

const (
	maps2 = "/api/v1/namespaces/ns/configmaps"
	all   = "&timeoutSeconds=1"
)

// The store and a real API server answer the same requests alike.
func TestTheStoreAnswersAsAnAPIServer(t *testing.T) {
	cluster := controlplane.Start(t)
	cfg := cluster.Config()
	real := &apiserver{t: t, client: &http.Client{Transport: transportOf(t, cfg)}, url: cfg.Host, namespace: cluster.Namespace(t), saved: map[string]string{}}
	configMap := func(name, more string) string {
		return fmt.Sprintf(`{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":%q,"namespace":"ns"%s},"data":{"a":"b"}}`, name, more)
	}
	steps := []struct{ method, path, body, save string }{
		{"GET", maps2 + "/a", "", ""},
		{"POST", maps2, configMap("a", ""), "first"},
		{"POST", maps2, configMap("a", ""), ""},
		{"POST", maps2, configMap("", `,"generateName":"b-"`), ""},
		{"POST", maps2, configMap("", ""), ""},
		{"POST", maps2, configMap("c", `,"resourceVersion":"5"`), ""},
		{"POST", maps2, `{"kind":"Secret","apiVersion":"v1","metadata":{"name":"s"}}`, ""},
		{"POST", maps2, `{`, ""},
		{"POST", maps2, configMap("c", `,"labels":{"app":"web"}`), "c"},
		{"POST", "/api/v1/namespaces/other/configmaps", configMap("c", ""), ""},
		{"GET", maps2 + "/a", "", ""},
		{"PUT", maps2 + "/a", configMap("a", `,"resourceVersion":"$first."`), "same"},
		{"PUT", maps2 + "/a", configMap("a", `,"labels":{"x":"y"},"resourceVersion":"$first."`), "second"},
		{"PUT", maps2 + "/a", configMap("a", `,"labels":{"x":"z"},"resourceVersion":"$first."`), ""},
		{"PUT", maps2 + "/a", configMap("a", `,"labels":{"x":"z"}`), "third"},
		{"PUT", maps2 + "/a", configMap("a", `,"uid":"00000000-0000-0000-0000-000000000000"`), ""},
		{"PUT", maps2 + "/a", configMap("b", ""), ""},
		{"PUT", maps2 + "/none", configMap("none", `,"resourceVersion":"$first."`), ""},
		{"GET", maps2 + "?labelSelector=app%3Dweb", "", ""},
		{"GET", maps2 + "?labelSelector=app%3D%3D%3D", "", ""},
		{"GET", maps2 + "?fieldSelector=metadata.name%3Da", "", ""},
		{"GET", maps2 + "?fieldSelector=metadata.name%3D-", "", ""},
		{"GET", maps2 + "?fieldSelector=data.a%3Db", "", ""},
		{"GET", maps2 + "?limit=1&labelSelector=x", "", "page"},
		{"GET", maps2 + "?limit=1&fieldSelector=metadata.name%21%3Dkube-root-ca.crt", "", "page"},
		{"GET", maps2 + "?limit=500&continue=$page-next.&fieldSelector=metadata.name%21%3Dkube-root-ca.crt&labelSelector=app", "", ""},
		{"GET", maps2 + "?limit=1&continue=nonsense", "", ""},
		{"GET", maps2 + "?limit=x", "", ""},
		{"GET", maps2 + "?resourceVersion=x", "", ""},
		{"GET", maps2 + "?resourceVersion=0&labelSelector=app", "", ""},
		{"GET", maps2 + "?resourceVersion=$first.&resourceVersionMatch=NotOlderThan&labelSelector=app", "", ""},
		{"GET", maps2 + "?resourceVersion=$first.&resourceVersionMatch=Exact&labelSelector=app", "", ""},
		{"GET", maps2 + "?resourceVersion=$c.&resourceVersionMatch=Exact&labelSelector=app", "", ""},
		{"GET", maps2 + "?resourceVersion=0&resourceVersionMatch=Exact", "", ""},
		{"GET", maps2 + "?resourceVersionMatch=Exact", "", ""},
		{"GET", maps2 + "?resourceVersion=1000000&resourceVersionMatch=NotOlderThan", "", ""},
		{"GET", maps2 + "?resourceVersion=1000000", "", ""},
		{"GET", maps2 + "?resourceVersion=1000000&resourceVersionMatch=NotOlderThan&limit=1", "", ""},
		{"GET", maps2 + "?resourceVersion=1000000&resourceVersionMatch=Exact", "", ""},
		{"GET", maps2 + "?watch=true&labelSelector=app" + all, "", ""},
		{"GET", maps2 + "?watch=true&resourceVersion=$first.&fieldSelector=metadata.name%3Da" + all, "", ""},
		{"GET", maps2 + "?watch=true&resourceVersion=$first.&labelSelector=x%3Dy" + all, "", ""},
		// Not from version 1: whether a server still has that depends on what else it has stored.
		{"GET", maps2 + "?watch=true&resourceVersion=x" + all, "", ""},
		{"GET", maps2 + "?watch=true&resourceVersion=1000000" + all, "", ""},
		{"GET", maps2 + "?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&labelSelector=app" + all, "", ""},
		{"GET", maps2 + "?watch=true&sendInitialEvents=true&allowWatchBookmarks=true" + all, "", ""},
		{"GET", maps2 + "?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&labelSelector=app" + all, "", ""},
		{"GET", maps2 + "?watch=true&sendInitialEvents=true&resourceVersionMatch=Exact&allowWatchBookmarks=true" + all, "", ""},
		{"GET", maps2 + "?watch=true&resourceVersionMatch=NotOlderThan" + all, "", ""},
		{"GET", maps2 + "?sendInitialEvents=true", "", ""},
		{"GET", maps2 + "?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&resourceVersion=1000000&timeoutSeconds=6", "", ""},
		{"DELETE", maps2 + "/a", `{"kind":"DeleteOptions","apiVersion":"v1","preconditions":{"uid":"00000000-0000-0000-0000-000000000000"}}`, ""},
		{"DELETE", maps2 + "/a", `{"kind":"DeleteOptions","apiVersion":"v1","preconditions":{"resourceVersion":"1"}}`, ""},
		{"DELETE", maps2 + "/a", "", ""},
		{"DELETE", maps2 + "/a", "", ""},
		{"GET", maps2 + "?watch=true&resourceVersion=$third.&fieldSelector=metadata.name%3Da" + all, "", ""},
		{"POST", maps2, configMap("f", `,"finalizers":["example.com/f"]`), "f"},
		{"DELETE", maps2 + "/f", "", ""},
		{"DELETE", maps2 + "/f", "", ""},
		{"PUT", maps2 + "/f", configMap("f", ""), ""},
		{"GET", maps2 + "/f", "", ""},
		{"DELETE", maps2 + "?labelSelector=app", "", ""},
		{"GET", maps2 + "?labelSelector=app", "", ""},
		{"GET", "/api/v1/nothings", "", ""},
		{"GET", "/api/v1/namespaces/ns/nodes", "", ""},
		{"GET", "/apis/apps/v1/namespaces/ns/deployments", "", ""},
		{"POST", maps2 + "/a", configMap("a", ""), ""},
		{"PUT", maps2, configMap("a", ""), ""},
	}
	run := func(s *apiserver) (all []answer) {
		for _, step := range steps {
			all = append(all, comparable(s.ask(step.method, step.path, step.body, step.save)))
		}
		if s.saved["same"] != s.saved["first"] {
			s.t.Errorf("%s: an update that changes nothing led from %s to %s", s.url, s.saved["first"], s.saved["same"])
		}
		return all
	}
	want := run(real)
	synctest.Test(t, func(t *testing.T) {
		server := faults.Start(t, faults.NewStore(), faults.Options{})
		got := run(&apiserver{t: t, client: &http.Client{Transport: server.Transport()}, url: server.URL(), namespace: "ns", saved: map[string]string{}})
		for i, step := range steps {
			if w, g := fmt.Sprintf("%+v", want[i]), fmt.Sprintf("%+v", got[i]); g != w {
				t.Errorf("%s %s %s:\n\tthe store  %s\n\ta server   %s", step.method, step.path, step.body, g, w)
			}
		}
	})
}

// comparable returns an answer without what is random: the name of generateName, the order of a list
// that the two servers' namespaces sort alike anyway.
func comparable(a answer) answer {
	for _, names := range [][]string{a.Names, a.Events} {
		for i, n := range names {
			if before, _, ok := strings.Cut(n, "b-"); ok {
				names[i] = before + "b-*"
			}
		}
	}
	if before, _, ok := strings.Cut(a.Details, "b-"); ok {
		a.Details = before + "b-*"
	}
	slices.Sort(a.Causes)
	return a
}

// transportOf returns a transport with a configuration's credentials.
func transportOf(t *testing.T, cfg *rest.Config) *http.Transport {
	t.Helper()
	load := func(data []byte, file string) []byte {
		if data == nil && file != "" {
			var err error
			if data, err = os.ReadFile(file); err != nil {
				t.Fatal(err)
			}
		}
		return data
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(load(cfg.TLS.CAData, cfg.TLS.CAFile))
	pair, err := tls.X509KeyPair(load(cfg.TLS.CertData, cfg.TLS.CertFile), load(cfg.TLS.KeyData, cfg.TLS.KeyFile))
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{pair}}, ForceAttemptHTTP2: true}
	t.Cleanup(transport.CloseIdleConnections)
	return transport
}

// What is wrong with an object that is put is in the error.
func TestPutNeedsAKindAndAName(t *testing.T) {
	for object, want := range map[string]string{
		`{"metadata":{"name":"a"}}`:                                     "no apiVersion or no kind",
		`{"kind":"ConfigMap","metadata":{"name":"a"}}`:                  "no apiVersion or no kind",
		`{"apiVersion":"v1","kind":"Box","metadata":{"name":"a"}}`:      "serves no v1 Box",
		`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":""}}`: "no name",
	} {
		if _, err := faults.NewStore().Put(object); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", object, err, want)
		}
	}
}
