package e2e

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// seedMark ends a binary with a seed, see devcluster's package seed.
const seedMark = "\x00skiff devcluster seed 1\n"

// variant returns a copy of the binary whose seed, JSON in gzip, was changed. If change returns nil,
// the copy has no seed.
func variant(t *testing.T, change func(seed []byte) []byte) string {
	t.Helper()
	built := devcluster(t)
	data, err := os.ReadFile(built)
	if err != nil {
		t.Fatal(err)
	}
	rest, ok := bytes.CutSuffix(data, []byte(seedMark))
	if !ok {
		t.Fatalf("%s has no seed: its build has said why", built)
	}
	at := len(rest) - 8
	begin := at - int(binary.BigEndian.Uint64(rest[at:]))
	next := rest[:begin:begin]
	if seed := change(rest[begin:at]); seed != nil {
		next = append(next, seed...)
		next = binary.BigEndian.AppendUint64(next, uint64(len(seed)))
		next = append(next, seedMark...)
	}
	path := filepath.Join(t.TempDir(), "devcluster")
	if err := os.WriteFile(path, next, 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

func noSeed([]byte) []byte { return nil }

// seeded reports whether the API server began with the seed: it then has no hook that writes roles.
func (c *client) seeded() bool {
	c.t.Helper()
	c.must(200, "GET", "/healthz", "")
	checks := c.must(200, "GET", "/readyz?verbose", "")
	roles := strings.Contains(checks, "poststarthook/rbac/bootstrap-roles")
	if classes := strings.Contains(checks, "poststarthook/scheduling/bootstrap-system-priority-classes"); classes != roles {
		c.t.Errorf("the API server has one hook of two: %s", checks)
	}
	return !roles
}

func TestANewClusterBeginsWithTheSeed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args []string
		want bool
	}{
		"controller manager":    {nil, true},
		"no controller manager": {[]string{"--no-controller-manager"}, true},
		"kubelet":               {[]string{"--kubelet"}, true},
		"harmless arguments":    {[]string{"--no-controller-manager", "--apiserver-arg=--v=1", "--etcd-arg=--snapshot-count=5000", "--apiserver-arg=--event-ttl=2h"}, true},
		"an argument":           {[]string{"--no-controller-manager", "--apiserver-arg=--service-cluster-ip-range=10.97.0.0/16"}, false},
		"an argument of etcd":   {[]string{"--no-controller-manager", "--etcd-arg=--name=other", "--etcd-arg=--initial-cluster=other=http://127.0.0.1:1"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t)
			up, in, _, ready := m.controlled(c.args...)
			client := newClient(t, ready.Kubeconfig)
			if c.want { // what is of one cluster is there as well
				client.must(200, "GET", "/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication", "")
				client.must(200, "GET", "/api/v1/namespaces/default/services/kubernetes", "")
			}
			if got := client.seeded(); got != c.want {
				t.Errorf("the cluster began with the seed: %v, want %v", got, c.want)
			}
			in.Close()
			if err := up.Wait(); err != nil {
				t.Error(err)
			}
			if said := up.stderr.String(); said != "" {
				t.Errorf("it says %s", said)
			}
		})
	}
}

// With a seed that is not to be used, a cluster starts as without one.
func TestASeedThatCannotBeUsedIsReportedAndLeftOut(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func([]byte) []byte
		says   string
	}{
		"none": {noSeed, ""},
		"damaged": {func(seed []byte) []byte {
			seed[len(seed)/2] ^= 1
			return seed
		}, "devcluster: start without the seed: read the seed: it is damaged"},
		"another version's": {func(seed []byte) []byte {
			packed, err := gzip.NewReader(bytes.NewReader(seed))
			if err != nil {
				t.Fatal(err)
			}
			data, err := io.ReadAll(packed)
			if err != nil {
				t.Fatal(err)
			}
			var next bytes.Buffer
			w := gzip.NewWriter(&next)
			w.Write(bytes.Replace(data, []byte(`"kubernetes":"v1.37.2"`), []byte(`"kubernetes":"v1.36.0"`), 1))
			w.Close()
			return next.Bytes()
		}, "devcluster: start without the seed: read the seed: it is of Kubernetes v1.36.0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t)
			m.binary = variant(t, c.change)
			up, in, _, ready := m.controlled("--no-controller-manager")
			if newClient(t, ready.Kubeconfig).seeded() {
				t.Error("the cluster began with the seed")
			}
			in.Close()
			if err := up.Wait(); err != nil {
				t.Error(err)
			}
			if said := up.stderr.String(); !strings.HasPrefix(said, c.says) || strings.Count(said, "\n") > 1 || c.says == "" && said != "" {
				t.Errorf("it says %q, want one line with %q", said, c.says)
			}
		})
	}
}

