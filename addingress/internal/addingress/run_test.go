package addingress

import (
	"testing"

	"github.com/skiff-k8s/skiff/controller"
)

// The zero Config is that of the operator without flags: each 0 is replaced by its default, and a
// negative number stays.
func TestZeroConfigIsTheDefault(t *testing.T) {
	var zero Config
	zero.defaults()
	want := DefaultConfig()
	if zero.Hosts.String() != want.Hosts.String() {
		t.Errorf("hosts are %s, want %s", zero.Hosts, want.Hosts)
	}
	zero.Hosts, want.Hosts = nil, nil
	if zero.Instance != DefaultInstance || zero.Workers != DefaultWorkers || zero.Resync != DefaultResync ||
		zero.MaxRetries != controller.RetryForever || zero.DrainTimeout != controller.DefaultDrainTimeout || zero.Logger == nil {
		t.Errorf("got %+v, want %+v", zero, want)
	}
	off := Config{MaxRetries: -1, Resync: -1, DrainTimeout: -1}
	off.defaults()
	if off.MaxRetries != -1 || off.Resync != -1 || off.DrainTimeout != -1 {
		t.Errorf("what is off became %+v", off)
	}
}
