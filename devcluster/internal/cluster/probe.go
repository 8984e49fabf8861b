package cluster

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/skiff-k8s/skiff/devcluster/internal/certs"
)

const (
	// pollRefused is the interval while connections are refused, which costs little.
	pollRefused = 5 * time.Millisecond
	// pollUnready is the interval while the server answers that it is not ready: it logs each
	// request.
	pollUnready = 25 * time.Millisecond
	// probeTimeout is the limit of one request to a server that accepts the connection and does not
	// answer.
	probeTimeout = 5 * time.Second
)

// probe checks whether the components serve.
type probe struct {
	server string
	client *http.Client
}

func newProbe(server string, ca *certs.CA, admin certs.Pair) (*probe, error) {
	pair, err := tls.X509KeyPair(admin.Cert, admin.Key)
	if err != nil {
		return nil, fmt.Errorf("read the administrator's certificate back: %w", err)
	}
	return &probe{
		server: server,
		client: &http.Client{
			Timeout: probeTimeout,
			Transport: &http.Transport{
				TLSClientConfig: &tls.Config{RootCAs: ca.Pool(), Certificates: []tls.Certificate{pair}},
			},
		},
	}, nil
}

// apiServerReady waits until /readyz returns ok.
func (p *probe) apiServerReady(ctx context.Context) error {
	// The connections to a server that was stopped are closed; do not reuse them.
	p.client.CloseIdleConnections()
	return p.poll(ctx, "/readyz")
}

// serviceAccountReady waits until the namespace default has its service account. The API server
// makes the namespace, and the controller manager the account. Pods cannot be created before.
func (p *probe) serviceAccountReady(ctx context.Context) error {
	return p.poll(ctx, "/api/v1/namespaces/default/serviceaccounts/default")
}

// firstObjectsReady waits until the API server has written what is of one cluster and therefore not in
// the seed. /readyz does not wait for it. Without a seed it takes as long as the hooks, or less.
func (p *probe) firstObjectsReady(ctx context.Context) error {
	for _, path := range []string{
		"/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication",
		"/api/v1/namespaces/default/services/kubernetes",
	} {
		if err := p.poll(ctx, path); err != nil {
			return err
		}
	}
	return nil
}

// nodeReady waits until the kubelet has registered its node.
func (p *probe) nodeReady(ctx context.Context) error {
	return p.poll(ctx, "/api/v1/nodes/"+NodeName)
}

// poll requests the path until the answer is 200.
func (p *probe) poll(ctx context.Context, path string) error {
	for {
		err := p.get(ctx, path)
		if err == nil {
			return nil
		}
		pause := pollUnready
		if errors.As(err, new(*net.OpError)) {
			pause = pollRefused
		}
		if ctxErr := sleep(ctx, pause); ctxErr != nil {
			return fmt.Errorf("%w; the last answer was: %w", ctxErr, err)
		}
	}
}

func (p *probe) get(ctx context.Context, path string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.server+path, nil)
	if err != nil {
		return err
	}
	response, err := p.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 64<<10))
	if err != nil {
		return err
	}
	if response.StatusCode == http.StatusOK {
		return nil
	}
	// Of /readyz's list, the checks that fail; of a Status, its one line.
	var failing []string
	for line := range strings.Lines(string(body)) {
		if strings.HasPrefix(line, "[-]") || strings.HasPrefix(line, "{") {
			failing = append(failing, strings.TrimSpace(line))
		}
	}
	return fmt.Errorf("GET %s: %s %s", path, response.Status, strings.Join(failing, ", "))
}

// etcdListening waits until etcd's socket accepts connections. The API server waits for etcd
// itself, but waits a whole second after a refused connection.
func etcdListening(ctx context.Context, socket string) error {
	for {
		conn, err := net.Dial("unix", socket)
		if err == nil {
			return conn.Close()
		}
		if !errors.Is(err, os.ErrNotExist) && !errors.As(err, new(*net.OpError)) {
			return err
		}
		if ctxErr := sleep(ctx, pollRefused); ctxErr != nil {
			return fmt.Errorf("%w; the last answer was: %w", ctxErr, err)
		}
	}
}

// sleep waits. If ctx ends first, it returns the context's cause.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
