package guide

import (
	"fmt"
	"strings"
)

// step is a block of code of the guide. The words behind the block's language say what it is:
//
//	```go controller.go           a file: a name with a dot or a slash, or Dockerfile
//	```sh                         commands, to be run one after the other
//	```sh background until="up"   a command that runs on, in a terminal of its own; the next step
//	                              begins when it has printed this
//	```sh unrun because="…"       commands that need what a test does not have
//	```text                       what the commands before it print, a line's part a line; … is anything
type step struct {
	line       int // in the guide
	text       string
	file       string // "": not a file
	commands   bool   // otherwise what they print
	background string // what to wait for
	unrun      string // why
}

// parse returns the steps of a guide in Markdown.
func parse(guide string) ([]step, error) {
	var steps []step
	var body *strings.Builder
	var now step
	var kind string
	number := 0
	for line := range strings.Lines(guide) {
		number++
		fence, isFence := strings.CutPrefix(strings.TrimRight(line, "\n"), "```")
		switch {
		case !isFence && body != nil:
			body.WriteString(line)
		case !isFence:
		case body == nil:
			body = new(strings.Builder)
			now = step{line: number}
			var rest string
			kind, rest, _ = strings.Cut(strings.TrimSpace(fence), " ")
			if err := now.describe(rest); err != nil {
				return nil, fmt.Errorf("line %d: %w", number, err)
			}
		default:
			switch text := body.String(); {
			case now.file != "":
				now.text = text
				steps = append(steps, now)
			case kind == "sh":
				now.text, now.commands = text, true
				steps = append(steps, now)
			case kind == "text":
				now.text = text
				steps = append(steps, now)
			default:
				return nil, fmt.Errorf("line %d: a block of %q has no name", now.line, kind)
			}
			body = nil
		}
	}
	if body != nil {
		return nil, fmt.Errorf("line %d: the block has no end", now.line)
	}
	return steps, nil
}

func (s *step) describe(words string) error {
	switch word, rest, _ := strings.Cut(words, " "); {
	case words == "":
		return nil
	case word == "background", word == "unrun":
		_, value, ok := strings.Cut(rest, `="`)
		value, end := strings.CutSuffix(value, `"`)
		if !ok || !end || value == "" {
			return fmt.Errorf("%s has no value in quotes: %s", word, words)
		}
		if word == "background" {
			s.background = value
		} else {
			s.unrun = value
		}
		return nil
	case strings.ContainsAny(word, "./"), word == "Dockerfile":
		s.file = word
		return nil
	default:
		return fmt.Errorf("%q says nothing", words)
	}
}
