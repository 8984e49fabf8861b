package main

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/skiff-k8s/skiff/bench/internal/report"
	"github.com/skiff-k8s/skiff/bench/internal/stats"
)

// figures are the rows of the table.
var figures = []struct {
	name, title string
	unit        report.Unit
	more        bool // more is better
}{
	{"heap_per_pod_typed", "heap a pod", report.Bytes, false},
	{"heap_per_index", "one custom index, a pod", report.Bytes, false},
	{"peak_rss_sync", "peak RSS of the sync", report.Bytes, false},
	{"cpu_sync", "CPU of the sync", report.Seconds, false},
	{"watch_events_proto", "watch events a second", report.PerSecond, true},
	{"cpu_per_event_proto", "CPU an event", report.Micros, false},
}

// absent stands for a figure that was not measured.
const absent = "absent"

// table returns the medians of both sides and their ratios, a line for each figure.
func table(before, after stats.Samples) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 3, ' ', 0)
	fmt.Fprintln(w, "figure\told\tnew\tratio\t")
	for _, f := range figures {
		o, haveOld := before.Summary(f.name, stats.Skiff)
		n, haveNew := after.Summary(f.name, stats.Skiff)
		ratio, verdict := "", ""
		if haveOld && haveNew && o.Median > 0 {
			r := n.Median / o.Median
			ratio, verdict = fmt.Sprintf("%.3f", r), judge(r, f.more)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", f.title, cell(f.unit, o, haveOld), cell(f.unit, n, haveNew), ratio, verdict)
	}
	w.Flush()
	lines := strings.SplitAfter(b.String(), "\n")
	for i, l := range lines {
		if strings.HasSuffix(l, "\n") {
			lines[i] = strings.TrimRight(l, " \n") + "\n"
		}
	}
	return strings.Join(lines, "")
}

// judge returns whether a ratio of new to old is better or worse. Less than a hundredth is no
// difference.
func judge(ratio float64, more bool) string {
	switch {
	case ratio > 0.99 && ratio < 1.01:
		return "the same"
	case (ratio > 1) == more:
		return "better"
	}
	return "worse"
}

func cell(u report.Unit, s stats.Summary, have bool) string {
	if !have {
		return absent
	}
	if s.Runs == 1 {
		return u.Format(s.Median)
	}
	return fmt.Sprintf("%s [%s, %s]", u.Format(s.Median), u.Format(s.Min), u.Format(s.Max))
}
