package cluster

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/skiff-k8s/skiff/devcluster/internal/certs"
	"github.com/skiff-k8s/skiff/devcluster/internal/kubeconfig"
	"github.com/skiff-k8s/skiff/devcluster/internal/ports"
)

// The names of the programs, as argv[0] and everywhere else.
const (
	Etcd              = "etcd"
	APIServer         = "kube-apiserver"
	ControllerManager = "kube-controller-manager"
	Kubelet           = "kubelet"
)

const (
	// NodeName is the name of the kubelet's Node.
	NodeName = "devcluster"
	// KubeletClient is the user as whom the API server asks the kubelet.
	KubeletClient = "kube-apiserver-kubelet-client"
	// frontProxy is as whom the API server asks an aggregated API server, on behalf of its users.
	frontProxy = "front-proxy-client"
)

// Controllers are the controllers that the controller manager runs by default: those that make
// namespaces, owner references and service accounts work as on any cluster. None of them needs a
// node. `--controllers='*'` runs all controllers that Kubernetes runs by default.
var Controllers = []string{
	"namespace-controller",
	"serviceaccount-controller",
	"serviceaccount-token-controller",
	"root-ca-certificate-publisher-controller",
	"garbage-collector-controller",
	"endpointslice-controller",
	// The API server's proxy to a Service reads Endpoints before Kubernetes 1.37.
	"endpoints-controller",
	// Fills in the roles admin, edit and view, which are empty without it.
	"clusterrole-aggregation-controller",
}

const (
	serviceRange = "10.96.0.0/16"
	issuer       = "https://kubernetes.default.svc"
)

// serviceIP is the first address of serviceRange: that of the Service default/kubernetes.
var serviceIP = net.IPv4(10, 96, 0, 1)

// etcdURL returns the URL of a Unix socket in a folder that only this user can enter. etcd serves
// every client that can connect, without the API server's authorization.
func (c *Cluster) etcdURL() string { return "unix://" + c.folder.Socket("etcd.sock") }

// unusedURL is where etcd says that others can reach it. There are no others, and etcd before 3.7 takes
// no Unix socket here.
const unusedURL = "http://127.0.0.1:1"

func (c *Cluster) etcdArgs() []string {
	args := []string{
		"--name=devcluster",
		"--data-dir=" + c.folder.Etcd(),
		"--listen-client-urls=" + c.etcdURL(),
		"--advertise-client-urls=" + unusedURL,
		"--listen-peer-urls=unix://" + c.folder.Socket("peer.sock"),
		"--initial-advertise-peer-urls=" + unusedURL,
		"--initial-cluster=devcluster=" + unusedURL,
		// A single member elects itself after up to two election timeouts, by default two seconds.
		"--heartbeat-interval=10",
		"--election-timeout=50",
		// The default of 2 GiB is a limit for production; here it would end a benchmark.
		"--quota-backend-bytes=8589934592",
	}
	if !c.folder.Kept() {
		// Only a crash of the whole machine loses what was not synced, and with it the folder.
		args = append(args, "--unsafe-no-fsync=true")
	}
	return merge(args, c.options.EtcdArgs)
}

