package rest

import (
	"log/slog"
	"net/http"
	"strings"
	"sync"
)

// Warning is what a server attaches to an answer that it gives nevertheless: a deprecated API, a
// field it ignored. Source: RFC 7234 5.5 with code 299, KEP-1693.
type Warning struct {
	// Agent is who warns; the API server says "-".
	Agent string
	// Text is the warning.
	Text string
}

const (
	// maxRemembered bounds the memory of warnings already logged. Past it, it starts anew: a
	// warning is then logged again, which is better than not at all.
	maxRemembered = 1024
	// maxWarning is how much of a warning is kept. The server's own limit for all warnings of an
	// answer is 4 KB.
	maxWarning = 4096
)

// parseWarnings reads the Warning headers. What is not a well-formed warning with code 299 is left
// out: it is an ornament of the answer, not a reason to lose it.
func parseWarnings(header http.Header) []Warning {
	var out []Warning
	for _, value := range header["Warning"] {
		for value != "" {
			w, code, rest, ok := parseWarning(value)
			if !ok {
				break
			}
			if code == "299" {
				out = append(out, w)
			}
			value = rest
		}
	}
	return out
}

// parseWarning reads one warning off the front of a header: code SP agent SP quoted-text
// [SP quoted-date], and a comma before the next.
func parseWarning(s string) (w Warning, code, rest string, ok bool) {
	s = strings.TrimLeft(s, " \t,")
	code, s, ok = strings.Cut(s, " ")
	if !ok || len(code) != 3 || strings.Trim(code, "0123456789") != "" {
		return Warning{}, "", "", false
	}
	w.Agent, s, ok = strings.Cut(strings.TrimLeft(s, " "), " ")
	if !ok || w.Agent == "" {
		return Warning{}, "", "", false
	}
	if w.Text, s, ok = quoted(strings.TrimLeft(s, " ")); !ok {
		return Warning{}, "", "", false
	}
	if _, after, dated := quoted(strings.TrimLeft(s, " ")); dated {
		s = after
	}
	s = strings.TrimLeft(s, " \t")
	if s != "" && s[0] != ',' {
		return Warning{}, "", "", false
	}
	return w, code, strings.TrimLeft(s, " \t,"), true
}

// quoted reads a quoted-string of RFC 9110 5.6.4.
func quoted(s string) (text, rest string, ok bool) {
	if s == "" || s[0] != '"' {
		return "", s, false
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch c := s[i]; c {
		case '"':
			return b.String(), s[i+1:], true
		case '\\':
			i++
			if i == len(s) {
				return "", s, false
			}
			b.WriteByte(s[i])
		default:
			b.WriteByte(c)
		}
		if b.Len() > maxWarning {
			return "", s, false
		}
	}
	return "", s, false
}

// warningLog logs each different warning once. It is for concurrent use.
type warningLog struct {
	log *slog.Logger

	mu   sync.Mutex // guards seen
	seen map[Warning]struct{}
}

func (l *warningLog) warn(w Warning) {
	l.mu.Lock()
	_, known := l.seen[w]
	if !known {
		if l.seen == nil || len(l.seen) >= maxRemembered {
			l.seen = make(map[Warning]struct{})
		}
		l.seen[w] = struct{}{}
	}
	l.mu.Unlock()
	if !known {
		l.log.Warn("the API server warns", "warning", w.Text)
	}
}
