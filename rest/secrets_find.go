package rest

import (
	"bytes"
	"strconv"
	"strings"
)

// span is a part of a text.
type span struct{ start, end int }

// maxLayers is how many encodings, one within the other, are looked through: JSON in a quoted
// string in a URL has three.
const maxLayers = 4

// layer is a text with encodings undone. Its byte i stands for original[at[i]:at[i+1]].
type layer struct {
	text []byte
	at   []int
}

// findSecrets returns where a text holds one of the secrets, in any encoding: in order, and without
// overlap.
func findSecrets(known []secret, text string) []span {
	if len(known) == 0 || text == "" {
		return nil
	}
	var found []span
	l := layer{text: []byte(text)}
	for range maxLayers {
		lower := lowerASCII(l.text)
		for i := range known {
			for _, f := range known[i].forms {
				found = f.find(found, &l, lower)
			}
		}
		next, changed := l.undo()
		if !changed {
			break
		}
		l = next
	}
	return merge(found)
}

// lowerASCII keeps the length of the text, unlike bytes.ToLower.
func lowerASCII(text []byte) string {
	out := append([]byte(nil), text...)
	for i, c := range out {
		if 'A' <= c && c <= 'Z' {
			out[i] = c + 'a' - 'A'
		}
	}
	return string(out)
}

// find appends where the form is in a layer, whose text in lower case is lower.
func (f form) find(found []span, l *layer, lower string) []span {
	for from := 0; ; {
		i := strings.Index(lower[from:], f.text)
		if i < 0 {
			return found
		}
		start := from + i
		end := start + len(f.text)
		from = start + 1
		switch f.rule {
		case inBase64:
			for start > 0 && isBase64(lower[start-1]) {
				start--
			}
			for end < len(lower) && isBase64(lower[end]) {
				end++
			}
			from = end
		case wholeWord:
			if !isWord(lower, start, end) {
				continue
			}
		case afterMarker:
			if !isWord(lower, start, end) || !isMarked(lower[:start]) {
				continue
			}
		}
		found = append(found, span{l.original(start), l.original(end)})
	}
}

func isBase64(c byte) bool {
	return isAlnum(c) || c == '+' || c == '/' || c == '-' || c == '_' || c == '='
}

func isAlnum(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c >= 0x80
}

// isWord reports whether text[start:end] is next to no letter and no digit.
func isWord(text string, start, end int) bool {
	return (start == 0 || !isAlnum(text[start-1])) && (end == len(text) || !isAlnum(text[end]))
}

// isMarked reports whether a text ends with a marker and a separator.
func isMarked(before string) bool {
	trimmed := strings.TrimRight(before, " \t\"'`=:+\\")
	if len(trimmed) == len(before) {
		return false
	}
	for _, m := range markers {
		start := len(trimmed) - len(m)
		if strings.HasSuffix(trimmed, m) && (start == 0 || !isAlnum(trimmed[start-1])) {
			return true
		}
	}
	return false
}

// original returns the place in the original text of byte i.
func (l *layer) original(i int) int {
	if l.at == nil {
		return i
	}
	return l.at[i]
}

// undo returns the layer below: percent-encoding (RFC 3986), the escapes of JSON and Go strings, and
// the character references of HTML are replaced by what they stand for. It reports whether there
// was any.
func (l *layer) undo() (next layer, changed bool) {
	if !bytes.ContainsAny(l.text, `%\&`) {
		return layer{}, false
	}
	next.text = make([]byte, 0, len(l.text))
	next.at = make([]int, 0, len(l.text)+1)
	for i := 0; i < len(l.text); {
		c, n := decodeByte(l.text[i:])
		changed = changed || n > 1
		next.text = append(next.text, c)
		next.at = append(next.at, l.original(i))
		i += n
	}
	next.at = append(next.at, l.original(len(l.text)))
	return next, changed
}

// decodeByte returns the byte that an encoding at the beginning of text stands for, and how long the
// encoding is. What stands for no byte of ASCII stays as it is.
func decodeByte(text []byte) (c byte, n int) {
	digits, base, end := "", 16, 0
	rest := string(text[:min(len(text), 10)])
	switch {
	case rest[0] == '%' && len(rest) >= 3:
		digits, end = rest[1:3], 3
	case rest[0] == '\\' && len(rest) >= 2:
		switch rest[1] {
		case 'u':
			end = 6
		case 'U':
			end = 10
		case 'x':
			end = 4
		case 'n', 'r', 't', 'b', 'f':
			return ' ', 2
		default:
			return rest[1], 2
		}
		digits = rest[2:min(end, len(rest))]
	case rest[0] == '&':
		name, _, ok := strings.Cut(rest[1:], ";")
		if !ok {
			break
		}
		end = len(name) + 2
		switch name {
		case "amp":
			return '&', end
		case "lt":
			return '<', end
		case "gt":
			return '>', end
		case "quot":
			return '"', end
		}
		if digits, ok = strings.CutPrefix(name, "#"); !ok {
			break
		}
		if digits, ok = strings.CutPrefix(strings.ToLower(digits), "x"); !ok {
			base = 10
		}
	}
	value, err := strconv.ParseUint(digits, base, 32)
	if err != nil || value >= 0x80 || end > len(text) {
		return text[0], 1
	}
	return byte(value), end
}

// merge orders spans and joins those that overlap. There are few of them.
func merge(spans []span) []span {
	var out []span
	for _, s := range spans {
		kept := out[:0]
		for _, o := range out {
			if o.start <= s.end && s.start <= o.end {
				s = span{min(s.start, o.start), max(s.end, o.end)}
			} else {
				kept = append(kept, o)
			}
		}
		i := 0
		for i < len(kept) && kept[i].start < s.start {
			i++
		}
		out = append(kept, span{})
		copy(out[i+1:], out[i:])
		out[i] = s
	}
	return out
}
