package fieldpath

import (
	"fmt"
	"strings"
)

// Error is a field path that cannot be used: it is malformed, the type has no field there, or the
// path is forbidden.
type Error struct {
	Path   string   // as it was given
	Offset int      // the place in Path of what is wrong, in bytes
	Reason string   // what is wrong there
	Exists []string // what may stand there instead, sorted; empty if that is no list of names
}

// Error returns the path, the place in it, the reason, and what may stand there instead.
func (e *Error) Error() string {
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

// parse reads a field path, as the package comment describes it.
func parse(path string) ([]step, *Error) {
	p := parser{path: path}
	var steps []step
	for p.i < len(path) || len(steps) == 0 {
		s, reason := p.step(len(steps) == 0)
		if reason != "" {
			return nil, &Error{Path: path, Offset: p.i, Reason: reason}
		}
		steps = append(steps, s)
	}
	return steps, nil
}

// parser reads the path from place i on. If a method returns a reason, what is wrong stands at i.
type parser struct {
	path string
	i    int
}

func (p *parser) step(first bool) (s step, reason string) {
	s.place = p.i
	switch rest := p.path[p.i:]; {
	case first && (strings.HasPrefix(rest, "[*]") || rest == "" ||
		!isNameByte(rest[0]) && rest[0] != '['):
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
func (p *parser) name() string {
	start := p.i
	for p.i < len(p.path) && isNameByte(p.path[p.i]) {
		p.i++
	}
	return p.path[start:p.i]
}

// key reads a key with its brackets and quotes.
func (p *parser) key() (key, reason string) {
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
			return "", "after the key's closing quote a bracket was expected (a quote in a key " +
				"is written \\')"
		default:
			text.WriteByte(c)
		}
	}
	return "", "the key's closing quote and bracket are missing"
}

// isNameByte reports whether c may stand in the name of a field after a dot.
func isNameByte(c byte) bool {
	return c > ' ' && c != 0x7f && strings.IndexByte(`.[]{}'"*\`, c) < 0
}

// isName reports whether a key can be written as the name of a field.
func isName(key string) bool {
	for i := range len(key) {
		if !isNameByte(key[i]) {
			return false
		}
	}
	return key != ""
}

// canonical returns steps as a path.
func canonical(steps []step) string {
	var b strings.Builder
	for i, s := range steps {
		switch s.kind {
		case stepEach:
			b.WriteString("[*]")
		case stepKey:
			b.WriteString("['" + escapeKey(s.name) + "']")
		default:
			if i > 0 {
				b.WriteByte('.')
			}
			b.WriteString(s.name)
		}
	}
	return b.String()
}

// escapeKey returns a key as it is written between the quotes.
func escapeKey(key string) string {
	return strings.ReplaceAll(strings.ReplaceAll(key, `\`, `\\`), `'`, `\'`)
}
