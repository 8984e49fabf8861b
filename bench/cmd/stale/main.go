// stale measures what controllers on client-go, controller-runtime and skiff do while their caches have
// not seen their own writes, and writes a section of RESULTS.md.
//
//	stale [--parents N] [--lag DURATION] [--out FILE]
//
// Without --out the section is printed. If skiff did anything that was not needed, that is an error, when
// all has been written.
package main

import (
	"errors"
	"flag"
	"os"
	"time"

	"github.com/skiff-k8s/skiff/bench/internal/section"
	"github.com/skiff-k8s/skiff/bench/internal/stale"
)

func main() {
	b := &stale.Bench{Progress: os.Stderr}
	flag.IntVar(&b.Parents, "parents", 10, "how many objects the controller is for")
	flag.DurationVar(&b.Lag, "lag", time.Second, "by how much the watch of the children is delayed")
	section.Main(stale.Name, b, func() error {
		if b.Parents < 1 || b.Lag < 0 {
			return errors.New("--parents must be at least 1, and --lag not negative")
		}
		return nil
	})
}
