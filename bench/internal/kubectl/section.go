package kubectl

import (
	"fmt"
	"time"

	"github.com/skiff-k8s/skiff/bench/internal/report"
)

// Name is the name of the section in RESULTS.md.
const Name = "kubectl"

// ratios is the section's table.
func (b *Bench) ratios() report.Ratios {
	return report.Ratios{Samples: b.Samples, Ours: skiff, Theirs: kubectl, Rows: []report.Row{
		{Figure: listRSS, Title: "peak RSS of `get pods -A`", Unit: report.Bytes, Most: 1.0 / 4, Must: "at most 1/4"},
		{Figure: listWall, Title: "time of `get pods -A`", Unit: report.Seconds, Most: 1.05, Must: "at most 1.05"},
		{Figure: listCPU, Title: "CPU of `get pods -A`", Unit: report.Seconds},
		{Figure: versionWall, Title: "time of `version --client`", Unit: report.Seconds, Most: 1.0 / 3, Must: "at most 1/3"},
		{Figure: size, Title: "size of the program", Unit: report.Bytes, Most: 1.0 / 2, Must: "at most 1/2"},
	}}
}

// Section returns the section of RESULTS.md, with its title.
func (b *Bench) Section(machine string, date time.Time) string {
	return fmt.Sprintf("## skiff beside kubectl\n\nWritten by `make bench-kubectl` on %s; do not edit. "+
		"`skiff get pods -A` and kubectl %s's, built with the same flags from k8s.io/kubernetes, ran %d times each by turns, "+
		"against a control plane with %s pods, with the output to /dev/null and discovery cached. "+
		"The figures are medians, with the least and the most in brackets. Machine: %s.\n\n",
		date.UTC().Format(time.DateOnly), b.Version, b.Runs, report.Count.Format(float64(b.Pods)), machine) + b.ratios().Table()
}

// Missed returns the figures that are over their limits.
func (b *Bench) Missed() []string { return b.ratios().Missed() }
