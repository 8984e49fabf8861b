package stats_test

import (
	"math"
	"slices"
	"testing"

	"github.com/skiff-k8s/skiff/bench/internal/stats"
)

func TestSummaryIsMedianMinAndMax(t *testing.T) {
	for _, test := range []struct {
		values []float64
		want   stats.Summary
	}{
		{[]float64{7}, stats.Summary{Median: 7, Min: 7, Max: 7, Runs: 1}},
		{[]float64{9, 1}, stats.Summary{Median: 5, Min: 1, Max: 9, Runs: 2}},
		{[]float64{100, 3, 1, 2, 2.5}, stats.Summary{Median: 2.5, Min: 1, Max: 100, Runs: 5}},
		{[]float64{4, 1, 3, 2}, stats.Summary{Median: 2.5, Min: 1, Max: 4, Runs: 4}},
	} {
		before := slices.Clone(test.values)
		if got := stats.Summarize(test.values); got != test.want {
			t.Errorf("Summarize(%v) = %+v, want %+v", test.values, got, test.want)
		}
		if !slices.Equal(before, test.values) {
			t.Errorf("Summarize changed its argument to %v", test.values)
		}
	}
}

func TestQuantileIsTheNearestRank(t *testing.T) {
	hundred := make([]float64, 100)
	for i := range hundred {
		hundred[i] = float64(100 - i) // 100 … 1
	}
	for _, test := range []struct {
		values []float64
		q      float64
		want   float64
	}{
		{hundred, 0.5, 50},
		{hundred, 0.99, 99},
		{hundred, 1, 100},
		{hundred, 0, 1},
		{[]float64{3}, 0.99, 3},
		{[]float64{2, 1}, 0.5, 1},
	} {
		if got := stats.Quantile(test.values, test.q); got != test.want {
			t.Errorf("Quantile of %d values at %v = %v, want %v", len(test.values), test.q, got, test.want)
		}
	}
	if got := stats.Quantile(nil, 0.5); !math.IsNaN(got) {
		t.Errorf("Quantile of nothing = %v, want NaN", got)
	}
}

func TestSamplesAreKeptBySide(t *testing.T) {
	s := stats.Samples{}
	s.Add("heap", stats.Skiff, 1)
	s.Add("heap", stats.ClientGo, 10)
	s.Add("heap", stats.ClientGo, 30)
	s.Add("cpu", stats.Skiff, 5)

	if got, ok := s.Summary("heap", stats.ClientGo); !ok || got.Median != 20 || got.Runs != 2 {
		t.Errorf("client-go's heap is %+v, %v, want the median 20 of 2 runs", got, ok)
	}
	if got, ok := s.Summary("cpu", stats.ClientGo); ok {
		t.Errorf("client-go's cpu was never measured, and is %+v", got)
	}
	if got, want := s.Names(), []string{"cpu", "heap"}; !slices.Equal(got, want) {
		t.Errorf("the figures are %v, want %v", got, want)
	}
}
