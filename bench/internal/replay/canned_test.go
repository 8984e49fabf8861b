package replay

import (
	"strings"
	"testing"

	"github.com/skiff-k8s/skiff/bench/internal/workload"
)

// Of two resources and formats, what is held ready is what was asked for.
func TestOneListIsHeldReady(t *testing.T) {
	w := workload.New(workload.Config{Pods: 100})
	sources := []workload.Source{w.Pods, w.Databases}
	for can, want := range map[string]string{
		"":               "pods/protobuf pods/json databases/json",
		"pods/protobuf":  "pods/protobuf",
		"pods/json":      "pods/json",
		"databases/json": "databases/json",
	} {
		server, err := Start(sources, Options{Can: can})
		if err != nil {
			t.Fatal(err)
		}
		var ready []string
		for _, r := range server.resources {
			for _, f := range formats {
				if r.canned[f] != nil {
					ready = append(ready, r.info.Resource+"/"+f.String())
				}
			}
		}
		if got := strings.Join(ready, " "); got != want {
			t.Errorf("asked for %q, ready are %q, want %q", can, got, want)
		}
		server.Close()
	}
	for _, can := range []string{"pods", "databases/protobuf", "nodes/json"} {
		if _, err := Start(sources, Options{Can: can}); err == nil || !strings.Contains(err.Error(), can) {
			t.Errorf("asked for %q, which there is not: %v", can, err)
		}
	}
}
