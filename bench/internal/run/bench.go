// Package run makes the measurements. It starts the server and, in turns, the runners, gives the
// runners the same commands, and records their answers.
package run

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"slices"
	"time"

	"github.com/skiff-k8s/skiff/bench/internal/report"
	"github.com/skiff-k8s/skiff/bench/internal/stats"
)

// Bench is one run of the bench. Samples grows during the run.
type Bench struct {
	Programs   string // the folder of the runners
	Server     string // the folder of the replay server; "" is Programs
	Repository string // skiff's root
	Scale      Scale
	Only       *regexp.Regexp // the scenarios to run; nil is all
	Progress   io.Writer      // a line for each step
	Samples    stats.Samples

	begin time.Time
}

// contender is a side and the command that starts its runner.
type contender struct {
	side    stats.Side
	program string
	args    []string
	env     []string
}

var (
	skiff             = contender{side: stats.Skiff, program: "skiff-runner"}
	skiffUndecoded    = contender{side: stats.SkiffUndecoded, program: "skiff-runner", args: []string{"--variant", "undecoded"}}
	skiffDecoded      = contender{side: stats.SkiffDecoded, program: "skiff-runner", args: []string{"--variant", "decoded"}}
	clientGo          = contender{side: stats.ClientGo, program: "clientgo-runner"}
	clientGoStripped  = contender{side: stats.ClientGoStripped, program: "clientgo-runner", args: []string{"--variant", "stripped"}}
	controllerRuntime = contender{side: stats.ControllerRuntime, program: "ctrl-runner"}
)

// scenario is one measurement: of several contenders in turns, or by a function of its own.
type scenario struct {
	name string
	of   []contender
	also []contender // measured beside them, possibly in fewer runs
	full []contender // likewise, in a full run only
	do   func(b *Bench, ctx context.Context, c contender) error
	own  func(b *Bench, ctx context.Context) error // instead of those
}

// Run runs every scenario. An error contains the scenario and the side that failed.
func (b *Bench) Run(ctx context.Context) error {
	b.begin = time.Now()
	if b.Samples == nil {
		b.Samples = stats.Samples{}
	}
	var failed []error
	for _, s := range scenarios {
		if b.Only != nil && !b.Only.MatchString(s.name) {
			continue
		}
		if err := b.scenario(ctx, s); err != nil {
			failed = append(failed, fmt.Errorf("scenario %s: %w", s.name, err))
		}
		if ctx.Err() != nil {
			break
		}
	}
	for _, name := range b.Samples.Names() {
		if !report.Known(name) {
			failed = append(failed, fmt.Errorf("%s was measured, and is no figure of the report", name))
		}
	}
	return errors.Join(failed...)
}

// scenario runs the contenders of one scenario in turns. Their order changes with the runs, so that
// no side always follows the same other one.
func (b *Bench) scenario(ctx context.Context, s scenario) error {
	if s.own != nil {
		return s.own(b, ctx)
	}
	for run := range b.Scale.Runs {
		all := s.of
		if run < b.Scale.Also {
			all = slices.Concat(all, s.also)
		}
		if b.Scale.Full {
			all = slices.Concat(all, s.full)
		}
		for i := range all {
			c := all[(i+run)%len(all)]
			b.progress(s.name, run, c.side)
			if err := s.do(b, ctx, c); err != nil {
				return fmt.Errorf("run %d of %s: %w", run+1, c.side, err)
			}
		}
	}
	return nil
}

func (b *Bench) progress(scenario string, run int, side stats.Side) {
	fmt.Fprintf(b.Progress, "bench: %5.0f s: %-16s run %d, %s\n", time.Since(b.begin).Seconds(), scenario, run+1, side)
}

// with starts a contender's runner, calls f with it, and ends it.
func (b *Bench) with(ctx context.Context, c contender, args []string, f func(r *Runner) error) error {
	r, err := StartRunner(ctx, filepath.Join(b.Programs, c.program), c.env, append(append([]string{}, args...), c.args...)...)
	if err != nil {
		return err
	}
	if err := f(r); err != nil {
		r.kill()
		return err
	}
	return r.Close()
}

// add records a value for a contender.
func (b *Bench) add(figure string, c contender, value float64) { b.Samples.Add(figure, c.side, value) }
