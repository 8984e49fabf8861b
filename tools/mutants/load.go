package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// target is a package that is mutated.
type target struct {
	path  string   // relative to the module's folder
	files []string // patterns of its files that are mutated
	tests []string // packages whose tests are run, relative to the module's folder, in this order
}

// readTargets reads a table of targets. A line has the package's folder, patterns of its files
// separated by commas, and the folders of the packages whose tests are run. # begins a comment.
func readTargets(file string) ([]target, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var targets []target
	for i, line := range strings.Split(string(data), "\n") {
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		switch {
		case len(words) == 0:
			continue
		case len(words) < 3:
			return nil, fmt.Errorf("%s:%d: want a package, its files and the packages to test", file, i+1)
		}
		targets = append(targets, target{words[0], strings.Split(words[1], ","), words[2:]})
	}
	if len(targets) == 0 {
		return nil, fmt.Errorf("%s: it names no package", file)
	}
	return targets, nil
}

// program is a package that is mutated, as it is read from disk.
type program struct {
	target
	dir     string
	name    string
	fset    *token.FileSet
	files   []*source
	rest    []*ast.File // the other files of the package, which are only type-checked
	config  types.Config
	info    *types.Info // of the package as it is
	imports string      // its import path
}

// source is a file that is mutated.
type source struct {
	name string // relative to the module's folder
	path string
	text []byte
	ast  *ast.File
}

// load reads the targets in the module of dir and type-checks them.
func load(dir string, targets []target) ([]*program, error) {
	args := []string{"list", "-export", "-deps", "-json=ImportPath,Export,Dir,Name,GoFiles,DepOnly,Error"}
	for _, t := range targets {
		args = append(args, "./"+t.path)
	}
	out, err := goCommand(dir, args...)
	if err != nil {
		return nil, err
	}
	type listed struct {
		ImportPath, Export, Dir, Name string
		GoFiles                       []string
		DepOnly                       bool
	}
	exports, byDir := map[string]string{}, map[string]listed{}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var l listed
		if err := d.Decode(&l); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, fmt.Errorf("read the output of go list: %w", err)
		}
		exports[l.ImportPath] = l.Export
		byDir[l.Dir] = l
	}
	open := func(path string) (io.ReadCloser, error) {
		if exports[path] == "" {
			return nil, fmt.Errorf("go list has no export data of %s", path)
		}
		return os.Open(exports[path])
	}
	var programs []*program
	for _, t := range targets {
		p := &program{target: t, dir: filepath.Join(dir, t.path), fset: token.NewFileSet()}
		l, ok := byDir[p.dir]
		if !ok {
			return nil, fmt.Errorf("go list does not name the package in %s", p.dir)
		}
		p.name, p.imports = l.Name, l.ImportPath
		p.config = types.Config{Importer: importer.ForCompiler(p.fset, "gc", open)}
		if err := p.parse(l.GoFiles); err != nil {
			return nil, err
		}
		if p.info, err = p.check(); err != nil {
			return nil, err
		}
		programs = append(programs, p)
	}
	return programs, nil
}

func (p *program) parse(names []string) error {
	unused := slices.Clone(p.target.files)
	for _, name := range names {
		path := filepath.Join(p.dir, name)
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		f, err := parser.ParseFile(p.fset, path, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		mutated := false
		for _, pattern := range p.target.files {
			if ok, err := filepath.Match(pattern, name); err != nil {
				return fmt.Errorf("%s: %q: %w", p.path, pattern, err)
			} else if ok {
				mutated = true
				unused = slices.DeleteFunc(unused, func(u string) bool { return u == pattern })
			}
		}
		if mutated {
			p.files = append(p.files, &source{filepath.ToSlash(filepath.Join(p.path, name)), path, text, f})
		} else {
			p.rest = append(p.rest, f)
		}
	}
	if len(unused) > 0 {
		return fmt.Errorf("%s: no file has the name %s", p.path, strings.Join(unused, ", "))
	}
	return nil
}

// check type-checks the package as its syntax trees are at the moment.
func (p *program) check() (*types.Info, error) {
	info := &types.Info{
		Types: map[ast.Expr]types.TypeAndValue{},
		Defs:  map[*ast.Ident]types.Object{},
	}
	all := slices.Clone(p.rest)
	for _, s := range p.files {
		all = append(all, s.ast)
	}
	_, err := p.config.Check(p.imports, p.fset, all, info)
	return info, err
}

// goCommand runs go in dir and returns its standard output.
func goCommand(dir string, args ...string) ([]byte, error) {
	cmd := exec.Command("go", args...)
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return out, fmt.Errorf("go %s: %w\n%s", args[0], err, &stderr)
	}
	return out, nil
}
