// Package kubectl measures the command line tool skiff beside kubectl: the memory and the time of a
// list of many pods, the time of a command that asks no server, and the size of the programs.
package kubectl

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/skiff-k8s/skiff/bench/internal/run"
	"github.com/skiff-k8s/skiff/bench/internal/stats"
	"github.com/skiff-k8s/skiff/bench/internal/workload"
	"github.com/skiff-k8s/skiff/controlplane"
)

// The figures, by their names in Samples.
const (
	listRSS     = "list_peak_rss"
	listWall    = "list_wall"
	listCPU     = "list_cpu"
	versionWall = "version_wall"
	size        = "size"
)

// The sides.
const (
	skiff   = stats.Side("skiff")
	kubectl = stats.Side("kubectl")
)

// Bench is a measurement.
type Bench struct {
	Skiff, Kubectl string // the programs
	Measure        string // the program cmd/measure
	Pods, Runs     int
	Progress       io.Writer // a line for each step

	// Version is the Kubernetes version that kubectl was built from; Run makes it what kubectl says if it
	// is "".
	Version string

	Samples stats.Samples // what was measured

	home, kubeconfig string
	begin            time.Time
}

// tool is one of the two programs.
type tool struct {
	side    stats.Side
	program string
}

// Run starts a control plane, fills it with pods, and runs both programs by turns. First each runs once
// that is not counted: it finds the caches of the server cold, and fills that of discovery. These two
// have to print the same pods.
func (b *Bench) Run(ctx context.Context) error {
	b.Samples, b.begin = stats.Samples{}, time.Now()
	home, err := os.MkdirTemp("", "skiff-bench-kubectl-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(home)
	b.home = home
	tools := []tool{{skiff, b.Skiff}, {kubectl, b.Kubectl}}
	for _, t := range tools {
		info, err := os.Stat(t.program)
		if err != nil {
			return err
		}
		b.Samples.Add(size, t.side, float64(info.Size()))
	}
	b.say("starting a control plane and filling it with %d pods", b.Pods)
	cluster, err := controlplane.Run(ctx, controlplane.WithoutControllerManager())
	if err != nil {
		return err
	}
	defer cluster.Stop()
	b.kubeconfig = cluster.Kubeconfig()
	pods := workload.New(workload.Config{Pods: b.Pods}).Pods
	if err := run.Fill(ctx, cluster.Config(), pods); err != nil {
		return fmt.Errorf("fill the control plane: %w", err)
	}
	if err := b.compare(ctx, tools); err != nil {
		return err
	}
	return b.turns(ctx, tools)
}

// list is the command that is measured.
var list = []string{"get", "pods", "-A"}

// compare runs each program once, and returns an error if they do not print the same pods.
func (b *Bench) compare(ctx context.Context, tools []tool) error {
	printed := map[stats.Side]string{}
	for _, t := range tools {
		b.say("first run of %s, not counted", t.side)
		path := filepath.Join(b.home, string(t.side)+".txt")
		if _, err := b.measure(ctx, path, t.program, list...); err != nil {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		printed[t.side] = string(text)
	}
	version := filepath.Join(b.home, "version.txt")
	if _, err := b.measure(ctx, version, b.Kubectl, "version", "--client"); err != nil {
		return err
	}
	text, err := os.ReadFile(version)
	if err != nil {
		return err
	}
	b.Version = cmp.Or(b.Version, versionOf(string(text)))
	return samePods(printed[skiff], printed[kubectl], b.Pods)
}

// turns runs both programs as often as is asked. The order turns with the runs, so that neither always
// comes first.
func (b *Bench) turns(ctx context.Context, tools []tool) error {
	tools = slices.Clone(tools)
	for n := range b.Runs {
		for _, t := range tools {
			got, err := b.measure(ctx, os.DevNull, t.program, list...)
			if err != nil {
				return err
			}
			b.say("run %d, %s: %.1f MB, %s", n+1, t.side, float64(got.PeakRSS)/1e6, got.Wall.Round(time.Millisecond))
			b.Samples.Add(listRSS, t.side, float64(got.PeakRSS))
			b.Samples.Add(listWall, t.side, got.Wall.Seconds())
			b.Samples.Add(listCPU, t.side, got.CPU.Seconds())
		}
		for _, t := range tools {
			got, err := b.measure(ctx, os.DevNull, t.program, "version", "--client")
			if err != nil {
				return err
			}
			b.Samples.Add(versionWall, t.side, got.Wall.Seconds())
		}
		slices.Reverse(tools)
	}
	return nil
}

func (b *Bench) say(format string, args ...any) {
	fmt.Fprintf(b.Progress, "kubectl: %5.0f s: %s\n", time.Since(b.begin).Seconds(), fmt.Sprintf(format, args...))
}
