package run

import "testing"

// A server holds one list ready and makes every other while it is asked for, on the processors that are
// being measured: so the ready one must be what the runner with those arguments asks for.
func TestListForTheRunnersArguments(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, "pods/protobuf"},
		{[]string{"--resource", "pods"}, "pods/protobuf"},
		{[]string{"--resource", "pods", "--dynamic"}, "pods/json"},
		{[]string{"--dynamic", "--resource", "nodes"}, "nodes/json"},
		{[]string{"--resource", "endpointslices", "--variant", "decoded"}, "endpointslices/protobuf"},
		{[]string{"--resource", "configmaps", "--json"}, "configmaps/json"},
		{[]string{"--resource", "databases"}, "databases/json"}, // custom resources have no protobuf
		{[]string{"--resource", "databases", "--dynamic"}, "databases/json"},
	} {
		if got := listFor(c.args); got != c.want {
			t.Errorf("listFor(%q) = %s, want %s", c.args, got, c.want)
		}
	}
}
