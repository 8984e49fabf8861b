package skifftest_test

import (
	"testing"

	"github.com/skiff-k8s/skiff/skifftest"
	"github.com/skiff-k8s/skiff/skifftest/conformance"
)

// The suite that describes the control plane runs on the server in memory.
func TestConformance(t *testing.T) {
	s := skifftest.New(t)
	conformance.Run(t, conformance.Target{
		Name: "skifftest", Config: s.Config(), Differences: conformance.Differences,
		Expire:  func(testing.TB) { s.Compact() },
		Collect: func(testing.TB) { s.CollectGarbage() },
	})
}
