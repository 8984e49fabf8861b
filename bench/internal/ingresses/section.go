package ingresses

import (
	"fmt"
	"time"

	"github.com/skiff-k8s/skiff/bench/internal/report"
)

// Name is the name of the section in RESULTS.md.
const Name = "ingresses"

func (b *Bench) ratios() report.Ratios {
	return report.Ratios{Samples: b.Samples, Ours: skiff, Theirs: ctrl, Rows: []report.Row{
		{Figure: writes, Title: "writes a Service", Unit: report.Count, Most: 1.02, Must: "at most 1.02"},
		{Figure: rss, Title: "peak RSS, above that of the program without a controller", Unit: report.Bytes, Most: 1.0 / 3, Must: "at most 1/3"},
		{Figure: p99, Title: "from annotation to Ingress, 99th percentile", Unit: report.Seconds, Most: 1.1, Must: "at most 1.1"},
		{Figure: p50, Title: "from annotation to Ingress, median", Unit: report.Seconds},
		{Figure: cpu, Title: "CPU", Unit: report.Seconds},
	}}
}

// Section returns the section of RESULTS.md, with its title.
func (b *Bench) Section(machine string, date time.Time) string {
	return fmt.Sprintf("## A controller under load\n\nWritten by `make bench-ingresses` on %s; do not edit. "+
		"The same controller on skiff and on controller-runtime (client-side limit off, %d workers both) gives annotated Services "+
		"an Ingress. %s Services are annotated at once, by %d requests at a time, on a real control plane. Each ran %d times by turns, "+
		"and the programs share the machine with the API server. "+
		"The figures are medians, with the least and the most in brackets. Machine: %s.\n\n",
		date.UTC().Format(time.DateOnly), Workers, report.Count.Format(float64(b.Services)), annotators, b.Runs, machine) + b.ratios().Table()
}

// Missed returns the figures that are over their limits.
func (b *Bench) Missed() []string { return b.ratios().Missed() }
