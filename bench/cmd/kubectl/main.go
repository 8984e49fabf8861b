// kubectl measures the command line tool skiff beside kubectl, and writes a section of RESULTS.md.
//
//	kubectl [--pods N] [--runs N] [--out FILE] [--programs DIR] [--version V]
//
// The programs skiff, kubectl and measure are in one folder; `make bench-kubectl` builds them. Without
// --out the section is printed. A limit that is missed is an error, when all has been written.
package main

import (
	"errors"
	"flag"
	"os"
	"path/filepath"

	"github.com/skiff-k8s/skiff/bench/internal/kubectl"
	"github.com/skiff-k8s/skiff/bench/internal/section"
)

func main() {
	b := &kubectl.Bench{Progress: os.Stderr}
	programs := flag.String("programs", section.Folder(), "the `folder` of skiff, kubectl and measure")
	flag.IntVar(&b.Pods, "pods", 20_000, "how many pods there are")
	flag.IntVar(&b.Runs, "runs", 9, "how often each of the two runs")
	flag.StringVar(&b.Version, "version", "", "the Kubernetes `version` that kubectl was built from (default: what it says)")
	section.Main(kubectl.Name, b, func() error {
		if b.Pods < 1 || b.Runs < 1 {
			return errors.New("--pods and --runs must be at least 1")
		}
		b.Skiff, b.Kubectl = filepath.Join(*programs, "skiff"), filepath.Join(*programs, "kubectl")
		b.Measure = filepath.Join(*programs, "measure")
		return nil
	})
}
