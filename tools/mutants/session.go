package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

type outcome int

const (
	survived outcome = iota
	killed
	slow     // killed by the limit of its time
	unbuilt  // it does not compile
	unlinked // the test package does not compile with it
)

// result is what became of a mutant.
type result struct {
	*mutant
	outcome outcome
	tests   int // that were run
}

var (
	errOver     = errors.New("the time is over")
	errLearning = errors.New("the time to learn what the tests come by is over")
)

// session is one run of this program.
type session struct {
	options
	out     io.Writer
	module  string
	scratch string

	programs []*program
	mutants  []*mutant
	marks    []*mark
	problems []error
	binaries map[string]*binary // by package: the instrumented ones
	overlay  *overlay

	mu      sync.Mutex
	results []result
}

// load reads the targets, finds the mutants, and writes the instrumented files.
func (s *session) load(targets []target) (err error) {
	if s.programs, err = load(s.module, targets); err != nil {
		return err
	}
	if s.overlay, err = newOverlay(filepath.Join(s.scratch, "all")); err != nil {
		return err
	}
	mutants, places := make([][]*mutant, len(s.programs)), make([][]*place, len(s.programs))
	var group sync.WaitGroup
	for i, p := range s.programs {
		group.Go(func() { mutants[i], places[i] = find(p, s.only) })
	}
	group.Wait()
	for i, p := range s.programs {
		for _, m := range mutants[i] {
			m.id += len(s.mutants)
		}
		for _, e := range places[i] {
			for n := range e.ids {
				e.ids[n] += len(s.mutants)
			}
		}
		s.mutants = append(s.mutants, mutants[i]...)
		marks, problems := p.mark(mutants[i])
		s.marks, s.problems = append(s.marks, marks...), append(s.problems, problems...)
	}
	for i, p := range s.programs {
		if err := s.overlay.instrument(p, places[i], len(s.mutants)+1); err != nil {
			return err
		}
	}
	return nil
}

func (s *session) reportMarks() (wrong int) {
	for _, err := range s.problems {
		fmt.Fprintln(s.out, err)
	}
	return len(s.problems)
}

func (s *session) listMutants() {
	for _, m := range s.mutants {
		if !s.only.MatchString(m.String()) {
			continue
		}
		note := ""
		switch {
		case m.mark != nil:
			note = fmt.Sprintf(" (%s: %s)", m.mark.kind, m.mark.reason)
		case m.fails != nil:
			note = " (does not compile)"
		case m.alone:
			note = " (compiled for itself)"
		}
		fmt.Fprintf(s.out, "%s%s\n", m, note)
	}
}

// choose returns the mutants to try, in the order of the sample.
func (s *session) choose() (chosen []*mutant) {
	for _, m := range s.mutants {
		if (m.mark != nil) == s.marked && s.only.MatchString(m.String()) {
			chosen = append(chosen, m)
		}
	}
	if s.limit > 0 {
		fmt.Fprintf(s.out, "mutants: a sample of %d for %v, seed %d\n", len(chosen), s.limit, s.seed)
		r := rand.New(rand.NewPCG(s.seed, 0))
		r.Shuffle(len(chosen), func(i, j int) { chosen[i], chosen[j] = chosen[j], chosen[i] })
	}
	return chosen
}

// try runs the tests against the mutants. That the time is over is no error.
func (s *session) try(ctx context.Context, chosen []*mutant) error {
	err := s.prepare(ctx, chosen)
	if err == nil {
		chosen = slices.DeleteFunc(slices.Clone(chosen), func(m *mutant) bool { return !s.learned(m) })
		err = each(ctx, s.workers, chosen, s.tryOne)
	}
	if errors.Is(context.Cause(ctx), errOver) {
		return nil
	}
	return err
}

// learned reports whether all tests that must notice m are known.
func (s *session) learned(m *mutant) bool {
	return !slices.ContainsFunc(m.program.tests, func(pkg string) bool { return !s.binaries[pkg].learned })
}

// prepare compiles the instrumented packages of the chosen mutants, and measures their tests. Of the
// time of a sample it leaves a third to the mutants: a package that is not measured by then is
// named, and mutants that its tests must notice are not tried. The packages of the first mutants
// are measured first.
func (s *session) prepare(ctx context.Context, chosen []*mutant) error {
	file, err := s.overlay.write()
	if err != nil {
		return err
	}
	var pkgs []string
	for _, m := range chosen {
		for _, pkg := range m.program.tests {
			if s.binaries[pkg] == nil {
				s.binaries[pkg] = binaryOf(s.module, filepath.Join(s.scratch, "all"), pkg)
				pkgs = append(pkgs, pkg)
			}
		}
	}
	if len(pkgs) == 0 {
		return nil
	}
	if end, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, time.Until(end)-s.limit/3, errLearning)
		defer cancel()
	}
	err = each(ctx, s.workers, pkgs, func(ctx context.Context, pkg string) error {
		if err := build(ctx, s.module, filepath.Join(s.scratch, "all"), file, []string{pkg}); err != nil {
			return err
		}
		return s.binaries[pkg].measure(ctx, s.out, s.scratch)
	})
	if cause := context.Cause(ctx); !errors.Is(cause, errLearning) && !errors.Is(cause, errOver) {
		return err
	}
	for _, pkg := range pkgs {
		if !s.binaries[pkg].learned {
			fmt.Fprintf(s.out, "%s: not compiled and run once in two thirds of the time; no mutant that its tests must notice is tried\n", pkg)
		}
	}
	return nil
}

