package kubectl

import (
	"fmt"
	"strings"
	"time"

	"github.com/skiff-k8s/skiff/bench/internal/report"
	"github.com/skiff-k8s/skiff/bench/internal/stats"
)

// Name is the name of the section in RESULTS.md.
const Name = "kubectl"

// row is a figure of the section.
type row struct {
	figure, title string
	unit          report.Unit
	most          float64 // how much of kubectl's median skiff's may be; 0 means no limit
	must          string
}

var rows = []row{
	{listRSS, "peak RSS of `get pods -A`", report.Bytes, 1.0 / 4, "at most 1/4"},
	{listWall, "time of `get pods -A`", report.Seconds, 1.05, "at most 1.05"},
	{listCPU, "CPU of `get pods -A`", report.Seconds, 0, ""},
	{versionWall, "time of `version --client`", report.Seconds, 1.0 / 3, "at most 1/3"},
	{size, "size of the program", report.Bytes, 1.0 / 2, "at most 1/2"},
}

// Section returns the section of RESULTS.md, with its title. version is the Kubernetes version that
// kubectl was built from.
func (b *Bench) Section(machine, version string, date time.Time) string {
	var s strings.Builder
	fmt.Fprintf(&s, "## skiff beside kubectl\n\nWritten by `make bench-kubectl` on %s; do not edit. "+
		"`skiff get pods -A` and kubectl %s's, built with the same flags from k8s.io/kubernetes, ran %d times each by turns, "+
		"against a control plane with %s pods, with the output to /dev/null and discovery cached. "+
		"The figures are medians, with the least and the most in brackets. Machine: %s.\n\n",
		date.UTC().Format(time.DateOnly), version, b.Runs, report.Count.Format(float64(b.Pods)), machine)
	fmt.Fprintf(&s, "| | skiff | kubectl | skiff to kubectl | must be | |\n|---|---:|---:|---:|---|---|\n")
	for _, r := range rows {
		ratio, verdict := r.judge(b)
		fmt.Fprintf(&s, "| %s | %s | %s | %.3f | %s | %s |\n", r.title, r.cell(b, skiff), r.cell(b, kubectl), ratio, r.must, verdict)
	}
	return s.String()
}

// Missed returns the figures that are over their limits.
func (b *Bench) Missed() []string {
	var missed []string
	for _, r := range rows {
		if ratio, verdict := r.judge(b); verdict == "missed" {
			missed = append(missed, fmt.Sprintf("%s: %.3f of kubectl's, must be %s", r.title, ratio, r.must))
		}
	}
	return missed
}

// judge returns the ratio of the medians, and whether it keeps to the limit.
func (r row) judge(b *Bench) (ratio float64, verdict string) {
	ours, _ := b.Samples.Summary(r.figure, skiff)
	theirs, _ := b.Samples.Summary(r.figure, kubectl)
	ratio = ours.Median / theirs.Median
	switch {
	case r.most == 0:
		return ratio, ""
	case ratio <= r.most:
		return ratio, "met"
	}
	return ratio, "missed"
}

// cell returns a median with the least and the most.
func (r row) cell(b *Bench, side stats.Side) string {
	s, _ := b.Samples.Summary(r.figure, side)
	median, low, high := r.unit.Format(s.Median), r.unit.Format(s.Min), r.unit.Format(s.Max)
	if low == high {
		return median
	}
	return fmt.Sprintf("%s (%s – %s)", median, low, high)
}
