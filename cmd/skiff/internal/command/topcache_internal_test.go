package command

import (
	"encoding/json"
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/skiff-k8s/skiff/wire"
)

// The figures are those of bench's last run.
func TestMeasuredKindsAreBenchs(t *testing.T) {
	results, err := os.ReadFile("../../../../bench/results.json")
	if err != nil {
		t.Fatal(err)
	}
	var r struct {
		Figures map[string]struct {
			ClientGo float64 `json:"client_go"`
		}
	}
	if err := json.Unmarshal(results, &r); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("../../../../bench/RESULTS.md")
	if err != nil {
		t.Fatal(err)
	}
	for resource, bench := range map[string]struct{ figure, workload string }{
		"pods":                            {"heap_per_pod_typed", "pods"},
		"configmaps":                      {"heap_per_configmap", "configmaps"},
		"nodes":                           {"heap_per_node", "nodes"},
		"endpointslices.discovery.k8s.io": {"heap_per_endpointslice", "endpointslices"},
		"":                                {"heap_per_cr_typed", "databases"},
	} {
		line := regexp.MustCompile(`(?m)^- [\d,]+ ` + bench.workload + `: ([\d,]+) B each`).FindSubmatch(text)
		if line == nil {
			t.Errorf("bench/RESULTS.md does not tell the size of %s", bench.workload)
			continue
		}
		received, err := strconv.ParseFloat(strings.ReplaceAll(string(line[1]), ",", ""), 64)
		if err != nil {
			t.Fatal(err)
		}
		got := measuredKinds[resource]
		cached := r.Figures[bench.figure].ClientGo
		if math.Abs(got.cached/cached-1) > 0.01 || math.Abs(got.received/received-1) > 0.01 {
			t.Errorf("%s: bench has measured %.0f B cached of %.0f B received; measuredKinds has %v", bench.workload, cached, received, got)
		}
	}
	if len(measuredKinds) != 5 {
		t.Errorf("%d kinds are measured, and 5 compared", len(measuredKinds))
	}
}

// What was not measured gets the least ratio of its format.
func TestClientGosRatio(t *testing.T) {
	for _, c := range []struct {
		resource string
		format   wire.Format
		exact    bool
	}{
		{"pods", wire.Protobuf, true},
		{"pods", wire.JSON, false},
		{"secrets", wire.Protobuf, false},
		{"boats.example.com", wire.JSON, false},
	} {
		ratio, exact := clientGo(c.resource, c.format)
		if exact != c.exact {
			t.Errorf("%s in %s: exact is %v", c.resource, c.format, exact)
		}
		for kind, m := range measuredKinds {
			if !exact && (kind == "") == (c.format == wire.JSON) && m.ratio() < ratio {
				t.Errorf("%s in %s: the ratio %.2f is more than that of %s", c.resource, c.format, ratio, kind)
			}
		}
	}
}

func TestThousands(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 20000: "20,000", 1234567: "1,234,567"} {
		if got := thousands(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}
