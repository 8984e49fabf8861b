// against measures two commits of skiff by turns and prints the medians of both and their ratio.
//
//	against --old DIR --new DIR [--server DIR] [--runs N]
//
// Each of the two folders has a skiff-runner. The server's folder has the replay server; the
// default is the folder of this program. `make bench-against OLD=<commit>` builds them all. Only
// skiff is measured; see bench for client-go. A figure that the old runner cannot measure is
// absent.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/skiff-k8s/skiff/bench/internal/run"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := against(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "against:", err)
		os.Exit(1)
	}
}

func against(ctx context.Context) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	before := flag.String("old", "", "the `folder` of the old commit's skiff-runner")
	after := flag.String("new", filepath.Dir(program), "the `folder` of the new commit's skiff-runner")
	server := flag.String("server", filepath.Dir(program), "the `folder` of the replay server")
	runs := flag.Int("runs", 9, "how often each side runs")
	smoke := flag.Bool("smoke", false, "no figures to speak of: a handful of pods, for the tests")
	flag.Parse()
	switch {
	case flag.NArg() > 0:
		return fmt.Errorf("unexpected argument %q", flag.Arg(0))
	case *before == "":
		return fmt.Errorf("--old is missing: the folder of the old commit's skiff-runner")
	case *runs < 1:
		return fmt.Errorf("--runs is %d, want at least 1", *runs)
	}
	scale := run.Full
	if *smoke {
		scale = run.Smoke
	}
	scale.Runs = *runs
	a := &run.Against{Old: *before, New: *after, Server: *server, Scale: scale, Progress: os.Stderr}
	err = a.Run(ctx)
	// What was measured before an error is worth a look, too.
	fmt.Printf("Medians of %d runs by turns, %d pods; in brackets the least and the most. Ratios are new to old.\n\n%s",
		*runs, scale.Pods, table(a.OldSamples, a.NewSamples))
	return err
}
