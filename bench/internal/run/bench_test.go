package run

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/skiff-k8s/skiff/bench/internal/probe"
	"github.com/skiff-k8s/skiff/bench/internal/report"
	"github.com/skiff-k8s/skiff/bench/internal/stats"
)

// Nobody always runs after the same other, and those beside run as often as the scale says.
func TestContendersTakeTurns(t *testing.T) {
	var turns []string
	s := scenario{name: "s", of: both, also: []contender{controllerRuntime},
		do: func(_ *Bench, _ context.Context, c contender) error {
			turns = append(turns, string(c.side))
			return nil
		}}
	b := &Bench{Scale: Scale{Runs: 3, Also: 1}, Progress: new(strings.Builder), Samples: stats.Samples{}}
	if err := b.scenario(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	want := []string{"skiff", "client_go", "controller_runtime", "client_go", "skiff", "skiff", "client_go"}
	if !slices.Equal(turns, want) {
		t.Errorf("the turns were %v, want %v", turns, want)
	}
	if len(both) != 2 {
		t.Errorf("both has become %d", len(both))
	}
}

func TestAFailureNamesTheRunAndTheSideAndEndsTheScenario(t *testing.T) {
	broken, n := errors.New("broken"), 0
	s := scenario{name: "s", of: both, do: func(*Bench, context.Context, contender) error {
		if n++; n == 2 {
			return broken
		}
		return nil
	}}
	b := &Bench{Scale: Scale{Runs: 3}, Progress: new(strings.Builder)}
	err := b.scenario(t.Context(), s)
	if !errors.Is(err, broken) || !strings.Contains(err.Error(), "run 1 of client_go") || n != 2 {
		t.Errorf("after %d turns: %v", n, err)
	}
}

func TestOnlyPicksScenarios(t *testing.T) {
	progress := new(strings.Builder)
	b := &Bench{Only: regexp.MustCompile("^nothing$"), Progress: progress}
	if err := b.Run(t.Context()); err != nil || progress.Len() > 0 {
		t.Errorf("nothing was to be run: %v, %q", err, progress)
	}
}

func TestLatencyIsFromSendingToReception(t *testing.T) {
	sent := map[uint64]int64{7: 1_000_000, 8: 2_000_000}
	got, err := match(sent, probe.Receptions{Versions: []uint64{7, 8, 9}, At: []int64{1_005_000, 2_001_500, 3}})
	if err != nil || !slices.Equal(got, []float64{5, 1.5}) {
		t.Errorf("the latencies are %v µs, %v; want 5 and 1.5, and nothing of what was not sent", got, err)
	}
	if _, err := match(sent, probe.Receptions{Versions: []uint64{7}, At: []int64{1_005_000}}); err == nil {
		t.Error("an event that was never told is no error")
	}
}

// Every read gives a figure that is published.
func TestReadsAreFigures(t *testing.T) {
	for _, p := range processes {
		for _, s := range p.steps {
			if !report.Known(s.figure) {
				t.Errorf("reading %s %s gives %s, which is no figure", s.what, s.pattern, s.figure)
			}
		}
	}
}
