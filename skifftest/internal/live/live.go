// Package live gives the tests of skifftest a control plane to compare with.
package live

import (
	"errors"
	"testing"

	"github.com/skiff-k8s/skiff/controlplane"
)

// Cluster returns the control plane that the tests of a package share: see [controlplane.Start].
// Without a devcluster binary it skips the test, with the command that builds one, so that a fresh
// clone's tests pass. `make test` builds the binary first, and fails if a test is skipped.
func Cluster(t *testing.T, opts ...controlplane.Option) *controlplane.Cluster {
	t.Helper()
	return controlplane.Start(orSkip{t}, opts...)
}

// orSkip skips the test where it would fail for want of a binary.
type orSkip struct{ controlplane.TB }

func (t orSkip) Fatalf(format string, args ...any) {
	t.Helper()
	for _, arg := range args {
		if err, ok := arg.(error); ok && errors.Is(err, controlplane.ErrNoBinary) {
			t.Skipf(format, args...)
			return
		}
	}
	t.TB.Fatalf(format, args...)
}