// A start with data that are there, and a restart, are those of any API server, which writes what is
// missing.
func TestOnlyNewDataBeginWithTheSeed(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	data := filepath.Join(t.TempDir(), "kept")
	up, in, out, ready := m.controlled("--data", data)
	c := newClient(t, ready.Kubeconfig)
	if !c.seeded() {
		t.Error("the first start was without the seed")
	}
	const (
		role    = "/apis/rbac.authorization.k8s.io/v1/clusterroles/system:discovery"
		binding = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/system:discovery"
	)
	before := uid(t, c.must(200, "GET", role, ""))
	fmt.Fprintln(in, "restart kube-apiserver")
	if answer := up.message(out); !answer.OK {
		t.Fatalf("%+v", answer)
	}
	c.http.CloseIdleConnections()
	if c.seeded() {
		t.Error("the API server's restart was with the seed")
	}
	c.must(200, "DELETE", binding, "")
	in.Close()
	if err := up.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, up.stderr.String())
	}

	_, in, _, ready = m.controlled("--data", data)
	defer in.Close()
	c = newClient(t, ready.Kubeconfig)
	if c.seeded() {
		t.Error("the second start was with the seed")
	}
	c.must(200, "GET", binding, "")
	if after := uid(t, c.must(200, "GET", role, "")); after != before {
		t.Errorf("a role has UID %s, had %s", after, before)
	}
}

func uid(t *testing.T, body string) string {
	t.Helper()
	var o struct{ Metadata struct{ UID string } }
	if err := json.Unmarshal([]byte(body), &o); err != nil || o.Metadata.UID == "" {
		t.Fatalf("no UID in %s: %v", body, err)
	}
	return o.Metadata.UID
}

// A service account that is bound to the role view may read and no more, as soon as the controller
// manager has put the role together.
func TestRolesWorkInAClusterFromTheSeed(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	_, in, _, ready := m.controlled()
	defer in.Close()
	c := newClient(t, ready.Kubeconfig)
	if !c.seeded() {
		t.Error("the cluster began without the seed")
	}
	c.must(201, "POST", "/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings", `{
		"metadata": {"name": "viewer"},
		"roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"},
		"subjects": [{"kind": "ServiceAccount", "name": "default", "namespace": "default"}]}`)
	var answer struct{ Status struct{ Token string } }
	if err := json.Unmarshal([]byte(c.must(201, "POST", defaultAccount+"/token", `{"spec":{}}`)), &answer); err != nil {
		t.Fatal(err)
	}
	viewer := c.as(answer.Status.Token)
	deadline := time.Now().Add(limit)
	for {
		code, body := viewer.do("GET", configMaps, "")
		if code == 200 {
			break
		}
		if code != 403 || time.Now().After(deadline) {
			t.Fatalf("the viewer's list: %d %s", code, body)
		}
		time.Sleep(20 * time.Millisecond) // the role is another process's to fill
	}
	viewer.must(403, "POST", configMaps, keptMap)
	viewer.must(403, "GET", "/api/v1/nodes", "")
}

// as returns a client of the same cluster that has a token and no certificate.
func (c *client) as(token string) *client {
	transport := c.http.Transport.(*http.Transport).Clone()
	transport.TLSClientConfig.Certificates = nil
	c.t.Cleanup(transport.CloseIdleConnections)
	next := *c
	next.http = &http.Client{Transport: bearer{transport, token}, Timeout: limit}
	return &next
}

type bearer struct {
	http.RoundTripper
	token string
}

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+b.token)
	return b.RoundTripper.RoundTrip(r)
}
