// stale measures what controllers on client-go, controller-runtime and skiff do while their caches have
// not seen their own writes, and writes a section of RESULTS.md.
//
//	stale [--parents N] [--lag DURATION] [--out FILE]
//
// Without --out the section is printed. If skiff did anything that was not needed, that is an error, when
// all has been written.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/skiff-k8s/skiff/bench/internal/report"
	"github.com/skiff-k8s/skiff/bench/internal/stale"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "stale:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	b := &stale.Bench{Progress: os.Stderr}
	flag.IntVar(&b.Parents, "parents", 10, "how many objects the controller is for")
	flag.DurationVar(&b.Lag, "lag", time.Second, "by how much the watch of the children is delayed")
	out := flag.String("out", "", "the `file` whose section is written, such as bench/RESULTS.md (default: print it)")
	flag.Parse()
	switch {
	case flag.NArg() > 0:
		return fmt.Errorf("unexpected argument %q", flag.Arg(0))
	case b.Parents < 1, b.Lag < 0:
		return errors.New("--parents must be at least 1, and --lag not negative")
	}
	begin := time.Now()
	if err := b.Run(ctx); err != nil {
		return err
	}
	text := b.Section(report.Machine(), begin)
	if *out == "" {
		fmt.Print(text)
	} else if err := report.WriteSection(*out, stale.Name, text); err != nil {
		return err
	}
	if missed := b.Missed(); len(missed) > 0 {
		return fmt.Errorf("more than needed:\n%s", strings.Join(missed, "\n"))
	}
	return nil
}
