package main

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"regexp"
	"slices"
	"strings"
)

// mutant is one change of a source file.
type mutant struct {
	id         int
	program    *program
	source     *source
	start, end int // of the bytes that it replaces, in source.text
	line       int
	from, to   string
	operator   bool  // it changes the operator of a comparison
	mark       *mark // why it is not run; nil: it is

	// An instance of a mutant is in the instrumented package, unless the mutant has a compile of
	// its own: if it changes what must be a constant, or what other packages see.
	alone bool
	// declared is set in the declaration of a constant. The tests may read that constant, which an
	// instrumented package leaves as it is.
	declared bool
	fails    error // why it does not compile
}

func (m *mutant) String() string {
	return fmt.Sprintf("%s:%d: %s → %s", m.source.name, m.line, m.from, m.to)
}

// place is an expression that an instrumented package computes in another way: a constant whose
// value mutants change, or a comparison.
type place struct {
	source     *source
	start, end int

	// A constant has a type and, by mutant, other values.
	typ  string
	ids  []int
	alts []string

	// A comparison has an operator, from opStart to opEnd, and one mutant.
	op             token.Token
	opStart, opEnd int
}

// neighbour is the operator that a comparison's mutant has instead.
var neighbour = map[token.Token]token.Token{
	token.LSS: token.LEQ, token.LEQ: token.LSS,
	token.GTR: token.GEQ, token.GEQ: token.GTR,
	token.EQL: token.NEQ, token.NEQ: token.EQL,
}

// finder finds the mutants of a program.
type finder struct {
	p       *program
	only    *regexp.Regexp // the mutants that are wanted
	mutants []*mutant
	places  []*place
	nextID  int

	declared *ast.GenDecl // the last declaration of constants

	// The constant expressions of functions and variables that stand in no other one, and the
	// expressions that the language wants to be constant.
	constants map[ast.Expr]*place
	rigid     []ast.Expr
	exported  []*ast.Ident // constants
}

// find returns the mutants of p, numbered from 1 on, and the places that implement those that match
// only. What a mutant changes is found by a type check, so the others are not looked into.
func find(p *program, only *regexp.Regexp) ([]*mutant, []*place) {
	f := &finder{p: p, only: only, nextID: 1, constants: map[ast.Expr]*place{}}
	for _, s := range p.files {
		f.survey(s)
	}
	for _, file := range p.rest { // they may use a constant of a mutated file
		f.survey(&source{ast: file})
	}
	for _, s := range p.files {
		f.units(s)
	}
	f.places = slices.DeleteFunc(f.places, func(e *place) bool { return len(e.ids) == 0 })
	return f.mutants, f.places
}

func (f *finder) offset(pos token.Pos) int { return f.p.fset.Position(pos).Offset }

// survey finds the constant expressions of a file.
func (f *finder) survey(s *source) {
	counts := map[ast.Expr]bool{} // of shifts: a constant one has no type
	constant := func(n ast.Expr) (goOn bool) {
		tv := f.p.info.Types[n]
		if tv.Value == nil {
			return true
		}
		typ, ok := f.numeric(tv.Type, s)
		if counts[n] {
			typ, ok = "uint", s.text != nil
		}
		if !ok {
			f.rigid = append(f.rigid, n)
			return false
		}
		e := &place{source: s, start: f.offset(n.Pos()), end: f.offset(n.End()), typ: typ}
		f.constants[n] = e
		f.places = append(f.places, e)
		return false
	}
	var visit func(n ast.Node) bool
	visit = func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GenDecl:
			if n.Tok != token.CONST {
				return true
			}
			for _, spec := range n.Specs {
				for _, name := range spec.(*ast.ValueSpec).Names {
					if name.IsExported() {
						f.exported = append(f.exported, name)
					}
				}
			}
			return false
		case *ast.ArrayType:
			if n.Len != nil {
				f.rigid = append(f.rigid, n.Len)
			}
			ast.Inspect(n.Elt, visit)
			return false
		case *ast.CompositeLit:
			if n.Type != nil {
				ast.Inspect(n.Type, visit)
			}
			for _, e := range n.Elts {
				if kv, ok := e.(*ast.KeyValueExpr); ok {
					if f.p.info.Types[kv.Key].Value != nil {
						f.rigid = append(f.rigid, kv.Key)
					} else if _, field := kv.Key.(*ast.Ident); !field {
						ast.Inspect(kv.Key, visit)
					}
					e = kv.Value
				}
				ast.Inspect(e, visit)
			}
			return false
		case *ast.BinaryExpr:
			if n.Op == token.SHL || n.Op == token.SHR {
				counts[n.Y] = true
			}
			return constant(n)
		case *ast.AssignStmt:
			if n.Tok == token.SHL_ASSIGN || n.Tok == token.SHR_ASSIGN {
				counts[n.Rhs[0]] = true
			}
		case ast.Expr:
			return constant(n)
		}
		return true
	}
	ast.Inspect(s.ast, visit)
}

// numeric returns how a numeric type is written in a file.
func (f *finder) numeric(t types.Type, s *source) (string, bool) {
	b, ok := t.Underlying().(*types.Basic)
	if !ok || b.Info()&(types.IsInteger|types.IsFloat) == 0 || b.Info()&types.IsUntyped != 0 {
		return "", false
	}
	known := s.text != nil
	name := types.TypeString(t, func(pkg *types.Package) string {
		if pkg.Path() == f.p.imports {
			return ""
		}
		for _, i := range s.ast.Imports {
			if strings.Trim(i.Path.Value, `"`) != pkg.Path() {
				continue
			}
			if i.Name != nil {
				return i.Name.Name
			}
			return pkg.Name()
		}
		known = false
		return pkg.Name()
	})
	return name, known
}