func (c *Cluster) apiServerArgs() []string {
	args := []string{
		"--etcd-servers=" + c.etcdURL(),
		"--bind-address=" + ports.Loopback.String(),
		"--advertise-address=" + ports.Loopback.String(),
		fmt.Sprintf("--secure-port=%d", c.port.Port()),
		"--permit-port-sharing=true", // with the reservation, see package ports
		"--tls-cert-file=" + c.pki("kube-apiserver.crt"),
		"--tls-private-key-file=" + c.pki("kube-apiserver.key"),
		"--client-ca-file=" + c.pki("ca.crt"),
		"--authorization-mode=RBAC",
		"--service-account-issuer=" + issuer,
		"--service-account-key-file=" + c.pki("service-accounts.key"),
		"--service-account-signing-key-file=" + c.pki("service-accounts.key"),
		"--service-cluster-ip-range=" + serviceRange,
		// Aggregated API servers read these, all but the key, from kube-system/extension-apiserver-authentication.
		"--requestheader-client-ca-file=" + c.pki("front-proxy-ca.crt"),
		"--requestheader-allowed-names=" + frontProxy,
		"--requestheader-username-headers=X-Remote-User",
		"--requestheader-uid-headers=X-Remote-Uid",
		"--requestheader-group-headers=X-Remote-Group",
		"--requestheader-extra-headers-prefix=X-Remote-Extra-",
		"--proxy-client-cert-file=" + c.pki("front-proxy-client.crt"),
		"--proxy-client-key-file=" + c.pki("front-proxy-client.key"),
		// Endpoints may not have a loopback address, and no pod runs that could use them.
		"--endpoint-reconciler-type=none",
		"--allow-privileged=true",
		// Without it a stop waits for the watchers to go by themselves, for up to a minute.
		"--shutdown-watch-termination-grace-period=1s",
	}
	if c.options.NoControllerManager {
		// The plugin requires a service account for each pod. Without the controller manager there
		// is none, so no pod could be created.
		args = append(args, "--disable-admission-plugins=ServiceAccount")
	}
	if c.options.Kubelet {
		args = append(args,
			"--kubelet-certificate-authority="+c.pki("ca.crt"),
			"--kubelet-client-certificate="+c.pki("kubelet-client.crt"),
			"--kubelet-client-key="+c.pki("kubelet-client.key"),
			"--kubelet-preferred-address-types=InternalIP",
			"--egress-selector-config-file="+c.pki("egress.yaml"))
	}
	return merge(args, c.options.APIServerArgs)
}

func (c *Cluster) kubeletArgs() []string {
	return []string{
		"--kubeconfig=" + c.pki("kubelet.kubeconfig"),
		"--cert=" + c.pki("kubelet.crt"),
		"--key=" + c.pki("kubelet.key"),
		"--client-ca=" + c.pki("ca.crt"),
		"--egress=" + c.folder.Socket("egress.sock"),
		"--root=" + filepath.Join(c.folder.Data(), "pods"),
	}
}

// egress is the configuration by which the API server dials nodes and pods through the kubelet.
const egress = `apiVersion: apiserver.k8s.io/v1beta1
kind: EgressSelectorConfiguration
egressSelections:
- name: cluster
  connection:
    proxyProtocol: HTTPConnect
    transport:
      uds:
        udsName: %q
`

// writeKubeletFiles makes what the kubelet and the API server need to trust each other.
func (c *Cluster) writeKubeletFiles(ca *certs.CA) error {
	serving, err := ca.Issue(certs.Server("system:node:"+NodeName,
		[]string{NodeName}, []net.IP{ports.Loopback.AsSlice()}))
	if err != nil {
		return err
	}
	client, err := ca.Issue(certs.Client(KubeletClient))
	if err != nil {
		return err
	}
	// It binds pods as well, so it is an administrator and not a node.
	node, err := ca.Issue(certs.Client("devcluster-kubelet", "system:masters"))
	if err != nil {
		return err
	}
	return errors.Join(
		writePair(c.pki("kubelet"), serving),
		writePair(c.pki("kubelet-client"), client),
		c.writeKubeconfig(c.pki("kubelet.kubeconfig"), ca, node),
		os.WriteFile(c.pki("egress.yaml"), fmt.Appendf(nil, egress, c.folder.Socket("egress.sock")), 0o600))
}

func (c *Cluster) controllerManagerArgs() []string {
	controllers := c.options.Controllers
	if len(controllers) == 0 {
		controllers = Controllers
	}
	return merge([]string{
		"--kubeconfig=" + c.pki("kube-controller-manager.kubeconfig"),
		"--controllers=" + strings.Join(controllers, ","),
		"--use-service-account-credentials=true", // each controller with its own RBAC role, as elsewhere
		"--service-account-private-key-file=" + c.pki("service-accounts.key"),
		"--root-ca-file=" + c.pki("ca.crt"),
		"--leader-elect=false", // there is one
		"--secure-port=0",      // its metrics are not used, and the port could be taken
		// The defaults, 20 and 30, let a test wait half a minute for 500 objects to be collected.
		"--kube-api-qps=1000",
		"--kube-api-burst=2000",
	}, c.options.ControllerManagerArgs)
}

