// Package template executes templates of host names, in the syntax of text/template.
//
// That package finds methods by name. A program that links it keeps every exported method of every
// type that it can reach, which is 4 MB of addingress. Its parser (text/template/parse) links nothing. So
// this package executes what the parser has read: text, .Name and .Namespace, constants, if with else,
// pipelines, and the functions and, or, not, eq, ne, lt, le, gt, ge, len, slice, print and printf, with
// their meanings. Parse returns an error for the rest: variables, range, with, define, template.
package template

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"text/template/parse"
)

// Data is what a template is executed with.
type Data struct{ Name, Namespace string }

// Template is a parsed template. It is immutable and safe for concurrent use.
type Template struct{ write step }

// Parse parses a template. Its error says what is wrong, or which part of the syntax is left out.
func Parse(text string) (*Template, error) {
	known := map[string]any{}
	for name := range functions {
		known[name] = true
	}
	trees, err := parse.Parse("host", text, "", "", known)
	if err != nil {
		return nil, errors.New(strings.TrimPrefix(err.Error(), "template: "))
	}
	if len(trees) > 1 {
		return nil, errors.New("a host template has no define and no block")
	}
	tree := trees["host"]
	if tree == nil { // an empty text
		tree = &parse.Tree{Root: &parse.ListNode{}}
	}
	write, err := list(tree.Root)
	if err != nil {
		return nil, err
	}
	return &Template{write}, nil
}

// Execute returns what the template makes of d. Its error is that of a function.
func (t *Template) Execute(d Data) (string, error) {
	var b strings.Builder
	if err := t.write(&b, d); err != nil {
		return "", err
	}
	return b.String(), nil
}

// value is a string, int or bool.
type value any

// expression is what a pipeline, or a part of one, means for a Service.
type expression func(Data) (value, error)

// step writes what a part of a template makes for a Service.
type step func(*strings.Builder, Data) error

// functions are those of text/template that make sense of strings. They have its names and meanings.
var functions map[string]func(args []value) (value, error)

func init() { // a literal that refers to its own functions would be a loop
	functions = map[string]func([]value) (value, error){
		"and":    func(args []value) (value, error) { return first(args, false) },
		"or":     func(args []value) (value, error) { return first(args, true) },
		"not":    exactly(1, func(args []value) (value, error) { return !isTrue(args[0]), nil }),
		"len":    exactly(1, length),
		"eq":     equal,
		"ne":     exactly(2, func(args []value) (value, error) { same, err := equal(args); return err == nil && same == false, err }),
		"lt":     ordered(func(order int) bool { return order < 0 }),
		"le":     ordered(func(order int) bool { return order <= 0 }),
		"gt":     ordered(func(order int) bool { return order > 0 }),
		"ge":     ordered(func(order int) bool { return order >= 0 }),
		"slice":  slice,
		"print":  func(args []value) (value, error) { return fmt.Sprint(anys(args)...), nil },
		"printf": printf,
	}
}

// list returns the step of several nodes; nil is none.
func list(nodes *parse.ListNode) (step, error) {
	var steps []step
	if nodes != nil {
		for _, n := range nodes.Nodes {
			s, err := node(n)
			if err != nil {
				return nil, err
			}
			steps = append(steps, s)
		}
	}
	return func(b *strings.Builder, d Data) error {
		for _, s := range steps {
			if err := s(b, d); err != nil {
				return err
			}
		}
		return nil
	}, nil
}

func node(n parse.Node) (step, error) {
	switch n := n.(type) {
	case *parse.TextNode:
		return func(b *strings.Builder, _ Data) error { b.Write(n.Text); return nil }, nil
	case *parse.ActionNode:
		e, err := pipeline(n.Pipe)
		if err != nil {
			return nil, err
		}
		return func(b *strings.Builder, d Data) error {
			v, err := e(d)
			fmt.Fprint(b, v)
			return err
		}, nil
	case *parse.IfNode:
		condition, err := pipeline(n.Pipe)
		then, err2 := list(n.List)
		otherwise, err3 := list(n.ElseList)
		if err := errors.Join(err, err2, err3); err != nil {
			return nil, err
		}
		return func(b *strings.Builder, d Data) error {
			v, err := condition(d)
			switch {
			case err != nil:
				return err
			case isTrue(v):
				return then(b, d)
			}
			return otherwise(b, d)
		}, nil
	}
	return nil, unknown(n)
}

func unknown(n parse.Node) error {
	return fmt.Errorf("a host template cannot have %s: it has text, .Name, .Namespace, if, and functions", n)
}

// pipeline returns what the commands mean, each of which gets the one before as its last argument.
func pipeline(p *parse.PipeNode) (expression, error) {
	if len(p.Decl) > 0 {
		return nil, errors.New("a host template has no variables: " + p.String())
	}
	var e expression
	for _, c := range p.Cmds {
		var err error
		if e, err = command(c, e); err != nil {
			return nil, err
		}
	}
	return e, nil
}

