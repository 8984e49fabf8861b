// Package stats holds the measurements of all runs, and computes the median, minimum and maximum of
// each figure.
package stats

import (
	"maps"
	"math"
	"slices"
)

// Side is a library, or a variant of one, that is measured.
type Side string

// The sides.
const (
	Skiff             Side = "skiff"
	SkiffUndecoded    Side = "skiff_undecoded" // nothing stays decoded
	SkiffDecoded      Side = "skiff_decoded"   // everything stays decoded
	ClientGo          Side = "client_go"
	ClientGoStripped  Side = "client_go_stripped" // managedFields dropped by a transform
	ControllerRuntime Side = "controller_runtime"
)

// Samples are the values of each figure by side, in the order of measurement. The zero value is nil
// and can only be read; use make.
type Samples map[string]map[Side][]float64

// Add adds one value.
func (s Samples) Add(figure string, side Side, value float64) {
	if s[figure] == nil {
		s[figure] = map[Side][]float64{}
	}
	s[figure][side] = append(s[figure][side], value)
}

// Summary returns the summary of a figure, and reports whether it was measured.
func (s Samples) Summary(figure string, side Side) (Summary, bool) {
	values := s[figure][side]
	if len(values) == 0 {
		return Summary{}, false
	}
	return Summarize(values), true
}

// Names returns the figures that were measured, sorted.
func (s Samples) Names() []string { return slices.Sorted(maps.Keys(s)) }

// Summary is what several runs come to.
type Summary struct {
	Median, Min, Max float64
	Runs             int
}

// Summarize returns the summary of values, which must have at least one. It does not change them.
func Summarize(values []float64) Summary {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return Summary{
		Median: (sorted[(n-1)/2] + sorted[n/2]) / 2,
		Min:    sorted[0],
		Max:    sorted[n-1],
		Runs:   n,
	}
}

// Quantile returns the value that the share q of values does not exceed (the nearest-rank method):
// 0.5 is the lower median, 1 the largest. It is NaN if there are no values, and does not change
// them.
func Quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	rank := int(math.Ceil(q*float64(len(sorted)))) - 1
	return sorted[min(max(rank, 0), len(sorted)-1)]
}
