// sizes builds programs that do the same with skiff and without, and writes a section of RESULTS.md on
// how large they are.
//
//	sizes [--repository DIR] [--out FILE]
//
// Without --out the section is printed. A limit that is missed is an error, when all has been written.
package main

import (
	"flag"

	"github.com/skiff-k8s/skiff/bench/internal/section"
	"github.com/skiff-k8s/skiff/bench/internal/sizes"
)

func main() {
	b := new(sizes.Bench)
	flag.StringVar(&b.Repository, "repository", "..", "the `folder` of skiff's source")
	section.Main(sizes.Name, b, func() error { return nil })
}
