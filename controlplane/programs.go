//go:build unix

package controlplane

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/skiff-k8s/skiff/kubeconfig"
	"github.com/skiff-k8s/skiff/rest"
)

// programs is a control plane of the binaries in a folder: etcd, kube-apiserver and, if it is there,
// kube-controller-manager, with keys, data and logs in a folder of this package's own.
type programs struct {
	assets string // the folder of the binaries
	options
	folder *folder
	port   int // of the API server

	all  []*component // in the order of their start
	ids  map[string]int
	life context.Context // ends when the control plane is to stop, and with it a start under way
	end  context.CancelFunc

	once sync.Once
	err  error // of stop
}

// maxPorts limits the ports that a start tries: another process may take one between the choice and
// the API server's bind.
const maxPorts = 3

// startPrograms starts the binaries in a folder, and returns when the API server is ready and, with a
// controller manager, the namespace default has its service account. After an error no process is
// left.
func startPrograms(ctx context.Context, assets string, o options) (*programs, error) {
	manager := filepath.Join(assets, controllerManager)
	if _, err := os.Stat(manager); errors.Is(err, os.ErrNotExist) {
		if len(o.controllerManager) > 0 {
			return nil, fmt.Errorf("it has no %s, so there is none to start with %q: %s", controllerManager, o.controllerManager, manager)
		}
		o.noControllerManager = true
	}
	if o.kubelet {
		return nil, errors.New("it has no kubelet: WithKubelet needs devcluster")
	}
	p := &programs{assets: assets, options: o}
	var err error
	if p.folder, err = openFolder(o.data); err != nil {
		return nil, err
	}
	p.life, p.end = context.WithCancel(context.Background())
	if err := p.start(ctx); err != nil {
		return nil, errors.Join(err, p.stop()) // which names a component that ended before another was up
	}
	p.ids = map[string]int{}
	for _, c := range p.all {
		p.ids[c.name] = c.pid()
	}
	return p, nil
}

func (p *programs) start(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startTimeout, fmt.Errorf("not up after %s", startTimeout))
	defer cancel()
	identities, err := makeIdentities(p.folder)
	if err != nil {
		return err
	}
	if err := p.add(p.component(etcd, p.etcdArgs(), 10*time.Second, p.etcdReady)).start(ctx); err != nil {
		return err
	}
	for try := 1; ; try++ {
		if p.port, err = p.folder.freePort(); err != nil {
			return err
		}
		server := fmt.Sprint("https://127.0.0.1:", p.port)
		if err := identities.writeKubeconfigs(p.folder, server); err != nil {
			return err
		}
		// It lets the requests in flight end.
		err := p.add(p.component(apiserver, p.apiServerArgs(), 20*time.Second, p.answers("/readyz"))).start(ctx)
		if err == nil {
			break
		}
		if try == maxPorts || !strings.Contains(err.Error(), syscall.EADDRINUSE.Error()) {
			return err
		}
		p.all = p.all[:1]
	}
	if err := p.folder.keepPort(p.port); err != nil {
		return err
	}
	if p.noControllerManager {
		return nil
	}
	// Pods cannot be created before the service account is there.
	return p.add(p.component(controllerManager, p.controllerManagerArgs(), 10*time.Second,
		p.answers("/api/v1/namespaces/default/serviceaccounts/default"))).start(ctx)
}

// add adds a component before its start, so that the keeper's list has it.
func (p *programs) add(c *component) *component {
	p.all = append(p.all, c)
	return c
}

func (p *programs) component(name string, args []string, grace time.Duration, ready readiness) *component {
	return &component{name: name, path: filepath.Join(p.assets, name), args: args, dir: p.folder.data,
		log: filepath.Join(p.folder.logs(), name+".log"), ready: ready, grace: grace, life: p.life,
		changed: p.tell}
}

// tell tells the folder's keeper which processes there are.
func (p *programs) tell() {
	var pids []int
	for _, c := range p.all {
		if pid := c.pid(); pid != 0 {
			pids = append(pids, pid)
		}
	}
	p.folder.keeper.tell(pids)
}

// etcdReady connects to etcd. The API server waits for etcd itself, but a whole second after a
// refused connection.
func (p *programs) etcdReady(ctx context.Context) error {
	conn, err := new(net.Dialer).DialContext(ctx, "unix", p.folder.socket())
	if err != nil {
		return err
	}
	return conn.Close()
}

// answers returns a function that asks the API server for a path.
func (p *programs) answers(path string) readiness {
	return func(ctx context.Context) error {
		config, err := kubeconfig.Load(p.kubeconfig())
		if err != nil {
			return err
		}
		client, err := rest.NewClient(config)
		if err != nil {
			return err
		}
		defer client.CloseIdleConnections()
		return client.Get().AbsPath(path).MaxRetries(-1).Timeout(probeTimeout).Do(ctx).Error()
	}
}

// probeTimeout bounds a request to a server that accepts the connection and does not answer.
const probeTimeout = 5 * time.Second

func (p *programs) kubeconfig() string { return p.folder.file("kubeconfig") }

func (p *programs) logs() string { return p.folder.logs() }

func (p *programs) pids() map[string]int { return maps.Clone(p.ids) }

func (p *programs) do(ctx context.Context, verb string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startTimeout, fmt.Errorf("not ready after %s", startTimeout))
	defer cancel()
	return p.all[1].do(ctx, verb)
}

func (p *programs) stop() error {
	p.once.Do(func() {
		p.end()
		var errs []error
		for i := len(p.all) - 1; i >= 0; i-- {
			how := syscall.SIGTERM
			if p.data == "" { // there is nothing to save, and a graceful stop takes a second
				how = syscall.SIGKILL
			}
			errs = append(errs, p.all[i].finish(how))
		}
		errs = append(errs, p.folder.close())
		p.err = errors.Join(errs...)
	})
	return p.err
}