// command returns what a function and its arguments, or a value, mean. last may be nil.
func command(c *parse.CommandNode, last expression) (expression, error) {
	f, isFunction := c.Args[0].(*parse.IdentifierNode)
	if !isFunction {
		if len(c.Args) > 1 || last != nil {
			return nil, fmt.Errorf("can't give argument to non-function %s", c.Args[0])
		}
		return operand(c.Args[0])
	}
	var args []expression
	for _, a := range c.Args[1:] {
		e, err := operand(a)
		if err != nil {
			return nil, err
		}
		args = append(args, e)
	}
	if last != nil {
		args = append(args, last)
	}
	return func(d Data) (value, error) {
		var values []value
		for _, e := range args {
			v, err := e(d)
			if err != nil {
				return nil, err
			}
			values = append(values, v)
			if stop, lazy := stopsAt[f.Ident]; lazy && isTrue(v) == stop {
				break // as text/template, which does not evaluate the rest
			}
		}
		v, err := functions[f.Ident](values)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Ident, err)
		}
		return v, nil
	}, nil
}

func operand(n parse.Node) (expression, error) {
	constant := func(v value) (expression, error) {
		return func(Data) (value, error) { return v, nil }, nil
	}
	switch n := n.(type) {
	case *parse.FieldNode:
		switch {
		case n.Ident[0] != "Name" && n.Ident[0] != "Namespace":
			return nil, fmt.Errorf("can't evaluate field %s: a Service has .Name and .Namespace here", n.Ident[0])
		case len(n.Ident) > 1:
			return nil, fmt.Errorf("can't evaluate field %s of .%s, which is a text", n.Ident[1], n.Ident[0])
		case n.Ident[0] == "Name":
			return func(d Data) (value, error) { return d.Name, nil }, nil
		}
		return func(d Data) (value, error) { return d.Namespace, nil }, nil
	case *parse.StringNode:
		return constant(n.Text)
	case *parse.BoolNode:
		return constant(n.True)
	case *parse.NumberNode:
		if n.IsInt && int64(int(n.Int64)) == n.Int64 {
			return constant(int(n.Int64))
		}
	case *parse.PipeNode:
		return pipeline(n)
	case *parse.IdentifierNode: // a function without arguments
		return command(&parse.CommandNode{Args: []parse.Node{n}}, nil)
	}
	return nil, unknown(n)
}

func anys(values []value) []any {
	all := make([]any, len(values))
	for i, v := range values {
		all[i] = v
	}
	return all
}

// stopsAt are the functions that evaluate their arguments only up to one of this truth.
var stopsAt = map[string]bool{"and": false, "or": true}

func isTrue(v value) bool { return v != "" && v != 0 && v != false }

// first returns the first value whose truth is stop, or the last one.
func first(args []value, stop bool) (value, error) {
	if len(args) == 0 {
		return nil, errors.New("it needs an argument")
	}
	for _, v := range args {
		if isTrue(v) == stop {
			return v, nil
		}
	}
	return args[len(args)-1], nil
}

// exactly returns f with a check of the number of its arguments.
func exactly(n int, f func([]value) (value, error)) func([]value) (value, error) {
	return func(args []value) (value, error) {
		if len(args) != n {
			return nil, fmt.Errorf("%d arguments, want %d", len(args), n)
		}
		return f(args)
	}
}

func length(args []value) (value, error) {
	text, ok := args[0].(string)
	if !ok {
		return nil, fmt.Errorf("%v is no text", args[0])
	}
	return len(text), nil
}

// equal reports whether the first argument is one of the others.
func equal(args []value) (value, error) {
	if len(args) < 2 {
		return nil, errors.New("nothing to compare with")
	}
	for _, v := range args[1:] {
		if fmt.Sprintf("%T", v) != fmt.Sprintf("%T", args[0]) {
			return nil, fmt.Errorf("%v and %v cannot be compared", args[0], v)
		}
		if v == args[0] {
			return true, nil
		}
	}
	return false, nil
}

func ordered(is func(order int) bool) func([]value) (value, error) {
	return exactly(2, func(args []value) (value, error) {
		switch a := args[0].(type) {
		case string:
			if b, ok := args[1].(string); ok {
				return is(strings.Compare(a, b)), nil
			}
		case int:
			if b, ok := args[1].(int); ok {
				return is(cmp.Compare(a, b)), nil
			}
		}
		return nil, fmt.Errorf("%v and %v cannot be compared", args[0], args[1])
	})
}

// slice returns a part of a text: from an index, up to another one.
func slice(args []value) (value, error) {
	if len(args) < 1 || len(args) > 3 {
		return nil, fmt.Errorf("%d arguments, want a text and up to two indexes", len(args))
	}
	text, ok := args[0].(string)
	if !ok {
		return nil, fmt.Errorf("%v is no text", args[0])
	}
	bounds := [2]int{0, len(text)}
	for i, v := range args[1:] {
		n, ok := v.(int)
		if !ok || n < 0 || n > len(text) {
			return nil, fmt.Errorf("%v is no index of a text of %d bytes", v, len(text))
		}
		bounds[i] = n
	}
	if bounds[0] > bounds[1] {
		return nil, fmt.Errorf("the index %d is above %d", bounds[0], bounds[1])
	}
	return text[bounds[0]:bounds[1]], nil
}

func printf(args []value) (value, error) {
	if len(args) == 0 {
		return nil, errors.New("it needs a format")
	}
	format, ok := args[0].(string)
	if !ok {
		return nil, fmt.Errorf("the format %v is no text", args[0])
	}
	return fmt.Sprintf(format, anys(args[1:])...), nil
}
