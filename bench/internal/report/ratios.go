package report

import (
	"fmt"
	"strings"

	"github.com/skiff-k8s/skiff/bench/internal/stats"
)

// Ratios is a table of two sides whose medians are compared, in a section of RESULTS.md.
type Ratios struct {
	Samples      stats.Samples
	Ours, Theirs stats.Side
	Rows         []Row
}

// Row is a figure of such a table.
type Row struct {
	Figure, Title string
	Unit          Unit
	Most          float64 // how much of their median ours may be; 0 means no limit
	Must          string  // the same in words
}

// Table returns the table, as Markdown.
func (t Ratios) Table() string {
	var s strings.Builder
	fmt.Fprintf(&s, "| | %s | %s | %s to %s | must be | |\n|---|---:|---:|---:|---|---|\n", t.Ours, t.Theirs, t.Ours, t.Theirs)
	for _, r := range t.Rows {
		ratio, verdict := t.judge(r)
		fmt.Fprintf(&s, "| %s | %s | %s | %.3f | %s | %s |\n", r.Title, t.cell(r, t.Ours), t.cell(r, t.Theirs), ratio, r.Must, verdict)
	}
	return s.String()
}

// Missed returns the figures that are over their limits.
func (t Ratios) Missed() []string {
	var missed []string
	for _, r := range t.Rows {
		if ratio, verdict := t.judge(r); verdict == "missed" {
			missed = append(missed, fmt.Sprintf("%s: %.3f of %s's, must be %s", r.Title, ratio, t.Theirs, r.Must))
		}
	}
	return missed
}

// judge returns the ratio of the medians, and whether it keeps to the limit.
func (t Ratios) judge(r Row) (ratio float64, verdict string) {
	ours, _ := t.Samples.Summary(r.Figure, t.Ours)
	theirs, _ := t.Samples.Summary(r.Figure, t.Theirs)
	ratio = ours.Median / theirs.Median
	switch {
	case r.Most == 0:
		return ratio, ""
	case ratio <= r.Most:
		return ratio, "met"
	}
	return ratio, "missed"
}

// cell returns a median with the least and the most.
func (t Ratios) cell(r Row, side stats.Side) string {
	s, _ := t.Samples.Summary(r.Figure, side)
	median, low, high := r.Unit.Format(s.Median), r.Unit.Format(s.Min), r.Unit.Format(s.Max)
	if low == high {
		return median
	}
	return fmt.Sprintf("%s (%s – %s)", median, low, high)
}
