// mutants changes the bounds of a module's packages one by one, and finds those changes that no
// test notices.
//
//	mutants [flags] -targets FILE DIR
//
// FILE names packages of the module in DIR, their files, and the packages whose tests are run (see
// readTargets). A mutant is one change of such a file:
//
//   - an integer constant, or an expression of such, by one up and by one down;
//   - < to <= and back, > to >= and back, between numbers;
//   - == to != and back, between a number and a constant.
//
// A mutant is killed if a test fails, takes far longer than without it, or does not compile. One
// that no test notices survives. mutants prints each one that survives, and exits with 1.
//
// A comment excepts a mutant, with a reason (see mark). The comment is printed.
//
// All mutants of a package are compiled into one test binary, and a variable of its environment
// chooses one. First, every test is run alone without a mutant, to learn which mutants it comes by;
// for each mutant, only the tests that do are run. A mutant of what must be a constant, or of a
// constant that other packages see, is compiled for itself, and all tests are run. So is one of a
// declared constant that has survived, because a test may read the constant.
//
// Tests run with -short: without a control plane.
//
// With -for, mutants are taken in a random order, which -seed repeats, until the time is over. A
// package whose tests were not all run once in two thirds of that time is named, and left out. A run
// that tries no mutant fails.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"time"
)

type options struct {
	targets string
	seed    uint64
	limit   time.Duration
	only    *regexp.Regexp
	list    bool
	marked  bool
	workers int
	verbose bool
}

func main() {
	var o options
	flag.StringVar(&o.targets, "targets", "", "the `file` that names the packages")
	flag.Uint64Var(&o.seed, "seed", 0, "the order of a sample")
	flag.DurationVar(&o.limit, "for", 0, "how long to run, compiling included; 0 means until all mutants were tried")
	only := flag.String("only", "", "try only the mutants whose line in the output matches this `regexp`")
	flag.BoolVar(&o.list, "list", false, "list the mutants, and run none")
	flag.BoolVar(&o.marked, "marked", false, "try the marked mutants instead, and report marks that tests contradict")
	flag.IntVar(&o.workers, "p", runtime.NumCPU(), "how many test processes run at once")
	flag.BoolVar(&o.verbose, "v", false, "print each mutant that is tried")
	flag.Parse()
	if flag.NArg() != 1 || o.targets == "" {
		flag.Usage()
		os.Exit(2)
	}
	var err error
	if o.only, err = regexp.Compile(*only); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	ok, err := run(context.Background(), os.Stdout, flag.Arg(0), o)
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(2)
	}
	if !ok {
		os.Exit(1)
	}
}

// run reports whether no mutant survived and no mark is wrong.
func run(ctx context.Context, out io.Writer, dir string, o options) (bool, error) {
	start := time.Now()
	dir, err := filepath.Abs(dir)
	if err != nil {
		return false, err
	}
	targets, err := readTargets(o.targets)
	if err != nil {
		return false, err
	}
	scratch, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(scratch)
	s := &session{options: o, out: out, module: dir, scratch: scratch, binaries: map[string]*binary{}}
	if err := s.load(targets); err != nil {
		return false, err
	}
	wrong := s.reportMarks()
	if o.list {
		s.listMutants()
		return wrong == 0, nil
	}
	chosen := s.choose()
	if o.limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, o.limit-time.Since(start), errOver)
		defer cancel()
	}
	if err := s.try(ctx, chosen); err != nil {
		return false, err
	}
	return s.summary(time.Since(start)) && wrong == 0, nil
}
