package kind

import (
	"slices"
	"strings"
)

//go:generate go run ./internal/gentable builtin.go

// pkg is the part of the table that one Go package of API types makes up: one group version.
//
// The table holds nothing but constants, so the linker lays it out and starting a program costs
// nothing for it.
type pkg struct {
	path, group, version string
	kinds                []entry // sorted by kind
}

// entry is one kind; its name is that of the Go type.
type entry struct {
	kind, resource string
	namespaced     bool
}

const (
	cluster    = false
	namespaced = true
)

// full returns an entry as an Info. The API server supports protobuf for every built-in kind.
func (p *pkg) full(e *entry) Info {
	return Info{
		Group: p.group, Version: p.version, Kind: e.kind,
		Resource: e.resource, Namespaced: e.namespaced, Protobuf: true,
	}
}

// builtinType finds a built-in kind by its Go type.
func builtinType(path, name string) (Info, bool) {
	p, ok := builtinPackage(path)
	if !ok {
		return Info{}, false
	}
	return p.find(name)
}

// builtinPackage finds the part of the table for a package of Go types.
func builtinPackage(path string) (*pkg, bool) {
	i, ok := slices.BinarySearchFunc(builtins[:], path, func(p pkg, path string) int {
		return strings.Compare(p.path, path)
	})
	if !ok {
		return nil, false
	}
	return &builtins[i], true
}

func (p *pkg) find(kind string) (Info, bool) {
	i, ok := slices.BinarySearchFunc(p.kinds, kind, func(e entry, kind string) int {
		return strings.Compare(e.kind, kind)
	})
	if !ok {
		return Info{}, false
	}
	return p.full(&p.kinds[i]), true
}

// builtinGroupVersion finds the part of the table for a group version. There are about fifty: a
// walk is fast enough, and an index would take memory in every program.
func builtinGroupVersion(group, version string) (*pkg, bool) {
	for i := range builtins {
		if p := &builtins[i]; p.group == group && p.version == version {
			return p, true
		}
	}
	return nil, false
}
