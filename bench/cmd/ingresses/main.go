// ingresses measures the same controller on skiff and on controller-runtime, under load, and writes a
// section of RESULTS.md.
//
//	ingresses [--services N] [--runs N] [--out FILE] [--programs DIR]
//
// The programs ingress-skiff and ingress-ctrl are in one folder; `make bench-ingresses` builds them.
// Without --out the section is printed. A limit that is missed is an error, when all has been written.
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

	"github.com/skiff-k8s/skiff/bench/internal/ingresses"
	"github.com/skiff-k8s/skiff/bench/internal/report"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "ingresses:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	b := &ingresses.Bench{Progress: os.Stderr}
	flag.StringVar(&b.Programs, "programs", filepath.Dir(program), "the `folder` of ingress-skiff and ingress-ctrl")
	flag.IntVar(&b.Services, "services", 2000, "how many Services there are")
	flag.IntVar(&b.Runs, "runs", 5, "how often each of the two runs")
	out := flag.String("out", "", "the `file` whose section is written, such as bench/RESULTS.md (default: print it)")
	flag.Parse()
	switch {
	case flag.NArg() > 0:
		return fmt.Errorf("unexpected argument %q", flag.Arg(0))
	case b.Services < 1, b.Runs < 1:
		return errors.New("--services and --runs must be at least 1")
	}
	begin := time.Now()
	if err := b.Run(ctx); err != nil {
		return err
	}
	text := b.Section(report.Machine(), begin)
	if *out == "" {
		fmt.Print(text)
	} else if err := report.WriteSection(*out, ingresses.Name, text); err != nil {
		return err
	}
	if missed := b.Missed(); len(missed) > 0 {
		return fmt.Errorf("limits are missed:\n%s", strings.Join(missed, "\n"))
	}
	return nil
}
