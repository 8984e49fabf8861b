package operator_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
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

// The alert rules of docs/operating.md are YAML, and each has an expression.
func TestTheAlertsAreRules(t *testing.T) {
	data, err := os.ReadFile("../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	_, block, _ := strings.Cut(string(data), "```yaml\n")
	block, _, _ = strings.Cut(block, "```")
	var rules struct {
		Groups []struct {
			Name  string
			Rules []struct {
				Alert, Expr, For string
				Annotations      map[string]string
			}
		}
	}
	if err := yaml.UnmarshalStrict([]byte(block), &rules); err != nil {
		t.Fatal(err)
	}
	if len(rules.Groups) != 1 || len(rules.Groups[0].Rules) < 8 {
		t.Fatalf("the rules are %+v", rules)
	}
	for _, r := range rules.Groups[0].Rules {
		if r.Alert == "" || r.Expr == "" {
			t.Errorf("a rule is %+v", r)
		}
	}
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
