// Package cluster runs one control plane: etcd, kube-apiserver and kube-controller-manager, and a
// kubelet if asked for, as child processes of this one, on loopback, with keys, data and logs in one
// folder.
//
//	c, err := cluster.Start(ctx, cluster.Options{})
//	if err != nil { … } // nothing is left running; the error names the log and quotes its end
//	defer c.Stop()
//	fmt.Println(c.Kubeconfig())
//	err = <-c.Failed() // a component ended by itself
package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/skiff-k8s/skiff/devcluster/internal/certs"
	"github.com/skiff-k8s/skiff/devcluster/internal/datadir"
	"github.com/skiff-k8s/skiff/devcluster/internal/gate"
	"github.com/skiff-k8s/skiff/devcluster/internal/lifeline"
	"github.com/skiff-k8s/skiff/devcluster/internal/ports"
	"github.com/skiff-k8s/skiff/devcluster/internal/process"
	"github.com/skiff-k8s/skiff/devcluster/internal/seed"
)

// DefaultStartTimeout is much longer than a start, which takes two seconds. A machine that compiles
// on all of its cores meanwhile takes many times that.
const DefaultStartTimeout = 2 * time.Minute

// Options configures a cluster. The zero value is an ordinary cluster.
type Options struct {
	Data string // the folder to keep the data in; "" means a temporary one, removed with the cluster
	Find bool   // whether `devcluster kubeconfig` without --data finds the cluster

	NoControllerManager bool     // the API server alone
	Controllers         []string // the controllers to run; nil means Controllers
	Kubelet             bool     // a node whose containers are scripts

	// Arguments for the programs. They replace devcluster's own arguments of the same name.
	EtcdArgs, APIServerArgs, ControllerManagerArgs []string

	StartTimeout time.Duration // 0 means DefaultStartTimeout

	Seed *seed.Seed  // what new data begins with; nil means nothing
	Warn func(error) // called for a fault that the start goes on without; nil means ignore
}

// Cluster is a running control plane. Its methods are safe for concurrent use.
type Cluster struct {
	options Options
	folder  *datadir.Folder
	line    *lifeline.Line
	port    *ports.Reservation
	probe   *probe

	etcd, apiServer  *component
	manager, kubelet *component // nil when there is none

	life   context.Context // ends when the cluster is to stop; starts of components end with it
	cancel context.CancelFunc
	failed chan error // holds the first failure until it is received
	broken atomic.Bool

	stop    sync.Once
	stopErr error
}

// Start starts the programs and returns when the cluster is up: /readyz returns ok, the objects that
// each API server writes are there and, with a controller manager, the namespace default has its
// service account. If that fails, or if ctx ends
// first, Start returns an error and leaves no process running.
func Start(ctx context.Context, o Options) (*Cluster, error) {
	if o.StartTimeout == 0 {
		o.StartTimeout = DefaultStartTimeout
	}
	folder, err := datadir.Open(datadir.Options{Data: o.Data, Find: o.Find})
	if err != nil {
		return nil, err
	}
	c := &Cluster{options: o, folder: folder, failed: make(chan error, 1)}
	c.life, c.cancel = context.WithCancel(context.Background())
	c.components()
	if err := c.prepare(); err != nil {
		return nil, errors.Join(err, c.end(true))
	}
	starting, cancel := context.WithTimeoutCause(ctx, o.StartTimeout,
		fmt.Errorf("not up after %s", o.StartTimeout))
	defer cancel()
	if err := c.bringUp(starting); err != nil {
		return nil, errors.Join(err, c.end(true))
	}
	return c, nil
}

// prepare makes what the programs need before they start.
func (c *Cluster) prepare() (err error) {
	if c.line, err = lifeline.New(); err != nil {
		return err
	}
	if c.port, err = ports.Reserve(c.folder.Port()); err != nil && c.folder.Port() != 0 {
		// Another process has the kept cluster's old port; the kubeconfig is rewritten.
		c.port, err = ports.Reserve(0)
	}
	if err != nil {
		return err
	}
	if err := c.folder.SetPort(c.port.Port()); err != nil {
		return err
	}
	return c.writeFiles()
}

