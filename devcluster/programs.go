package main

import (
	"fmt"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"time"
	_ "time/tzdata" // CronJobs name time zones

	etcdversion "go.etcd.io/etcd/api/v3/version"
	"go.etcd.io/etcd/server/v3/etcdmain"
	componentcli "k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"          // --logging-format=json
	_ "k8s.io/component-base/metrics/prometheus/clientgo" // the components' client metrics
	_ "k8s.io/component-base/metrics/prometheus/version"  // the version metric
	"k8s.io/component-base/version"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"

	"github.com/skiff-k8s/skiff/devcluster/internal/cli"
	"github.com/skiff-k8s/skiff/devcluster/internal/cluster"
	"github.com/skiff-k8s/skiff/devcluster/internal/gate"
	"github.com/skiff-k8s/skiff/devcluster/internal/lifeline"
	"github.com/skiff-k8s/skiff/devcluster/kubelet"
)

// programs are the programs that this binary contains. Each returns its exit status, if it returns.
var programs = map[string]func() int{
	cluster.Etcd: func() int {
		etcdmain.Main(os.Args)
		return 0
	},
	cluster.APIServer: func() int {
		return componentcli.Run(apiserver.NewAPIServerCommand())
	},
	cluster.ControllerManager: func() int {
		return componentcli.Run(controllermanager.NewControllerManagerCommand())
	},
	cluster.Kubelet: kubelet.Main,
}

// versions returns the versions that the binary was built from.
func versions() cli.Versions {
	return cli.Versions{
		Kubernetes: version.Get().GitVersion,
		Etcd:       etcdversion.Version,
		Go:         runtime.Version(),
	}
}

const (
	// quickStart is how long the API server runs without collecting garbage. It allocates most of
	// what it ever will in its first second, and collecting meanwhile takes a third of that.
	quickStart = 5 * time.Second
	// quickStartMemory is where it collects after all.
	quickStartMemory = 512 << 20
)

// asComponent sets up a program that devcluster started as a component, waits for its turn, and
// returns the way to begin. A program started by a user through a link does not need it.
func asComponent(name string) gate.Way {
	started := lifeline.Attach(func() {
		fmt.Fprintln(os.Stderr, "Error: devcluster is gone, and", name, "with it")
		os.Exit(1)
	})
	if !started {
		return gate.Plain
	}
	way, err := gate.Pass()
	if err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
	if name == cluster.APIServer && os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" {
		startQuickly()
	}
	return way
}

// startQuickly sets the garbage collector up for the API server's start.
func startQuickly() {
	percent := debug.SetGCPercent(-1)
	debug.SetMemoryLimit(quickStartMemory)
	time.AfterFunc(quickStart, func() {
		debug.SetGCPercent(percent)
		debug.SetMemoryLimit(math.MaxInt64)
	})
}
