package outages

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

var (
	runs  = flag.Int("runs", 1, "how often each side plays each scenario; the table has the medians")
	write = flag.String("write", "", "the document whose table is replaced")
	only  = flag.String("only", "", "play the scenarios whose name has this in it")
)

// limits are what skiff promises in every scenario.
const (
	maxAfter = 2 * time.Minute // unless the scenario has a bound of its own
	maxBurst = 10
)

// TestEveryOutage plays every scenario to skiff, and asserts what skiff promises. What client-go does is
// for the document only: it is played to client-go when that is written, and else the first, which shows
// that client-go's side works.
func TestEveryOutage(t *testing.T) {
	var rows []string
	for i, s := range scenarios {
		if !strings.Contains(s.name, *only) {
			continue
		}
		row := "| " + s.name + " |"
		for _, with := range sides {
			if with.name != "skiff" && *write == "" && *only == "" && i > 0 {
				continue
			}
			t.Run(with.name+"/"+s.name, func(t *testing.T) {
				results := make([]result, *runs)
				for i := range results {
					results[i] = run(t, s, with)
					t.Logf("%+v", results[i])
					if with.name == "skiff" {
						check(t, s, results[i])
					}
				}
				row += cells(results)
			})
		}
		rows = append(rows, row)
	}
	if *write != "" && !t.Failed() {
		replaceTable(t, *write, rows)
	}
}

func check(t *testing.T, s scenario, r result) {
	t.Helper()
	if within := cmp.Or(s.within, maxAfter); r.Never || r.After > within {
		t.Errorf("the cache was right after %s (never: %v), want at most %s", r.After, r.Never, within)
	}
	if r.Burst > maxBurst {
		t.Errorf("%d requests came within a second, want at most %d", r.Burst, maxBurst)
	}
	if r.Requests > 0 && r.Lines == 0 && r.After > 10*time.Second {
		t.Error("nothing was logged")
	}
}

// cells returns a side's columns: medians.
func cells(results []result) string {
	median := func(of func(result) float64) float64 {
		values := make([]float64, len(results))
		for i, r := range results {
			values[i] = of(r)
		}
		slices.Sort(values)
		return values[len(values)/2]
	}
	after := "never"
	if never := median(func(r result) float64 {
		if r.Never {
			return 1
		}
		return 0
	}); never == 0 {
		after = seconds(median(func(r result) float64 { return r.After.Seconds() }))
	}
	return fmt.Sprintf(" %s | %.0f (%.0f) | %.0f |", after,
		median(func(r result) float64 { return float64(r.Requests) }),
		median(func(r result) float64 { return float64(r.Burst) }),
		median(func(r result) float64 { return float64(r.Lines) }))
}

func seconds(s float64) string {
	switch {
	case s < 10:
		return fmt.Sprintf("%.1f s", s)
	case s < 120:
		return fmt.Sprintf("%.0f s", s)
	}
	return fmt.Sprintf("%.0f min", s/60)
}

const (
	tableBegins = "<!-- made by make faults: begin -->\n"
	tableEnds   = "<!-- made by make faults: end -->\n"
	heading     = "| the server | skiff: cache right after | requests (in the worst second) | log lines |" +
		" client-go: cache right after | requests (in the worst second) | log lines |\n" +
		"|---|---|---|---|---|---|---|\n"
)

func replaceTable(t *testing.T, path string, rows []string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), tableBegins)
	_, after, ok2 := strings.Cut(rest, tableEnds)
	if !ok || !ok2 {
		t.Fatalf("%s has no table between %q and %q", path, tableBegins, tableEnds)
	}
	table := heading + strings.Join(rows, "\n") + "\n"
	if err := os.WriteFile(path, []byte(before+tableBegins+table+tableEnds+after), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestTheDocumentHasEveryOutage holds docs/faults.md to the list of scenarios.
func TestTheDocumentHasEveryOutage(t *testing.T) {
	text, err := os.ReadFile("../../../docs/faults.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range scenarios {
		if !strings.Contains(string(text), "\n| "+s.name+" |") {
			t.Errorf("docs/faults.md has no row %q: run make faults", s.name)
		}
	}
}
