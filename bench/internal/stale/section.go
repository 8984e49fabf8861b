package stale

import (
	"fmt"
	"strings"
	"time"
)

// Name is the name of the section in RESULTS.md.
const Name = "stale"

// Section returns the section of RESULTS.md, with its title.
func (b *Bench) Section(machine string, date time.Time) string {
	var s strings.Builder
	fmt.Fprintf(&s, "## A controller's own writes\n\nWritten by `make bench-stale` on %s; do not edit. "+
		"The same reconcile function runs on four stacks, with one worker: it gives each of %d ConfigMaps the number of "+
		"Secrets that an annotation asks for, creates what is missing under generated names, and deletes what is too much. "+
		"A proxy delays the watch of the Secrets by %s. Meanwhile another client changes each ConfigMap every %s, for %s, "+
		"so a controller that reads its cache again has not seen its own writes yet. Machine: %s.\n\n",
		date.UTC().Format(time.DateOnly), b.Parents, b.Lag, touchEvery, touchFor*b.Lag, machine)
	fmt.Fprintf(&s, "| | from 0 to %d: created | deleted | right after | from %d to %d: created | deleted | right after |\n", first, first, then)
	s.WriteString("|---|---:|---:|---:|---:|---:|---:|\n")
	fmt.Fprintf(&s, "| needed | %d | 0 | | 0 | %d | |\n", first*b.Parents, (first-then)*b.Parents)
	for _, r := range b.Results {
		s.WriteString(r.row())
	}
	s.WriteString("\n\"Right after\" is how long it took until each ConfigMap had the right number for the first time.\n")
	return s.String()
}

// Missed returns what skiff did that was not needed.
func (b *Bench) Missed() []string {
	var missed []string
	for _, r := range b.Results {
		if r.Side != "skiff" {
			continue
		}
		for _, c := range []struct {
			what      string
			got, want int
		}{
			{"created on the way up", r.Up.Created, first * b.Parents}, {"deleted on the way up", r.Up.Deleted, 0},
			{"created on the way down", r.Down.Created, 0}, {"deleted on the way down", r.Down.Deleted, (first - then) * b.Parents},
		} {
			if c.got != c.want {
				missed = append(missed, fmt.Sprintf("skiff: %d children %s, needed are %d", c.got, c.what, c.want))
			}
		}
		if !r.Up.AtRest || !r.Down.AtRest {
			missed = append(missed, "skiff: it did not come to rest with the right number of children")
		}
	}
	return missed
}
