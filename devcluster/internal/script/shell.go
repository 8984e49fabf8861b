package script

import (
	"context"
	"errors"
	"strconv"
	"strings"
)

// sh runs a script.
func sh(ctx context.Context, p *Process, args []string) int {
	if len(args) < 2 || args[0] != "-c" {
		return p.fail(codeUsage, "sh: only sh -c SCRIPT is there")
	}
	steps, err := parse(args[1])
	if err != nil {
		return p.fail(codeUsage, "sh: %v", err)
	}
	code := 0
	for _, s := range steps {
		if s.after == "&&" && code != 0 || s.after == "||" && code == 0 {
			continue
		}
		if s.words[0] == "exit" {
			if len(s.words) == 1 {
				return code
			}
			n, err := strconv.ParseUint(s.words[1], 10, 8)
			if err != nil {
				return p.fail(codeUsage, "sh: exit: %q is not a code", s.words[1])
			}
			return int(n)
		}
		run := *p
		if s.toStderr {
			run.Stdout = p.Stderr
		}
		if code = run.call(ctx, s.words); ctx.Err() != nil {
			return Killed
		}
	}
	return code
}

// step is one command of a script.
type step struct {
	after    string // the operator before it: "", ";", "&&" or "||"
	words    []string
	toStderr bool
}

// parse cuts a script into its commands.
func parse(script string) ([]step, error) {
	var steps []step
	s := step{}
	finish := func(next string) error {
		if len(s.words) == 0 {
			if next == ";" || next == "" {
				return nil
			}
			return errors.New("a command is missing before " + next)
		}
		steps = append(steps, s)
		s = step{after: next}
		return nil
	}
	for rest := script; ; {
		rest = strings.TrimLeft(rest, " \t")
		switch {
		case rest == "":
			return steps, finish("")
		case rest[0] == '#':
			if end := strings.IndexByte(rest, '\n'); end >= 0 {
				rest = rest[end:]
			} else {
				rest = ""
			}
		case strings.HasPrefix(rest, "&&"), strings.HasPrefix(rest, "||"):
			if err := finish(rest[:2]); err != nil {
				return nil, err
			}
			rest = rest[2:]
		case rest[0] == ';' || rest[0] == '\n':
			if err := finish(";"); err != nil {
				return nil, err
			}
			rest = rest[1:]
		case strings.HasPrefix(rest, ">&2"):
			s.toStderr = true
			rest = rest[3:]
		default:
			word, after, err := word(rest)
			if err != nil {
				return nil, err
			}
			s.words = append(s.words, word)
			rest = after
		}
	}
}

// word cuts off the first word of a script.
func word(script string) (word, rest string, err error) {
	var b strings.Builder
	for i := 0; i < len(script); {
		switch c := script[i]; {
		case c == '\'' || c == '"':
			end := strings.IndexByte(script[i+1:], c)
			if end < 0 {
				return "", "", errors.New("a quote has no end")
			}
			b.WriteString(script[i+1 : i+1+end])
			i += end + 2
		case c == '\\' && i+1 < len(script):
			b.WriteByte(script[i+1])
			i += 2
		case strings.IndexByte("|&<>()$`{}*", c) >= 0 && !strings.HasPrefix(script[i:], ">&2"):
			if strings.HasPrefix(script[i:], "&&") || strings.HasPrefix(script[i:], "||") {
				return b.String(), script[i:], nil
			}
			return "", "", errors.New("this shell has no " + string(c))
		case strings.IndexByte(" \t\n;>", c) >= 0:
			return b.String(), script[i:], nil
		default:
			b.WriteByte(c)
			i++
		}
	}
	return b.String(), "", nil
}
