//go:build unix

package controlplane

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

const (
	serviceRange = "10.96.0.0/16"
	issuer       = "https://kubernetes.default.svc"
	// unusedURL is where etcd says that others can reach it. There are no others, and etcd before 3.7
	// takes no Unix socket here.
	unusedURL = "http://127.0.0.1:1"
)

// controllers are those that make namespaces, owner references and service accounts work as on any
// cluster. None needs a node.
var controllers = []string{
	"namespace-controller",
	"serviceaccount-controller",
	"serviceaccount-token-controller",
	"root-ca-certificate-publisher-controller",
	"garbage-collector-controller",
	"endpointslice-controller",
	"endpoints-controller",
	"clusterrole-aggregation-controller",
}

func (p *programs) etcdArgs() []string {
	args := []string{
		"--name=controlplane",
		"--data-dir=" + p.folder.file("etcd"),
		// A Unix socket in a folder that only this user can enter: etcd serves every client that can
		// connect, without the API server's authorization.
		"--listen-client-urls=unix://" + p.folder.socket(),
		"--advertise-client-urls=" + unusedURL,
		"--listen-peer-urls=unix://" + filepath.Join(p.folder.run, "peer.sock"),
		"--initial-advertise-peer-urls=" + unusedURL,
		"--initial-cluster=controlplane=" + unusedURL,
	}
	if p.data == "" { // only a crash of the machine loses what was not synced, and with it the folder
		args = append(args, "--unsafe-no-fsync=true")
	}
	return args
}

func (p *programs) apiServerArgs() []string {
	args := []string{
		"--etcd-servers=unix://" + p.folder.socket(),
		"--bind-address=127.0.0.1",
		"--advertise-address=127.0.0.1",
		fmt.Sprintf("--secure-port=%d", p.port),
		"--tls-cert-file=" + p.folder.file("pki", "kube-apiserver.crt"),
		"--tls-private-key-file=" + p.folder.file("pki", "kube-apiserver.key"),
		"--client-ca-file=" + p.folder.file("pki", "ca.crt"),
		"--authorization-mode=RBAC",
		"--service-account-issuer=" + issuer,
		"--service-account-key-file=" + p.folder.file("pki", "service-accounts.key"),
		"--service-account-signing-key-file=" + p.folder.file("pki", "service-accounts.key"),
		"--service-cluster-ip-range=" + serviceRange,
		// Endpoints may not have a loopback address, and no pod runs that could use them.
		"--endpoint-reconciler-type=none",
		"--allow-privileged=true",
		// Without it a stop waits for the watchers to go by themselves, for up to a minute.
		"--shutdown-watch-termination-grace-period=1s",
	}
	if p.noControllerManager {
		// The plugin requires a service account for each pod, and none is created.
		args = append(args, "--disable-admission-plugins=ServiceAccount")
	}
	return merge(args, p.apiServer)
}

func (p *programs) controllerManagerArgs() []string {
	return merge([]string{
		"--kubeconfig=" + p.folder.file("pki", "kube-controller-manager.kubeconfig"),
		"--controllers=" + strings.Join(controllers, ","),
		"--use-service-account-credentials=true", // each controller with its own RBAC role
		"--service-account-private-key-file=" + p.folder.file("pki", "service-accounts.key"),
		"--root-ca-file=" + p.folder.file("pki", "ca.crt"),
		"--leader-elect=false", // there is one
		"--secure-port=0",      // its metrics are not used, and the port could be taken
		// The defaults, 20 and 30, let a test wait half a minute for 500 objects to be collected.
		"--kube-api-qps=1000",
		"--kube-api-burst=2000",
	}, p.controllerManager)
}

// merge appends extra to args, without the flags of args that extra has too: repeating a flag would
// not do, because lists add up.
func merge(args, extra []string) []string {
	name := func(arg string) string {
		name, _, _ := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		return name
	}
	merged := slices.DeleteFunc(args, func(a string) bool {
		return slices.ContainsFunc(extra, func(e string) bool { return name(e) == name(a) })
	})
	return append(merged, extra...)
}
