// Package report makes the published files from the measurements: results.json for programs,
// RESULTS.md for people, charts for the README.
package report

import (
	"encoding/json"
	"time"

	"github.com/skiff-k8s/skiff/bench/internal/stats"
)

// Report is the result of one run of the bench.
type Report struct {
	Machine  string // what it ran on, in one line
	Date     time.Time
	Quick    bool     // fewer runs than published figures need
	Runs     int      // of each side
	Workload []string // what was measured with, a line each, as Markdown
	Remarks  []string // what a reader must know beside the tables, a paragraph each, as Markdown
	Samples  stats.Samples
	Took     time.Duration
}

// result is a figure in results.json: the medians, or null.
type result struct {
	Skiff    *float64 `json:"skiff"`
	ClientGo *float64 `json:"client_go"`
	Unit     Unit     `json:"unit"`
}

// JSON returns results.json: the medians of skiff and client-go, by figure. A side that was not
// measured is null. A figure that neither side was measured for is left out.
func (r *Report) JSON() ([]byte, error) {
	figures := map[string]result{}
	for _, f := range all() {
		skiff, clientGo := r.median(f.Name, stats.Skiff), r.median(f.Name, stats.ClientGo)
		if skiff == nil && clientGo == nil {
			continue
		}
		figures[f.Name] = result{Skiff: skiff, ClientGo: clientGo, Unit: f.Unit}
	}
	return marshal(map[string]any{
		"machine": r.Machine,
		"date":    r.Date.UTC().Format(time.RFC3339),
		"figures": figures,
	})
}

// SamplesJSON returns every value, by figure and side, in the order of the runs.
func (r *Report) SamplesJSON() ([]byte, error) {
	return marshal(map[string]any{
		"machine": r.Machine,
		"date":    r.Date.UTC().Format(time.RFC3339),
		"samples": r.Samples,
	})
}

func (r *Report) median(figure string, side stats.Side) *float64 {
	s, ok := r.Samples.Summary(figure, side)
	if !ok {
		return nil
	}
	return &s.Median
}

func marshal(v any) ([]byte, error) {
	data, err := json.MarshalIndent(v, "", "  ")
	return append(data, '\n'), err
}
