// matrix runs the library's cluster tests against control planes of several Kubernetes versions, and
// writes what they said to docs/versions.md. `make matrix` calls it.
//
//	matrix [-only 1.36] [-write docs/versions.md] [-keep DIR] ROOT
//
// For each version it makes a module in a temporary folder: the sources of devcluster, with the
// requirements of that version's k8s.io/kubernetes, and so with the etcd that it names. From that it
// builds a devcluster binary, which is kept in DIR (bin/kubernetes), and runs the tests with it.
//
// A cluster test is a test of the library that asks controlplane for a control plane. matrix
// finds them by `go test -short`, which skips these and says why. A test may say that a version lacks
// what it is about (controlplane.Cluster.Needs); it is skipped there, and the document has its words.
// Any other failure ends the run with status 1.
//
// The first run compiles Kubernetes once for each version, some five minutes of two cores each.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// versions are the newest patch of each minor version that the project supports at the time, and the
// one before these.
var versions = []string{"1.34.4", "1.35.4", "1.36.3", "1.37.2"}

func main() {
	only := flag.String("only", "", "the versions that begin with this")
	write := flag.String("write", "", "the document to write, if all versions were run")
	keep := flag.String("keep", "bin/kubernetes", "the folder of the binaries, in ROOT")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: matrix [-only VERSION] [-write FILE] [-keep DIR] ROOT")
		os.Exit(2)
	}
	if err := run(flag.Arg(0), *keep, *only, *write); err != nil {
		fmt.Fprintln(os.Stderr, "matrix:", err)
		os.Exit(1)
	}
}

func run(root, keep, only, write string) error {
	root, err := filepath.Abs(root)
	if err != nil {
		return err
	}
	fmt.Println("matrix: looking for the cluster tests")
	tests, err := clusterTests(root)
	if err != nil {
		return err
	}
	var results []result
	failed := false
	for _, v := range versions {
		if !strings.HasPrefix(v, only) {
			continue
		}
		b, err := build(root, filepath.Join(root, keep), v)
		if err != nil {
			return fmt.Errorf("build the control plane of %s: %w", v, err)
		}
		r, err := runTests(root, b, tests)
		if err != nil {
			return fmt.Errorf("run the tests on %s: %w", v, err)
		}
		fmt.Printf("matrix: %s: %d passed, %d skipped, %d failed\n", v, r.passed, len(r.skipped), len(r.failed))
		for _, f := range r.failed {
			fmt.Printf("matrix: %s: %s failed:\n%s", v, f.name, f.text)
		}
		failed = failed || len(r.failed) > 0
		results = append(results, r)
	}
	switch {
	case failed:
		return fmt.Errorf("tests failed")
	case len(results) == 0:
		return fmt.Errorf("no version begins with %q", only)
	case write == "" || only != "":
		return nil
	}
	text, err := os.ReadFile(write)
	if err != nil {
		return err
	}
	if text, err = replace(text, results); err != nil {
		return fmt.Errorf("%s: %w", write, err)
	}
	return os.WriteFile(write, text, 0o644)
}