// harmless are the names of the arguments with which a cluster can begin with the seed: they change
// nothing that Kubernetes writes to a new cluster. Any other argument may.
var harmless = []string{
	// of both
	"v", "vmodule", "log-level", "logging-format",
	// of etcd
	"auto-compaction-mode", "auto-compaction-retention", "election-timeout", "heartbeat-interval",
	"max-request-bytes", "quota-backend-bytes", "snapshot-count", "unsafe-no-fsync",
	// of the API server
	"audit-log-format", "audit-log-maxage", "audit-log-maxbackup", "audit-log-maxsize",
	"audit-log-mode", "audit-log-path", "audit-policy-file", "default-watch-cache-size",
	"etcd-compaction-interval", "event-ttl", "goaway-chance", "http2-max-streams-per-connection",
	"max-mutating-requests-inflight", "max-requests-inflight", "min-request-timeout", "profiling",
	"request-timeout", "shutdown-delay-duration", "shutdown-watch-termination-grace-period",
	"token-auth-file", "watch-cache", "watch-cache-sizes",
}

// seedable reports whether the cluster is to begin with the seed: its data are new, and no argument
// changes what Kubernetes writes to it. Call it before etcd begins.
func (c *Cluster) seedable() bool {
	if c.options.Seed == nil {
		return false
	}
	for _, arg := range slices.Concat(c.options.EtcdArgs, c.options.APIServerArgs) {
		if !slices.Contains(harmless, flagName(arg)) {
			return false
		}
	}
	_, err := os.Stat(c.folder.Etcd())
	return errors.Is(err, os.ErrNotExist)
}

// merge appends extra to args and removes flags from args that are in extra. Repeating a flag would
// not do, because flags with lists add up.
func merge(args, extra []string) []string {
	said := make(map[string]bool)
	for _, a := range extra {
		said[flagName(a)] = true
	}
	merged := slices.DeleteFunc(slices.Clone(args), func(a string) bool { return said[flagName(a)] })
	return append(merged, extra...)
}

func flagName(arg string) string {
	name, _, _ := strings.Cut(strings.TrimLeft(arg, "-"), "=")
	return name
}

func (c *Cluster) pki(name string) string { return filepath.Join(c.folder.PKI(), name) }

// writeFrontProxy makes the certificate that aggregated API servers know the API server by. Its
// authority is another than that of the clients, so that no client's certificate passes for it.
func (c *Cluster) writeFrontProxy() error {
	ca, err := certs.LoadOrCreateCA(c.folder.PKI(), "front-proxy-ca")
	if err != nil {
		return err
	}
	client, err := ca.Issue(certs.Client(frontProxy))
	if err != nil {
		return err
	}
	return writePair(c.pki("front-proxy-client"), client)
}

// writeFiles makes the keys, certificates and kubeconfigs of the programs and the user. The
// authorities and the key of the service accounts are kept with the data. All others are new at each
// start.
func (c *Cluster) writeFiles() error {
	ca, err := certs.LoadOrCreateCA(c.folder.PKI(), "ca")
	if err != nil {
		return err
	}
	if err := c.writeFrontProxy(); err != nil {
		return err
	}
	if err := certs.LoadOrCreateKey(c.pki("service-accounts.key")); err != nil {
		return err
	}
	serving, err := ca.Issue(certs.Server(APIServer,
		[]string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"},
		[]net.IP{ports.Loopback.AsSlice(), serviceIP}))
	if err != nil {
		return err
	}
	if err := writePair(c.pki("kube-apiserver"), serving); err != nil {
		return err
	}
	manager, err := ca.Issue(certs.Client("system:kube-controller-manager"))
	if err != nil {
		return err
	}
	if err := c.writeKubeconfig(c.pki("kube-controller-manager.kubeconfig"), ca, manager); err != nil {
		return err
	}
	if c.options.Kubelet {
		if err := c.writeKubeletFiles(ca); err != nil {
			return err
		}
	}
	admin, err := ca.Issue(certs.Client("devcluster-admin", "system:masters"))
	if err != nil {
		return err
	}
	c.probe, err = newProbe(c.Server(), ca, admin)
	if err != nil {
		return err
	}
	return c.writeKubeconfig(c.folder.Kubeconfig(), ca, admin)
}

func (c *Cluster) writeKubeconfig(path string, ca *certs.CA, p certs.Pair) error {
	return kubeconfig.Write(path, kubeconfig.Entry{Server: c.Server(), CA: ca.PEM(), Cert: p.Cert, Key: p.Key})
}
