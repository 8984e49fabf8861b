// ingresses measures the same controller on skiff and on controller-runtime, under load, and writes a
// section of RESULTS.md.
//
//	ingresses [--services N] [--runs N] [--out FILE] [--programs DIR]
//
// The programs ingress-skiff and ingress-ctrl are in one folder; `make bench-ingresses` builds them.
// Without --out the section is printed. A limit that is missed is an error, when all has been written.
package main

import (
	"errors"
	"flag"
	"os"

	"github.com/skiff-k8s/skiff/bench/internal/ingresses"
	"github.com/skiff-k8s/skiff/bench/internal/section"
)

func main() {
	b := &ingresses.Bench{Progress: os.Stderr}
	flag.StringVar(&b.Programs, "programs", section.Folder(), "the `folder` of ingress-skiff and ingress-ctrl")
	flag.IntVar(&b.Services, "services", 2000, "how many Services there are")
	flag.IntVar(&b.Runs, "runs", 5, "how often each of the two runs")
	section.Main(ingresses.Name, b, func() error {
		if b.Services < 1 || b.Runs < 1 {
			return errors.New("--services and --runs must be at least 1")
		}
		return nil
	})
}
