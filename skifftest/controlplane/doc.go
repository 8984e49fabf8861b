// Package controlplane runs a real Kubernetes control plane (API server, etcd, controller manager)
// for a test or a demo. There are no kubelets: Pods stay Pending.
//
// A test asks for the cluster that all tests of its package share, and for a namespace of its own:
//
//	func TestMain(m *testing.M) { controlplane.Main(m) }
//
//	func TestSomething(t *testing.T) {
//		cluster := controlplane.Start(t)
//		c, err := rest.NewClient(cluster.Config())
//		namespace := cluster.Namespace(t)
//		…
//	}
//
// A test that breaks its cluster takes one for itself with [New]. A program uses [Run].
//
// The control plane is the devcluster binary, which `make devcluster` builds. It is looked for in
// $SKIFF_DEVCLUSTER, then as bin/devcluster in the root of the skiff repository around the working
// directory, then in $PATH. Where it is missing a test fails and says so; nothing is skipped.
//
// The cluster ends with the process that started it, also when that is killed: devcluster reads a
// pipe from it and stops at its end.
package controlplane