func (c *Cluster) components() {
	c.etcd = c.component(Etcd, c.etcdArgs, 10*time.Second, func(ctx context.Context) error {
		return etcdListening(ctx, c.folder.Socket("etcd.sock"))
	})
	// It lets the requests in flight end; the watches get one second.
	c.apiServer = c.component(APIServer, c.apiServerArgs, 20*time.Second, func(ctx context.Context) error {
		return c.probe.apiServerReady(ctx)
	})
	if !c.options.NoControllerManager {
		c.manager = c.component(ControllerManager, c.controllerManagerArgs, 10*time.Second, func(ctx context.Context) error {
			return c.probe.serviceAccountReady(ctx)
		})
	}
	if c.options.Kubelet {
		c.kubelet = c.component(Kubelet, c.kubeletArgs, 10*time.Second, func(ctx context.Context) error {
			return c.probe.nodeReady(ctx)
		})
	}
}

func (c *Cluster) component(name string, args func() []string, grace time.Duration, ready func(context.Context) error) *component {
	return &component{
		name:  name,
		grace: grace,
		ready: ready,
		fail:  c.fail,
		state: Stopped,
		spec: func() process.Spec {
			return process.Spec{
				Name: name,
				Args: args(),
				Dir:  c.folder.Data(),
				Log:  filepath.Join(c.folder.Logs(), name+".log"),
				Line: c.line,
				Lock: c.folder.Lock(),
			}
		},
	}
}

// bringUp starts the programs one after the other, each as soon as the one before can be reached.
// That is also the fastest way: see etcdListening, and a controller manager that does not find a
// healthy API server asks again a second later. While one gets ready, the next one initializes itself.
func (c *Cluster) bringUp(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	// If a program ends while a later one waits for it, that is the error, and not the wait.
	var (
		early    error
		finished = make(chan struct{})
		watcher  sync.WaitGroup
	)
	watcher.Go(func() {
		select {
		case early = <-c.failed:
			cancel(early)
		case <-finished:
		}
	})
	err := c.inTurn(ctx)
	close(finished)
	watcher.Wait()
	if early != nil {
		err = early
	}
	if err != nil {
		return fmt.Errorf("start the cluster: %w", err)
	}
	return nil
}

// inTurn starts the programs for bringUp.
func (c *Cluster) inTurn(ctx context.Context) error {
	all := c.all()
	seeded := c.seedable()
	if err := all[0].Launch(); err != nil {
		return err
	}
	for i, p := range all {
		if i+1 < len(all) {
			if err := all[i+1].Launch(); err != nil {
				return err
			}
		}
		way := gate.Plain
		if p == c.apiServer {
			seeded = seeded && c.plant(ctx)
			if seeded {
				way = gate.Seeded
			}
		}
		if err := p.Begin(ctx, way); err != nil {
			return err
		}
	}
	if seeded {
		if err := c.probe.firstObjectsReady(ctx); err != nil {
			return fmt.Errorf("kube-apiserver did not write its first objects: %w", err)
		}
	}
	return nil
}

// plant writes the seed to etcd and reports whether all of it is there. A part of it does no harm:
// the API server writes what is missing.
func (c *Cluster) plant(ctx context.Context) bool {
	err := c.options.Seed.Plant(ctx, c.etcdURL())
	if err != nil && ctx.Err() == nil && c.options.Warn != nil {
		c.options.Warn(fmt.Errorf("start without the seed: %w", err))
	}
	return err == nil
}

// TakeSeed returns the seed of this cluster, which was just started at the given time.
func (c *Cluster) TakeSeed(ctx context.Context, v seed.Versions, started time.Time) (*seed.Seed, error) {
	return seed.Take(ctx, c.etcdURL(), v, started)
}

