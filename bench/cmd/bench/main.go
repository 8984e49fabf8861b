// bench measures skiff beside client-go and controller-runtime, and writes the results: RESULTS.md,
// results.json, samples.json and charts/.
//
//	bench [--quick] [--out DIR] [--runs N] [--only REGEXP]
//
// The runners and the replay server must be beside this program; `make bench` builds them there.
// With --only, only scenarios whose names match run, and their results are printed to standard
// output. No file is written then, so that figures of different runs are never mixed. If a scenario
// fails, the results so far are printed, and no file is written either.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"syscall"
	"time"

	"github.com/skiff-k8s/skiff/bench/internal/report"
	"github.com/skiff-k8s/skiff/bench/internal/run"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := bench(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func bench(ctx context.Context) error {
	quick := flag.Bool("quick", false, "fewer runs, and no cold build or real API server")
	smoke := flag.Bool("smoke", false, "no figures to speak of: everything once with a handful of objects, for the tests")
	out := flag.String("out", "", "the `folder` to write to (default: bench in the repository, bench/quick with --quick)")
	runs := flag.Int("runs", 0, "how often each side runs (default 5, 2 with --quick)")
	only := flag.String("only", "", "run the scenarios that match this `regexp`, write nothing, print the tables")
	repository := flag.String("repository", ".", "the `folder` of skiff's source")
	flag.Parse()
	if flag.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flag.Arg(0))
	}

	scale, folder := run.Full, filepath.Join(*repository, "bench")
	if *quick {
		scale, folder = run.Quick, filepath.Join(folder, "quick")
	}
	if *smoke {
		scale, folder = run.Smoke, ""
	}
	if *runs > 0 {
		scale.Runs, scale.Also, scale.ColdBuilds = *runs, min(scale.Also, *runs), min(scale.ColdBuilds, *runs)
	}
	if *out != "" {
		folder = *out
	}
	if folder == "" {
		return errors.New("--smoke writes only where --out says")
	}
	program, err := os.Executable()
	if err != nil {
		return err
	}
	b := &run.Bench{Programs: filepath.Dir(program), Repository: *repository, Scale: scale, Progress: os.Stderr}
	if *only != "" {
		if b.Only, err = regexp.Compile(*only); err != nil {
			return fmt.Errorf("--only: %w", err)
		}
	}
	begin := time.Now()
	failed := b.Run(ctx)
	r := &report.Report{
		Machine: report.Machine(), Date: begin, Quick: *quick || *smoke, Runs: scale.Runs,
		Workload: b.Workload(), Samples: b.Samples, Took: time.Since(begin),
	}
	if failed != nil || *only != "" {
		_, err := os.Stdout.Write(r.Markdown())
		return errors.Join(failed, err)
	}
	if err := r.WriteTo(folder); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "bench: done in %s: see %s\n", time.Since(begin).Round(time.Second), filepath.Join(folder, "RESULTS.md"))
	return nil
}
