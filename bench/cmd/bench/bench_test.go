package main_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The whole bench, with a handful of objects: every program is built and run, every scenario measures
// something for both sides, and what comes out is what others read.
func TestTheBenchRunsFromEndToEnd(t *testing.T) {
	programs, out := t.TempDir(), t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-o", programs+string(filepath.Separator),
		"../bench", "../replay", "../skiff-runner", "../clientgo-runner", "../ctrl-runner")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, output)
	}
	run := exec.CommandContext(t.Context(), filepath.Join(programs, "bench"), "--smoke", "--repository", "../../..", "--out", out)
	if output, err := run.CombinedOutput(); err != nil {
		t.Fatalf("bench: %v\n%s", err, output)
	}

	var results struct {
		Machine, Date string
		Figures       map[string]struct {
			Skiff    *float64 `json:"skiff"`
			ClientGo *float64 `json:"client_go"`
			Unit     string
		}
	}
	data, err := os.ReadFile(filepath.Join(out, "results.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &results); err != nil {
		t.Fatal(err)
	}
	if results.Machine == "" || results.Date == "" {
		t.Errorf("results.json is of the machine %q at %q", results.Machine, results.Date)
	}
	for _, name := range []string{
		"heap_per_pod_typed", "heap_per_pod_dynamic", "heap_per_cr_typed", "heap_per_cr_dynamic", "heap_per_configmap",
		"heap_per_node", "heap_per_endpointslice", "heap_per_index", "peak_rss_sync", "cpu_sync", "watch_events_proto",
		"cpu_per_event_proto", "watch_events_json", "get_cold", "get_hot", "get_scan", "view_hot", "list_hot",
		"list_all_cold", "heap_after_churn", "latency_p50", "latency_p99", "million_pods_rss", "informer_binary",
		"informer_modules",
	} {
		f, ok := results.Figures[name]
		switch {
		case !ok || f.Skiff == nil || f.Unit == "":
			t.Errorf("%s was not measured: %+v", name, f)
		case name == "million_pods_rss" && f.ClientGo != nil:
			t.Errorf("%s of client-go is %v, and was not to be measured", name, *f.ClientGo)
		case name != "million_pods_rss" && f.ClientGo == nil:
			t.Errorf("%s was not measured for client-go", name)
		}
	}
	for _, file := range []string{"RESULTS.md", "samples.json", "charts/memory.svg", "charts/watch.svg"} {
		data, err := os.ReadFile(filepath.Join(out, file))
		if err != nil {
			t.Error(err)
		}
		for _, secret := range []string{programs, out} {
			if strings.Contains(string(data), secret) {
				t.Errorf("%s names the folder %s", file, secret)
			}
		}
	}
}
