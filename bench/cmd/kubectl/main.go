// kubectl measures the command line tool skiff beside kubectl, and writes a section of RESULTS.md.
//
//	kubectl [--pods N] [--runs N] [--out FILE] [--programs DIR] [--version V]
//
// The programs skiff, kubectl and measure are in one folder; `make bench-kubectl` builds them. Without
// --out the section is printed. A limit that is missed is an error, when all has been written.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/skiff-k8s/skiff/bench/internal/kubectl"
	"github.com/skiff-k8s/skiff/bench/internal/report"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := bench(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "kubectl:", err)
		os.Exit(1)
	}
}

func bench(ctx context.Context) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	programs := flag.String("programs", filepath.Dir(program), "the `folder` of skiff, kubectl and measure")
	pods := flag.Int("pods", 20_000, "how many pods there are")
	runs := flag.Int("runs", 9, "how often each of the two runs")
	out := flag.String("out", "", "the `file` whose section is written, such as bench/RESULTS.md (default: print it)")
	version := flag.String("version", "", "the Kubernetes `version` that kubectl was built from (default: what it says)")
	flag.Parse()
	switch {
	case flag.NArg() > 0:
		return fmt.Errorf("unexpected argument %q", flag.Arg(0))
	case *pods < 1, *runs < 1:
		return errors.New("--pods and --runs must be at least 1")
	}
	b := &kubectl.Bench{
		Skiff: filepath.Join(*programs, "skiff"), Kubectl: filepath.Join(*programs, "kubectl"),
		Measure: filepath.Join(*programs, "measure"), Pods: *pods, Runs: *runs, Progress: os.Stderr,
	}
	begin := time.Now()
	if err := b.Run(ctx); err != nil {
		return err
	}
	if *version == "" {
		*version = b.Version
	}
	text := b.Section(report.Machine(), *version, begin)
	if *out == "" {
		fmt.Print(text)
	} else if err := report.WriteSection(*out, kubectl.Name, text); err != nil {
		return err
	}
	if missed := b.Missed(); len(missed) > 0 {
		return fmt.Errorf("limits are missed:\n%s", strings.Join(missed, "\n"))
	}
	return nil
}