// all lists the components in the order of their start.
func (c *Cluster) all() []*component {
	all := []*component{c.etcd, c.apiServer}
	for _, p := range []*component{c.manager, c.kubelet} {
		if p != nil {
			all = append(all, p)
		}
	}
	return all
}

func (c *Cluster) fail(err error) {
	c.broken.Store(true)
	select {
	case c.failed <- err:
	default: // the first failure is reported already, and causes the others
	}
}

// Failed returns a channel that yields an error when a component ends without being asked to. The
// other components run until Stop.
func (c *Cluster) Failed() <-chan error { return c.failed }

// Server returns the API server's URL, which does not change.
func (c *Cluster) Server() string { return "https://" + c.port.Addr().String() }

// Kubeconfig returns the path of the administrator's kubeconfig.
func (c *Cluster) Kubeconfig() string { return c.folder.Kubeconfig() }

// Data returns the cluster's folder.
func (c *Cluster) Data() string { return c.folder.Data() }

// Logs returns the folder of the components' logs.
func (c *Cluster) Logs() string { return c.folder.Logs() }

// PIDs returns the process ids of the components that have a process, by name.
func (c *Cluster) PIDs() map[string]int {
	pids := make(map[string]int)
	for _, p := range c.all() {
		if pid := p.PID(); pid != 0 {
			pids[p.name] = pid
		}
	}
	return pids
}

// States returns the state of each component, by name.
func (c *Cluster) States() map[string]State {
	states := make(map[string]State)
	for _, p := range c.all() {
		states[p.name] = p.State()
	}
	return states
}

// Verbs are the verbs of Do.
var Verbs = []string{"start", "stop", "restart", "kill", "pause", "resume"}

// Do changes one component. name is a name of PIDs; verb is one of Verbs:
//
//   - start and restart return when the component serves. If the start fails, the component is
//     stopped, and the cluster continues.
//   - stop ends it as an administrator would, kill as a crash would. Both return when it has ended.
//   - pause leaves its connections open and unanswered until resume.
func (c *Cluster) Do(ctx context.Context, verb, name string) error {
	i := slices.IndexFunc(c.all(), func(p *component) bool { return p.name == name })
	if i < 0 {
		return fmt.Errorf("%s %s: the cluster has no such component", verb, name)
	}
	p := c.all()[i]
	ctx, cancel := context.WithTimeoutCause(ctx, c.options.StartTimeout, fmt.Errorf("not ready after %s", c.options.StartTimeout))
	defer cancel()
	defer context.AfterFunc(c.life, cancel)()
	switch verb {
	case "start":
		return p.Start(ctx)
	case "stop":
		return p.Stop()
	case "restart":
		return p.Restart(ctx)
	case "kill":
		return p.Kill()
	case "pause":
		return p.Pause()
	case "resume":
		return p.Resume()
	default:
		return fmt.Errorf("%s %s: no such verb; there are %s", verb, name, strings.Join(Verbs, ", "))
	}
}

// Stop ends the cluster and removes its folder unless it is kept. It returns when no process is
// left. It aborts a component's start under way.
func (c *Cluster) Stop() error {
	c.stop.Do(func() { c.stopErr = c.end(false) })
	return c.stopErr
}

// end stops the programs, the last started first, and closes the folder.
func (c *Cluster) end(failed bool) error {
	c.cancel()
	all := c.all()
	if c.folder.Kept() {
		for i := len(all) - 1; i >= 0; i-- {
			all[i].Stop()
		}
	} else {
		// There is nothing to save, and a graceful stop of the API server takes a second.
		for i := len(all) - 1; i >= 0; i-- {
			all[i].Kill()
		}
	}
	if c.line != nil {
		c.line.Cut()
	}
	if c.port != nil {
		c.port.Close()
	}
	return c.folder.Close(failed || c.broken.Load())
}

func writePair(base string, p certs.Pair) error {
	return errors.Join(
		os.WriteFile(base+".crt", p.Cert, 0o644),
		os.WriteFile(base+".key", p.Key, 0o600))
}
