package run

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/skiff-k8s/skiff/bench/internal/probe"
	"github.com/skiff-k8s/skiff/bench/internal/stats"
)

// Against measures the skiff of two commits in turns. Two builds of skiff-runner run the same
// commands, with one build of the replay server.
type Against struct {
	Old, New string // the folders of the two skiff-runners
	Server   string // the folder of the replay server
	Scale    Scale
	Progress io.Writer // a line for each step

	OldSamples, NewSamples stats.Samples
}

// Run runs each side as often as the scale says. The order turns with the runs, so that neither
// always comes first. A figure that the old runner cannot measure has no samples of it.
func (a *Against) Run(ctx context.Context) error {
	begin := time.Now()
	a.OldSamples, a.NewSamples = stats.Samples{}, stats.Samples{}
	bench := func(programs string, samples stats.Samples) *Bench {
		return &Bench{Programs: programs, Server: a.Server, Scale: a.Scale, Progress: a.Progress, Samples: samples, begin: begin}
	}
	sides := []struct {
		name string
		of   *Bench
	}{{"old", bench(a.Old, a.OldSamples)}, {"new", bench(a.New, a.NewSamples)}}
	for run := range a.Scale.Runs {
		for _, side := range sides {
			fmt.Fprintf(a.Progress, "bench: %5.0f s: run %d, %s\n", time.Since(begin).Seconds(), run+1, side.name)
			if err := side.of.typed(ctx, skiff); err != nil {
				return fmt.Errorf("run %d of the %s commit: %w", run+1, side.name, err)
			}
			err := side.of.index(ctx, skiff)
			if err != nil && !(side.name == "old" && lacksCommand(err)) {
				return fmt.Errorf("run %d of the %s commit: %w", run+1, side.name, err)
			}
		}
		slices.Reverse(sides)
	}
	return nil
}

// lacksCommand reports whether a runner is older than a command.
func lacksCommand(err error) bool { return strings.Contains(err.Error(), probe.UnknownCommand) }

// index measures the memory of one custom index: the pods by the Node that they run on.
func (b *Bench) index(ctx context.Context, c contender) error {
	return b.serve(ctx, c, []string{"--resource", "pods"}, func(_ *Server, r *Runner) error {
		if _, err := ask[probe.Synced](r, "sync"); err != nil {
			return err
		}
		before, err := ask[probe.Heap](r, "heap")
		if err != nil {
			return err
		}
		if _, err := ask[struct{}](r, "index", "by-node"); err != nil {
			return err
		}
		after, err := ask[probe.Heap](r, "heap")
		if err != nil {
			return err
		}
		if after.Objects != before.Objects || after.Objects == 0 {
			return fmt.Errorf("%d pods in the cache with the index, %d without", after.Objects, before.Objects)
		}
		b.add("heap_per_index", c, float64(after.Alloc-before.Alloc)/float64(after.Objects))
		return nil
	})
}

// replay returns the path of the replay server's program.
func (b *Bench) replay() string {
	if b.Server != "" {
		return filepath.Join(b.Server, "replay")
	}
	return filepath.Join(b.Programs, "replay")
}