func (s *session) tryOne(ctx context.Context, m *mutant) error {
	r := result{mutant: m}
	switch {
	case m.fails != nil:
		r.outcome = unbuilt
	case m.alone:
		if err := s.tryAlone(ctx, &r); err != nil {
			return err
		}
	default:
		for _, pkg := range m.program.tests {
			if r.outcome == survived {
				if err := s.binaries[pkg].kill(ctx, m, &r, false); err != nil {
					return err
				}
			}
		}
		if r.outcome == survived && m.declared {
			if err := s.tryAlone(ctx, &r); err != nil {
				return err
			}
		}
	}
	s.note(r)
	return nil
}

// tryAlone compiles the tests with one mutant in the source.
func (s *session) tryAlone(ctx context.Context, r *result) error {
	dir := filepath.Join(s.scratch, fmt.Sprint(r.id))
	defer os.RemoveAll(dir)
	o, err := newOverlay(dir)
	if err != nil {
		return err
	}
	if err := o.alone(r.mutant); err != nil {
		return err
	}
	file, err := o.write()
	if err != nil {
		return err
	}
	for _, pkg := range r.program.tests {
		if err := build(ctx, s.module, dir, file, []string{pkg}); err != nil {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			r.outcome = unlinked
			return nil
		}
		b := binaryOf(s.module, dir, pkg)
		b.tests = s.binaries[pkg].tests
		if err := b.kill(ctx, r.mutant, r, true); err != nil || r.outcome != survived {
			return err
		}
	}
	return nil
}

func (s *session) note(r result) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.results = append(s.results, r)
	what := map[outcome]string{
		survived: "SURVIVED", killed: "killed", slow: "killed by time-out", unbuilt: "does not compile",
		unlinked: "does not compile with its tests",
	}[r.outcome]
	if r.outcome == survived && !s.marked || s.verbose {
		fmt.Fprintf(s.out, "%s: %s (%d tests)\n", r.mutant, what, r.tests)
	}
}

// summary prints what became of the mutants, and reports whether that is as it should be. A run that
// tried no mutant says nothing about the tests, and fails.
func (s *session) summary(took time.Duration) bool {
	count := map[outcome]int{}
	stands := map[*mark]bool{}
	for _, r := range s.results {
		count[r.outcome]++
		if r.outcome == survived && r.mark != nil {
			stands[r.mark] = true
		}
	}
	ok := count[survived] == 0
	if s.marked {
		ok = true
		for _, k := range s.marks {
			tried := slices.ContainsFunc(s.results, func(r result) bool { return r.mark == k })
			if tried && !stands[k] {
				ok = false
				fmt.Fprintf(s.out, "%s:%d: a mark whose mutants are all killed\n", k.source.name, k.line)
			}
		}
	}
	excepted := 0
	byReason := map[string]int{}
	for _, m := range s.mutants {
		if m.mark != nil {
			excepted++
			byReason[m.mark.kind]++
		}
	}
	fmt.Fprintf(s.out, "mutants: %d of %d tried in %v: %d killed, %d of them by time-out; %d do not compile; %d survived\n",
		len(s.results), len(s.mutants), took.Round(time.Second), count[killed]+count[slow], count[slow],
		count[unbuilt]+count[unlinked], count[survived])
	fmt.Fprintf(s.out, "mutants: %d are marked at %d places: %d tuning, %d equal\n",
		excepted, len(s.marks), byReason["tuning"], byReason["equal"])
	if s.limit == 0 && !s.marked {
		slices.SortStableFunc(s.marks, func(a, b *mark) int { return cmp.Compare(a.source.name, b.source.name) })
		for _, k := range s.marks {
			fmt.Fprintf(s.out, "  %s:%d: %s: %s\n", k.source.name, k.line, k.kind, k.reason)
		}
	}
	if len(s.results) == 0 {
		fmt.Fprintln(s.out, "mutants: no mutant was tried: the time is too short, or the expression matches none")
		return false
	}
	return ok
}
