package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

func runTiny(t *testing.T, dir string, o options) (lines []string, ok bool) {
	t.Helper()
	o.targets = filepath.Join("testdata", dir, "targets.txt")
	o.workers = 2
	if o.only == nil {
		o.only = regexp.MustCompile("")
	}
	var out bytes.Buffer
	ok, err := run(context.Background(), &out, filepath.Join("testdata", dir), o)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(out.String()), "\n"), ok
}

func contains(t *testing.T, lines []string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !slices.Contains(lines, w) {
			t.Errorf("no line %q in\n%s", w, strings.Join(lines, "\n"))
		}
	}
}

// What becomes of each kind of mutant: of a constant, of one that must be a constant, of one that
// others see, of a time, of a comparison, of a loop, and of what no test runs.
func TestWhatBecomesOfMutants(t *testing.T) {
	before, err := os.ReadFile("testdata/tiny/bounds/tiny.go")
	if err != nil {
		t.Fatal(err)
	}
	lines, ok := runTiny(t, "tiny", options{verbose: true})
	if ok {
		t.Error("a run with survivors succeeds")
	}
	contains(t, lines,
		"bounds/tiny.go:7: 8 << 1 → (8 << 1) - 1: killed (1 tests)",
		"bounds/tiny.go:7: 8 << 1 → (8 << 1) + 1: killed (1 tests)",
		"bounds/tiny.go:8: 4 → 3: killed (3 tests)",
		"bounds/tiny.go:9: 3 → 2: SURVIVED (4 tests)",
		"bounds/tiny.go:9: 3 → 4: SURVIVED (4 tests)",
		"bounds/tiny.go:10: 9 → 8: killed (3 tests)",
		"bounds/tiny.go:10: 9 → 10: killed (3 tests)",
		"bounds/tiny.go:14: 7 → 6: killed (3 tests)",
		"bounds/tiny.go:14: 7 → 8: killed (3 tests)",
		"bounds/tiny.go:16: 5 → 4: killed (1 tests)",
		"bounds/tiny.go:16: 5 → 6: killed (1 tests)",
		"bounds/tiny.go:20: n < limit → <=: killed (1 tests)",
		"bounds/tiny.go:22: n >= 1<<loose → >: SURVIVED (0 tests)",
		"bounds/tiny.go:24: d > patience → >=: killed (1 tests)",
		"bounds/tiny.go:26: n == -1 → !=: killed (1 tests)",
		"bounds/tiny.go:26: 1 → 0: killed (1 tests)",
		"bounds/tiny.go:29: 2 → 1: killed (1 tests)",
		"bounds/tiny.go:29: 2 → 3: killed by time-out (1 tests)",
		"bounds/tiny.go:44: n > 100 → >=: SURVIVED (0 tests)",
		"bounds/tiny.go:50: 1 << 10 → (1 << 10) - 1: killed (4 tests)",
		"bounds/tiny.go:50: 1 << 10 → (1 << 10) + 1: killed (4 tests)",
		"  bounds/tiny.go:8: tuning: nobody looks beyond",
		"  bounds/tiny.go:38: equal: a slice of no bytes beside one of none is the same to whoever reads it",
	)
	for _, line := range lines {
		if strings.Contains(line, "other.go") || strings.Contains(line, "tiny.go:48") || strings.Contains(line, "4 → 5") {
			t.Errorf("%q is tried", line)
		}
	}
	after, err := os.ReadFile("testdata/tiny/bounds/tiny.go")
	if err != nil || !bytes.Equal(before, after) {
		t.Errorf("the source was changed (%v)", err)
	}
}

func TestMarksThatAreWrong(t *testing.T) {
	lines, ok := runTiny(t, "wrong", options{list: true})
	if ok {
		t.Error("wrong marks are accepted")
	}
	contains(t, lines,
		"wrong.go:3: a mark without a reason",
		"wrong.go:5: a mark without a mutant ",
		"wrong.go:7: a mark is mutants:tuning or mutants:equal",
		"wrong.go:10: a mark without a mutant <=",
	)
}

// A mark is wrong if tests notice its mutants.
func TestMarksThatTestsContradict(t *testing.T) {
	lines, ok := runTiny(t, "tiny", options{marked: true, verbose: true})
	if ok {
		t.Error("a mark whose mutant is killed is accepted")
	}
	contains(t, lines,
		"bounds/tiny.go:8: 4 → 5: killed (3 tests)",
		"bounds/tiny.go:8: a mark whose mutants are all killed",
	)
}

// The order of a sample depends on its seed alone.
func TestASampleCanBeRepeated(t *testing.T) {
	order := func(seed uint64) string {
		lines, _ := runTiny(t, "tiny", options{verbose: true, limit: time.Hour, seed: seed, workers: 1,
			only: regexp.MustCompile(`:(7|20|22|24|26):`)})
		slices.Sort(lines[1 : len(lines)-2]) // two workers
		return strings.Join(lines[:len(lines)-2], "\n")
	}
	one := order(1)
	if again := order(1); again != one {
		t.Errorf("not the same:\n%s\n%s", one, again)
	}
	if !strings.HasPrefix(one, "mutants: a sample of ") || !strings.Contains(one, "seed 1") {
		t.Errorf("the seed is not printed:\n%s", one)
	}
	s := &session{options: options{limit: time.Second, only: regexp.MustCompile("")}, out: new(bytes.Buffer)}
	for i := range 50 {
		s.mutants = append(s.mutants, &mutant{id: i, source: &source{}})
	}
	shuffled := func(seed uint64) (ids []int) {
		s.seed = seed
		for _, m := range s.choose() {
			ids = append(ids, m.id)
		}
		return ids
	}
	if !slices.Equal(shuffled(1), shuffled(1)) || slices.Equal(shuffled(1), shuffled(2)) {
		t.Error("the order does not follow the seed")
	}
}

// A run that tries no mutant fails, and says why: it would say the same of tests that notice nothing.
func TestARunThatTriesNoMutantFails(t *testing.T) {
	for name, o := range map[string]options{
		"no time":        {limit: time.Nanosecond},
		"no such mutant": {only: regexp.MustCompile("^elsewhere/")},
		"neither":        {only: regexp.MustCompile("^elsewhere/"), limit: time.Hour},
	} {
		lines, ok := runTiny(t, "tiny", o)
		if ok {
			t.Errorf("%s: a run that tries no mutant succeeds:\n%s", name, strings.Join(lines, "\n"))
		}
		contains(t, lines, "mutants: no mutant was tried: the time is too short, or the expression matches none")
	}
}

// The limit of a sample's time holds while the tests are run once: a package that takes too long is
// named, and the mutants of the others are tried.
func TestTheLimitOfASampleHolds(t *testing.T) {
	const limit = 30 * time.Second
	start := time.Now()
	lines, ok := runTiny(t, "slow", options{limit: limit, verbose: true})
	if took := time.Since(start); took > limit+10*time.Second {
		t.Errorf("a sample of %v takes %v", limit, took)
	}
	if !ok {
		t.Errorf("the sample fails:\n%s", strings.Join(lines, "\n"))
	}
	contains(t, lines,
		"long: not compiled and run once in two thirds of the time; no mutant that its tests must notice is tried",
		"quick/quick.go:3: n < 7 → <=: killed (1 tests)",
	)
	for _, line := range lines {
		if strings.Contains(line, "long.go") {
			t.Errorf("%q is tried", line)
		}
	}
}
