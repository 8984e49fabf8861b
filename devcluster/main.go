// Devcluster is a real Kubernetes control plane in one file: kube-apiserver, etcd and
// kube-controller-manager, and a command that runs them together on loopback.
//
//	devcluster up                   # runs a cluster until Ctrl-C; prints its kubeconfig's path
//	devcluster run -- make test     # runs a command with a cluster
//
// The binary chooses the program by its own name. Under the name etcd, kube-apiserver or
// kube-controller-manager (by a link, or by argv[0]) it is that program, including flags, output
// and exit status.
package main

import (
	"os"
	"path/filepath"

	"github.com/skiff-k8s/skiff/devcluster/internal/cli"
	"github.com/skiff-k8s/skiff/devcluster/internal/gate"
	"github.com/skiff-k8s/skiff/devcluster/internal/guard"
)

func main() {
	name := filepath.Base(os.Args[0])
	if program, ok := programs[name]; ok {
		if asComponent(name) == gate.Seeded {
			program = seededAPIServer
		}
		os.Exit(program())
	}
	if name == guard.Name {
		os.Exit(guard.Main(os.Args[1:]))
	}
	os.Exit(cli.Main(os.Args[1:], versions()))
}
