package report

import (
	"bytes"
	"fmt"
	"time"

	"github.com/skiff-k8s/skiff/bench/internal/stats"
)

// titles are the sides' names in tables.
var titles = map[stats.Side]string{
	stats.Skiff:             "skiff",
	stats.SkiffUndecoded:    "skiff, undecoded",
	stats.SkiffDecoded:      "skiff, decoded",
	stats.ClientGo:          "client-go",
	stats.ClientGoStripped:  "client-go, stripped",
	stats.ControllerRuntime: "controller-runtime",
}

// Markdown returns RESULTS.md.
func (r *Report) Markdown() []byte {
	b := &bytes.Buffer{}
	r.head(b)
	r.targets(b)
	r.losses(b)
	for _, g := range groups {
		r.table(b, g)
	}
	return b.Bytes()
}

func (r *Report) head(b *bytes.Buffer) {
	title, target := "Results", "make bench"
	if r.Quick {
		title, target = "Results of a quick run", "make bench-quick"
	}
	fmt.Fprintf(b, "# %s\n\n", title)
	fmt.Fprintf(b, "Written by `%s` on %s, in about %s; do not edit. skiff and client-go ran %d times each, by turns "+
		"(what stands beside them, and builds with an empty cache, less often); the figures are medians, "+
		"with the least and the most in brackets. [README.md](README.md) says what is measured and how.\n",
		target, r.Date.UTC().Format(time.DateOnly), r.Took.Round(time.Minute), r.Runs)
	if r.Quick {
		fmt.Fprintf(b, "\nA quick run is for trying things out: figures for publication come from `make bench`.\n")
	}
	fmt.Fprintf(b, "\nMachine: %s.\n", r.Machine)
	if len(r.Workload) > 0 {
		fmt.Fprintf(b, "\nWorkload:\n\n")
		for _, line := range r.Workload {
			fmt.Fprintf(b, "- %s\n", line)
		}
	}
	for _, remark := range r.Remarks {
		fmt.Fprintf(b, "\n%s\n", remark)
	}
}

// targets writes the table of targets.
func (r *Report) targets(b *bytes.Buffer) {
	fmt.Fprintf(b, "\n## What was asked\n\n| | must | skiff | client-go | skiff has | |\n|---|---|---:|---:|---:|---|\n")
	for _, f := range all() {
		if f.Target == nil {
			continue
		}
		skiff, haveSkiff := r.Samples.Summary(f.Name, stats.Skiff)
		clientGo, haveClientGo := r.Samples.Summary(f.Name, stats.ClientGo)
		words, _ := f.ratio(r.Samples)
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s |\n", f.titleInFull(), f.Target.Must,
			f.cell(r.Samples, stats.Skiff), f.cell(r.Samples, stats.ClientGo), words,
			f.Target.judge(skiff.Median, clientGo.Median, haveSkiff, haveClientGo))
	}
}

// losses writes every figure in which skiff is worse than client-go.
func (r *Report) losses(b *bytes.Buffer) {
	fmt.Fprintf(b, "\n## Where skiff loses\n\n")
	found := false
	for _, f := range all() {
		words, loses := f.ratio(r.Samples)
		if !loses {
			continue
		}
		if !found {
			fmt.Fprintf(b, "Medians that are worse than client-go's:\n\n| | skiff | client-go | skiff has |\n|---|---:|---:|---:|\n")
			found = true
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s |\n", f.titleInFull(), f.cell(r.Samples, stats.Skiff), f.cell(r.Samples, stats.ClientGo), words)
	}
	if !found {
		fmt.Fprintf(b, "In none of the medians that were measured for both.\n")
	}
}

// table writes a group's table, if any of its figures was measured.
func (r *Report) table(b *bytes.Buffer, g Group) {
	sides := []stats.Side{stats.Skiff, stats.ClientGo}
	for _, side := range g.Sides {
		if measured(r.Samples, g.Figures, side) {
			sides = append(sides, side)
		}
	}
	if !measured(r.Samples, g.Figures, stats.Skiff) && !measured(r.Samples, g.Figures, stats.ClientGo) {
		return
	}
	fmt.Fprintf(b, "\n## %s\n\n%s\n\n| |", g.Title, g.Text)
	for _, side := range sides {
		fmt.Fprintf(b, " %s |", titles[side])
	}
	fmt.Fprintf(b, " skiff has, to client-go |\n|---|")
	for range sides {
		fmt.Fprintf(b, "---:|")
	}
	fmt.Fprintf(b, "---:|\n")
	for _, f := range g.Figures {
		if !measured(r.Samples, []Figure{f}, sides...) {
			continue
		}
		fmt.Fprintf(b, "| %s |", f.Title)
		for _, side := range sides {
			fmt.Fprintf(b, " %s |", f.cell(r.Samples, side))
		}
		words, loses := f.ratio(r.Samples)
		if loses {
			words = "**" + words + "**, and loses"
		}
		fmt.Fprintf(b, " %s |\n", words)
	}
}

func measured(s stats.Samples, figures []Figure, sides ...stats.Side) bool {
	for _, f := range figures {
		for _, side := range sides {
			if len(s[f.Name][side]) > 0 {
				return true
			}
		}
	}
	return false
}

// cell returns a median with its minimum and maximum.
func (f Figure) cell(samples stats.Samples, side stats.Side) string {
	s, ok := samples.Summary(f.Name, side)
	if !ok {
		return "–"
	}
	median, low, high := f.Unit.Format(s.Median), f.Unit.Format(s.Min), f.Unit.Format(s.Max)
	if low == high {
		return median
	}
	return fmt.Sprintf("%s (%s – %s)", median, low, high)
}

// ratio returns the comparison of skiff's median with client-go's; "" if one is missing.
func (f Figure) ratio(samples stats.Samples) (words string, loses bool) {
	skiff, ok := samples.Summary(f.Name, stats.Skiff)
	clientGo, ok2 := samples.Summary(f.Name, stats.ClientGo)
	if !ok || !ok2 {
		return "", false
	}
	return f.compare(skiff.Median, clientGo.Median)
}

// titleInFull is the title where no table's heading stands above it.
func (f Figure) titleInFull() string {
	for _, g := range groups {
		for _, other := range g.Figures {
			if other.Name == f.Name {
				return g.Title + ": " + f.Title
			}
		}
	}
	return f.Title
}
