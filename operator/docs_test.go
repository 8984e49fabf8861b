package operator_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// seriesOf returns the names of series in docs/operating.md.
func seriesOf(t *testing.T) []string {
	t.Helper()
	data, err := os.ReadFile("../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile(`\b(?:skiff|workqueue|controller_runtime|rest_client|leader_election_master|go_memstats)_[a-z_]+`).
		FindAllString(string(data), -1)
	slices.Sort(names)
	if names = slices.Compact(names); len(names) < 35 {
		t.Fatalf("docs/operating.md names only %d series: this test does not read it right", len(names))
	}
	return names
}

// The program that docs/operating.md shows is the compiled one, which its tests run.
func TestTheDocsShowTheExample(t *testing.T) {
	data, err := os.ReadFile("../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile("examples/names/main.go")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(data), "```go\n"+string(program)+"```\n") {
		t.Error("docs/operating.md does not show examples/names/main.go: copy the file")
	}
}
