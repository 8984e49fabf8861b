package conformance_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/skifftest/conformance"
	"github.com/skiff-k8s/skiff/skifftest/internal/live"
)

func TestMain(m *testing.M) { controlplane.Main(m) }

// TestControlPlane runs the suite on the real control plane, which it describes. Of the controllers
// only those run whose work a client sees as the API server's: the end of namespaces, and garbage
// collection. (devcluster waits for the service account of the namespace default.)
func TestControlPlane(t *testing.T) {
	cluster := live.Cluster(t,
		controlplane.WithAPIServerArgs("--disable-admission-plugins=ServiceAccount"),
		controlplane.WithControllerManagerArgs("--controllers=serviceaccount-controller,garbage-collector-controller,namespace-controller"))
	conformance.Run(t, conformance.Target{
		Name:   "controlplane",
		Config: cluster.Config(),
		Expire: func(t testing.TB) {
			if err := expire(t.Context(), cluster); err != nil {
				t.Fatal(err)
			}
		},
	})
}

// expire compacts etcd at its newest revision, and restarts the API server, whose caches would
// answer for older ones. etcd serves its API as JSON too, on a socket that its log names
// (https://etcd.io/docs/v3.6/dev-guide/api_grpc_gateway/).
func expire(ctx context.Context, cluster *controlplane.Cluster) error {
	log, err := os.ReadFile(filepath.Join(cluster.Logs(), "etcd.log"))
	if err != nil {
		return err
	}
	socket := regexp.MustCompile(`unix://([^" ,]*/etcd\.sock)`).FindSubmatch(log)
	if socket == nil {
		return fmt.Errorf("expire: the log of etcd names no socket")
	}
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", string(socket[1]))
	}}}
	defer client.CloseIdleConnections()
	ask := func(path string, body any) (revision string, err error) {
		data, err := json.Marshal(body)
		if err != nil {
			return "", err
		}
		request, err := http.NewRequestWithContext(ctx, "POST", "http://etcd/v3/kv/"+path, bytes.NewReader(data))
		if err != nil {
			return "", err
		}
		response, err := client.Do(request)
		if err != nil {
			return "", err
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		if err != nil || response.StatusCode != 200 {
			return "", fmt.Errorf("expire: etcd: %s: %s: %s: %w", path, response.Status, text, err)
		}
		var answer struct{ Header struct{ Revision string } }
		err = json.Unmarshal(text, &answer)
		return answer.Header.Revision, err
	}
	key := base64.StdEncoding.EncodeToString([]byte("nothing"))
	// A write, so that the version of the last object is older than the revision of the compaction.
	if _, err := ask("put", map[string]any{"key": key, "value": key}); err != nil {
		return err
	}
	revision, err := ask("range", map[string]any{"key": key})
	if err != nil {
		return err
	}
	if _, err := ask("compaction", map[string]any{"revision": revision, "physical": true}); err != nil {
		return err
	}
	return cluster.RestartAPIServer(ctx)
}
