package command_test

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestTopCache(t *testing.T) {
	r := newTool(t)
	r.configMaps(30)
	got := r.ok("top-cache", "cm")
	for _, want := range []string{"objects ", " configmaps\n", "\nreceived ", " B each   protobuf, with managedFields\n", "\npacked ", "\nskiff's cache ", "\nclient-go's ", "1.51 times what is received (bench/RESULTS.md): measured for this resource\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("top-cache lacks %q:\n%s", want, got)
		}
	}
	var report struct {
		Objects                               int
		ReceivedBytes, PackedBytes, HeapBytes int64
		ClientGoBytes                         int64
		ClientGoMeasuredForResource           bool
	}
	if err := json.Unmarshal([]byte(r.ok("top-cache", "configmaps", "-o", "json")), &report); err != nil {
		t.Fatal(err)
	}
	if report.Objects < 30 || report.Objects > 31 || report.PackedBytes >= report.ReceivedBytes || report.PackedBytes <= 0 ||
		report.ClientGoBytes < report.ReceivedBytes || !report.ClientGoMeasuredForResource {
		t.Errorf("in the namespace: %+v", report)
	}
	if got := r.ok("top-cache", "priorityclasses", "-o", "yaml"); !strings.Contains(got, "clientGoMeasuredForResource: false\n") {
		t.Errorf("of another resource: %s", got)
	}
	if got := r.ok("top-cache", "deploy"); got != "objects   0      deployments.apps\n" {
		t.Errorf("of nothing: %q", got)
	}
	r.fails(1, []string{"skiff: list configmaps: configmaps is forbidden"}, "top-cache", "cm", "--as", "nobody")
	r.fails(2, []string{"want json or yaml"}, "top-cache", "cm", "-o", "wide")
	r.fails(2, nil, "top-cache")
}
