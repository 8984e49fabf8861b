package crd

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// tagKey is the key of the struct tag that this package reads.
const tagKey = "crd"

// word is one word of a tag, such as min=1 or nullable.
type word struct {
	name   string
	value  string
	values []string // the parts of the value, separated by |
	set    bool     // the word has a value
	items  int      // how often the word has the prefix "items:"
}

// tagOf returns the text of a field's tag. reflect ignores a tag that is not valid Go syntax, and
// what it says would be missing without a word: that is an error here.
func tagOf(f reflect.StructField) (string, error) {
	text, ok := f.Tag.Lookup(tagKey)
	if !ok && strings.Contains(string(f.Tag), tagKey+`:"`) {
		return "", errors.New(`the struct tag is not valid Go syntax: a backslash and a double ` +
			`quote in it need a backslash before them, as in pattern='^\\d+$'`)
	}
	return text, nil
}

// parseWords reads the words of a tag. The grammar is in the package's documentation.
func parseWords(text string) ([]word, error) {
	var words []word
	rest := text
	for strings.TrimSpace(rest) != "" {
		var w word
		rest = strings.TrimLeft(rest, " \t\n")
		end := strings.IndexAny(rest, "=,")
		if end < 0 {
			end = len(rest)
		}
		w.name = strings.TrimSpace(rest[:end])
		for name, ok := strings.CutPrefix(w.name, itemsPrefix); ok; name, ok = strings.CutPrefix(w.name, itemsPrefix) {
			w.name, w.items = name, w.items+1
		}
		if w.name == "" {
			return nil, fmt.Errorf("a word is missing before %q", rest)
		}
		if rest = rest[end:]; strings.HasPrefix(rest, "=") {
			var err error
			if rest, err = w.parseValue(rest[1:]); err != nil {
				return nil, err
			}
		}
		isSame := func(other word) bool { return other.name == w.name && other.items == w.items }
		if slices.ContainsFunc(words, isSame) && !slices.Contains(ruleWords, w.name) {
			return nil, fmt.Errorf("word %s: it is there twice; several values are separated by bars", w.name)
		}
		words = append(words, w)
		rest = strings.TrimPrefix(rest, ",")
	}
	return words, nil
}

// itemsPrefix makes a word one of the elements of a list or the values of a map.
const itemsPrefix = "items:"

// parseValue reads the value at the start of rest, and returns what follows: nothing, or a comma and
// the next word.
func (w *word) parseValue(rest string) (string, error) {
	w.set = true
	var whole strings.Builder
	for {
		part, after, err := parsePart(rest)
		if err != nil {
			return "", fmt.Errorf("word %s: %w", w.name, err)
		}
		w.values = append(w.values, part)
		whole.WriteString(part)
		if rest = after; !strings.HasPrefix(rest, "|") {
			break
		}
		whole.WriteByte('|')
		rest = rest[1:]
	}
	w.value = whole.String()
	return rest, nil
}

// parsePart reads one part of a value: up to a comma or a bar, or in single quotes.
func parsePart(rest string) (part, after string, err error) {
	quoted, ok := strings.CutPrefix(rest, "'")
	if !ok {
		end := strings.IndexAny(rest, ",|")
		if end < 0 {
			end = len(rest)
		}
		return strings.TrimSpace(rest[:end]), rest[end:], nil
	}
	var b strings.Builder
	for {
		end := strings.IndexByte(quoted, '\'')
		if end < 0 {
			return "", "", fmt.Errorf("a single quote is not closed: %s", rest)
		}
		b.WriteString(quoted[:end])
		quoted = quoted[end+1:]
		if !strings.HasPrefix(quoted, "'") { // two quotes are one
			break
		}
		b.WriteByte('\'')
		quoted = quoted[1:]
	}
	quoted = strings.TrimLeft(quoted, " \t\n")
	if quoted != "" && quoted[0] != ',' && quoted[0] != '|' {
		return "", "", fmt.Errorf("%q follows a closed single quote, where a comma belongs", quoted)
	}
	return b.String(), quoted, nil
}
