package conformance_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/skifftest/conformance"
)

func TestMain(m *testing.M) { controlplane.Main(m) }

// TestControlPlane runs the suite on the real control plane, which it describes. Of the controllers
// only those run whose work a client sees as the API server's: the end of namespaces, and garbage
// collection. (devcluster waits for the service account of the namespace default.)
func TestControlPlane(t *testing.T) {
	cluster := start(t,
		controlplane.WithAPIServerArgs("--disable-admission-plugins=ServiceAccount"),
		controlplane.WithControllerManagerArgs("--controllers=serviceaccount-controller,garbage-collector-controller,namespace-controller"))
	conformance.Run(t, conformance.Target{Name: "controlplane", Config: cluster.Config()})
}

// start returns the control plane of this package's tests. In a clone where nobody has built
// devcluster, the test is skipped; `make test` builds it and takes a skipped test for a failure.
func start(t *testing.T, opts ...controlplane.Option) *controlplane.Cluster {
	t.Helper()
	wants := &attempt{T: t}
	cluster := controlplane.Start(wants, opts...)
	switch {
	case wants.failure == "":
	case strings.Contains(wants.failure, controlplane.ErrNoBinary.Error()):
		t.Skip(wants.failure)
	default:
		t.Fatal(wants.failure)
	}
	return cluster
}

// attempt is a test that goes on after a failure, and keeps its message.
type attempt struct {
	*testing.T
	failure string
}

func (a *attempt) Fatalf(format string, args ...any) { a.failure = fmt.Sprintf(format, args...) }
