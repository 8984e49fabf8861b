// sizes builds programs that do the same with skiff and without, and writes a section of RESULTS.md on
// how large they are.
//
//	sizes [--repository DIR] [--out FILE]
//
// Without --out the section is printed. A limit that is missed is an error, when all has been written.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/skiff-k8s/skiff/bench/internal/report"
	"github.com/skiff-k8s/skiff/bench/internal/sizes"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "sizes:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	b := new(sizes.Bench)
	flag.StringVar(&b.Repository, "repository", "..", "the `folder` of skiff's source")
	out := flag.String("out", "", "the `file` whose section is written, such as bench/RESULTS.md (default: print it)")
	flag.Parse()
	if flag.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flag.Arg(0))
	}
	begin := time.Now()
	if err := b.Run(ctx); err != nil {
		return err
	}
	text := b.Section(report.Machine(), begin)
	if *out == "" {
		fmt.Print(text)
	} else if err := report.WriteSection(*out, sizes.Name, text); err != nil {
		return err
	}
	if missed := b.Missed(); len(missed) > 0 {
		return fmt.Errorf("limits are missed:\n%s", strings.Join(missed, "\n"))
	}
	return nil
}
