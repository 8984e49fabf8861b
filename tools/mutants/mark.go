package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// mark is a comment that excepts the mutants of a line from the run, with the reason:
//
//	//mutants:tuning reason    the mutant only makes the program a little slower or larger
//	//mutants:equal reason     the mutant does the same as the program
//
// It stands at the end of the line, or above it, where the comments below it go on with the reason.
// With brackets, it holds for some of the line's mutants: //mutants:equal[>=,63] reason.
type mark struct {
	source *source
	line   int
	kind   string
	only   []string
	reason string
	used   int
}

var marking = regexp.MustCompile(`^//\s*mutants:(\w*)(?:\[([^\]]*)\])?(.*)$`)

// marks returns the marks of a file.
func (p *program) marks(s *source) (marks []*mark, problems []error) {
	code := map[int]bool{} // lines that are not comments alone
	comments := map[int]bool{}
	lines := strings.Split(string(s.text), "\n")
	for i, line := range lines {
		line = strings.TrimSpace(line)
		comments[i+1] = strings.HasPrefix(line, "//")
		code[i+1] = line != "" && !comments[i+1]
	}
	for _, group := range s.ast.Comments {
		for i, c := range group.List {
			found := marking.FindStringSubmatch(c.Text)
			if found == nil {
				continue
			}
			m := &mark{source: s, line: p.fset.Position(c.Pos()).Line, kind: found[1]}
			if found[2] != "" {
				m.only = strings.Split(found[2], ",")
			}
			reason := []string{strings.TrimSpace(found[3])}
			at := fmt.Sprintf("%s:%d", s.name, m.line)
			if !code[m.line] {
				for _, next := range group.List[i+1:] {
					if marking.MatchString(next.Text) {
						break
					}
					reason = append(reason, strings.TrimSpace(strings.TrimPrefix(next.Text, "//")))
				}
				for comments[m.line] {
					m.line++
				}
			}
			m.reason = strings.TrimSpace(strings.Join(reason, " "))
			switch {
			case m.kind != "tuning" && m.kind != "equal":
				problems = append(problems, fmt.Errorf("%s: a mark is mutants:tuning or mutants:equal", at))
			case m.reason == "":
				problems = append(problems, fmt.Errorf("%s: a mark without a reason", at))
			default:
				marks = append(marks, m)
			}
		}
	}
	return marks, problems
}

// mark gives each mutant the mark that excepts it. A mark that excepts none is a problem.
func (p *program) mark(mutants []*mutant) (all []*mark, problems []error) {
	for _, s := range p.files {
		marks, wrong := p.marks(s)
		problems = append(problems, wrong...)
		all = append(all, marks...)
		for _, k := range marks {
			unused := slices.Clone(k.only)
			for _, m := range mutants {
				if m.source != s || m.line != k.line {
					continue
				}
				if len(k.only) > 0 {
					if !slices.Contains(k.only, m.to) {
						continue
					}
					unused = slices.DeleteFunc(unused, func(to string) bool { return to == m.to })
				}
				m.mark = k
				k.used++
			}
			if k.used == 0 || len(unused) > 0 {
				problems = append(problems, fmt.Errorf("%s:%d: a mark without a mutant %s",
					s.name, k.line, strings.Join(unused, ", ")))
			}
		}
	}
	return all, problems
}
