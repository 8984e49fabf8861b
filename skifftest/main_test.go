package skifftest_test

import (
	"testing"

	"github.com/skiff-k8s/skiff/controlplane"
)

func TestMain(m *testing.M) { controlplane.Main(m) }
