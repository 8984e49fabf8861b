package wire

import (
	"fmt"
	"strings"
)

// PathError says that a field path cannot be used: it is not written as paths are, the type has
// nothing by that path, or what is asked for is not allowed there.
type PathError struct {
	Path   string   // as it was given
	Offset int      // in bytes: where in Path stands what is wrong
	Reason string   // what is wrong there
	Exists []string // what may stand there instead, sorted; empty if that is no list of names
}

// Error says which path is wrong, where in it, how, and what exists there.
func (e *PathError) Error() string {
	text := fmt.Sprintf("field path %q, at byte %d: %s", e.Path, e.Offset, e.Reason)
	if len(e.Exists) > 0 {
		text += "; there is " + strings.Join(e.Exists, ", ")
	}
	return text
}

// step is one step of a field path.
type step struct {
	kind  stepKind
	name  string // of the field or the key
	place int    // where in the path it stands
}

type stepKind uint8

const (
	stepField stepKind = iota // .name: a field of an object
	stepKey                   // ['key']: one value of a map
	stepEach                  // [*]: each element of a list, each value of a map
)

// parsePath reads a field path:
//
//	spec.containers[*].env
//	metadata.annotations['kubectl.kubernetes.io/last-applied-configuration']
//
// In a key, \' is a quote and \\ a backslash.
func parsePath(path string) ([]step, *PathError) {
	p := pathParser{path: path}
	var steps []step
	for p.i < len(path) || len(steps) == 0 {
		s, reason := p.step(len(steps) == 0)
		if reason != "" {
			return nil, &PathError{Path: path, Offset: p.i, Reason: reason}
		}
		steps = append(steps, s)
	}
	return steps, nil
}

// pathParser reads the path from place i on. Where a method returns a reason, it has read nothing
// from where it is wrong.
type pathParser struct {
	path string
	i    int
}

func (p *pathParser) step(first bool) (s step, reason string) {
	s.place = p.i
	switch rest := p.path[p.i:]; {
	case first && (strings.HasPrefix(rest, "[*]") || rest == "" || !isNameByte(rest[0]) && rest[0] != '['):
		return s, "a path begins with the name of a field"
	case strings.HasPrefix(rest, "[*]"):
		p.i += len("[*]")
		s.kind = stepEach
		return s, ""
	case strings.HasPrefix(rest, "['"):
		s.kind = stepKey
		s.name, reason = p.key()
		return s, reason
	case strings.HasPrefix(rest, "["):
		return s, "between brackets stands * or a key in single quotes"
	case first:
	case strings.HasPrefix(rest, "."):
		p.i++
		s.place = p.i
	default:
		return s, "a dot or a bracket was expected"
	}
	s.name = p.name()
	if s.name == "" {
		return s, "the name of a field was expected"
	}
	return s, ""
}

// name reads the name of a field.
func (p *pathParser) name() string {
	start := p.i
	for p.i < len(p.path) && isNameByte(p.path[p.i]) {
		p.i++
	}
	return p.path[start:p.i]
}

// key reads a key with its brackets and quotes.
func (p *pathParser) key() (key, reason string) {
	var text strings.Builder
	for i := p.i + len("['"); i < len(p.path); i++ {
		switch c := p.path[i]; {
		case c == '\\' && i+1 < len(p.path) && (p.path[i+1] == '\'' || p.path[i+1] == '\\'):
			i++
			text.WriteByte(p.path[i])
		case c == '\'' && strings.HasPrefix(p.path[i:], "']"):
			p.i = i + len("']")
			return text.String(), ""
		case c == '\'':
			p.i = i
			return "", "after the key's closing quote a bracket was expected (a quote in a key is written \\')"
		default:
			text.WriteByte(c)
		}
	}
	return "", "the key's closing quote and bracket are missing"
}

// isNameByte says whether c may stand in the name of a field after a dot.
func isNameByte(c byte) bool {
	return c > ' ' && c != 0x7f && strings.IndexByte(`.[]{}'"*\`, c) < 0
}

// isName says whether a key can be written as the name of a field.
func isName(key string) bool {
	for i := range len(key) {
		if !isNameByte(key[i]) {
			return false
		}
	}
	return key != ""
}

var escapeKey = strings.NewReplacer(`\`, `\\`, `'`, `\'`)

// canonical writes steps as a path.
func canonical(steps []step) string {
	var b strings.Builder
	for i, s := range steps {
		switch s.kind {
		case stepEach:
			b.WriteString("[*]")
		case stepKey:
			b.WriteString("['" + escapeKey.Replace(s.name) + "']")
		default:
			if i > 0 {
				b.WriteByte('.')
			}
			b.WriteString(s.name)
		}
	}
	return b.String()
}