// units finds the mutants of a file: constants that consist of literals only, and comparisons.
//
// A 0 that is returned beside something else is left out: the zero value beside an error or a false.
func (f *finder) units(s *source) {
	zeros := map[*ast.BasicLit]bool{}
	ast.Inspect(s.ast, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GenDecl:
			if n.Tok == token.CONST {
				f.declared = n
			}
		case *ast.ReturnStmt:
			for _, e := range n.Results {
				if lit, ok := e.(*ast.BasicLit); ok && lit.Value == "0" && len(n.Results) > 1 {
					zeros[lit] = true
				}
			}
		case *ast.BasicLit:
			if n.Kind == token.INT && !zeros[n] {
				f.literal(s, n)
			}
		case *ast.BinaryExpr:
			if onlyLiterals(n) && neighbour[n.Op] == 0 {
				f.expression(s, n)
				return false
			}
			f.comparison(s, n)
		}
		return true
	})
}

func onlyLiterals(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.BasicLit:
		return e.Kind == token.INT
	case *ast.ParenExpr:
		return onlyLiterals(e.X)
	case *ast.BinaryExpr:
		return onlyLiterals(e.X) && onlyLiterals(e.Y)
	}
	return false
}

func (f *finder) add(s *source, n ast.Node, to string) *mutant {
	m := &mutant{
		id: f.nextID, program: f.p, source: s,
		start: f.offset(n.Pos()), end: f.offset(n.End()), line: f.p.fset.Position(n.Pos()).Line, to: to,
	}
	m.from = string(s.text[m.start:m.end])
	m.declared = f.declared != nil && f.declared.Pos() <= n.Pos() && n.End() <= f.declared.End()
	f.nextID++
	f.mutants = append(f.mutants, m)
	return m
}

// literal finds the two mutants of a literal.
func (f *finder) literal(s *source, lit *ast.BasicLit) {
	was := lit.Value
	value := constant.MakeFromLiteral(was, token.INT, 0)
	for _, by := range []int64{-1, 1} {
		to := constant.BinaryOp(value, token.ADD, constant.MakeInt64(by)).ExactString()
		lit.Value = to
		f.apply(f.add(s, lit, to))
	}
	lit.Value = was
}

// expression finds the two mutants of an expression of literals.
func (f *finder) expression(s *source, e *ast.BinaryExpr) {
	was := *e
	for _, op := range []token.Token{token.SUB, token.ADD} {
		inner := was
		*e = ast.BinaryExpr{
			X: &ast.ParenExpr{X: &inner, Lparen: was.Pos(), Rparen: was.End()}, Op: op, OpPos: was.OpPos,
			Y: &ast.BasicLit{Kind: token.INT, Value: "1", ValuePos: was.Y.Pos(), ValueEnd: was.Y.End()},
		}
		m := f.add(s, &was, "("+string(s.text[f.offset(was.Pos()):f.offset(was.End())])+") "+op.String()+" 1")
		f.apply(m)
	}
	*e = was
}

// apply finds what a mutant changes, while the syntax tree has the change.
func (f *finder) apply(m *mutant) {
	if !f.only.MatchString(m.String()) {
		return
	}
	info, err := f.p.check()
	if err != nil {
		m.fails = err
		return
	}
	differs := func(e ast.Expr) bool {
		a, b := f.p.info.Types[e].Value, info.Types[e].Value
		return a != nil && b != nil && a.ExactString() != b.ExactString()
	}
	m.alone = slices.ContainsFunc(f.rigid, differs) || slices.ContainsFunc(f.exported, func(name *ast.Ident) bool {
		a, b := f.p.info.Defs[name].(*types.Const).Val(), info.Defs[name].(*types.Const).Val()
		return a.ExactString() != b.ExactString()
	})
	if m.alone {
		return
	}
	for e, at := range f.constants {
		if differs(e) {
			at.ids = append(at.ids, m.id)
			at.alts = append(at.alts, info.Types[e].Value.ExactString())
		}
	}
}

// comparison finds the mutant of a comparison of numbers. One for equality has a mutant only if one
// of its sides is a constant.
func (f *finder) comparison(s *source, n *ast.BinaryExpr) {
	to, ok := neighbour[n.Op]
	whole, x, y := f.p.info.Types[n], f.p.info.Types[n.X], f.p.info.Types[n.Y]
	if !ok || x.Type == nil || y.Type == nil || !isNumber(x.Type) || !isNumber(y.Type) {
		return
	}
	if (n.Op == token.EQL || n.Op == token.NEQ) && x.Value == nil && y.Value == nil {
		return
	}
	at := f.offset(n.OpPos)
	m := f.add(s, n, "")
	m.from = fmt.Sprintf("%s %s %s", s.text[m.start:f.offset(n.X.End())], n.Op, s.text[f.offset(n.Y.Pos()):m.end])
	m.from = strings.Join(strings.Fields(m.from), " ")
	m.to, m.operator = to.String(), true
	m.line = f.p.fset.Position(n.OpPos).Line
	start, end := m.start, m.end
	m.start, m.end = at, at+len(n.Op.String())
	if whole.Value != nil { // a constant itself
		m.alone = true
		return
	}
	f.places = append(f.places, &place{
		source: s, start: start, end: end, op: n.Op, opStart: m.start, opEnd: m.end, ids: []int{m.id},
	})
}

func isNumber(t types.Type) bool {
	b, ok := t.Underlying().(*types.Basic)
	return ok && b.Info()&(types.IsInteger|types.IsFloat) != 0
}
