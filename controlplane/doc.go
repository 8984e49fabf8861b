// Package controlplane runs a real Kubernetes control plane for a test or a demo: kube-apiserver,
// etcd and kube-controller-manager. There is no kubelet, so Pods stay Pending, unless [WithKubelet]
// starts one whose containers are scripts.
//
// All tests of a package share one control plane ([Start], [Main]), and each test has a namespace of
// its own ([Cluster.Namespace]):
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
// A test that stops or restarts components starts a control plane of its own with [New]. A program
// that is no test uses [Run].
//
// Definitions and webhooks of an operator are installed by [WithCRDs] and [WithWebhooks].
//
// # The binaries
//
// The control plane is the devcluster binary. In any module, and once for all of them, this builds it;
// the first build takes some minutes:
//
//	go run github.com/skiff-k8s/skiff/tools/devcluster@latest
//
// In a clone of skiff it is `make devcluster`. Or it is the binaries in the folder $KUBEBUILDER_ASSETS,
// such as those that setup-envtest downloads. This package takes the first that is there of:
//
//  1. the path in $SKIFF_DEVCLUSTER;
//  2. bin/devcluster in the root of the skiff repository around the working directory;
//  3. the folder in $KUBEBUILDER_ASSETS;
//  4. devcluster in $PATH;
//  5. devcluster in the folder of go install: $GOBIN, or bin in $GOPATH, or go/bin in the home folder.
//
// If one of the variables names something that is not there, that is an error, and the rest is not
// tried.
//
// Without binaries, each test that asks for a control plane fails with the command that builds
// devcluster; the other tests of the package run. With go test's -short flag the tests that ask for a
// control plane are skipped, and Main prints how many there were.
//
// # The binaries of $KUBEBUILDER_ASSETS
//
// The folder, an absolute path, has etcd and kube-apiserver, and may have kube-controller-manager. The
// versions 1.34, 1.36 and 1.37 were tried; `devcluster assets` makes a folder of all three. envtest's has no
// kube-controller-manager, and without it
//
//   - nothing is garbage-collected: dependents stay when their owner is deleted;
//   - a namespace that is deleted stays Terminating, with what is in it;
//   - no service accounts are created, so the admission plugin ServiceAccount, which refuses a pod
//     without one, is disabled.
//
// [WithKubelet] is refused, and so is [WithControllerManagerArgs] without a kube-controller-manager.
// There is no front proxy's certificate, so aggregated APIs do not work. On Windows these binaries are
// not run.
//
// # A cluster that is there
//
// With $SKIFF_TEST_KUBECONFIG [Start] uses the cluster of that kubeconfig and needs no binary. Tests
// write to it, so $SKIFF_TEST_CONTEXT has to name the kubeconfig's current context:
//
//	SKIFF_TEST_KUBECONFIG=$PWD/kind.kubeconfig SKIFF_TEST_CONTEXT=kind-tests go test ./...
//
// The path is absolute, because go test runs each package's tests in the package's folder.
//
// [New] and [Run] still start a control plane of their own: its components can be stopped.
//
// # Lifetime
//
// A control plane ends with the process that started it, also if that process is killed: devcluster
// reads a pipe from it and stops at the end of that. The binaries of $KUBEBUILDER_ASSETS are killed by
// a shell that reads such a pipe, which removes their temporary data too, and on Linux by the kernel
// as well.
package controlplane
