package rest

import (
	"log/slog"
	"net/http"
	"strings"
	"sync"
)

// Warning is a remark of the server beside a successful answer: that the API is deprecated, or that
// a field was ignored. Source: KEP-1693, RFC 7234 section 5.5 with code 299.
type Warning struct {
	// Agent names the server that warns. It is "-" for kube-apiserver.
	Agent string
	// Text is the text of the warning.
	Text string
}

const (
	// maxRemembered limits how many warnings are remembered as logged. Then all are forgotten, and
	// may be logged again.
	maxRemembered = 1024
	// maxWarning limits the bytes of one warning. kube-apiserver limits all warnings of an answer
	// to 4 KB (KEP-1693).
	maxWarning = 4096
)

// parseWarnings returns the well-formed warnings with code 299. Others are ignored, because the
// answer is valid without them.
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

// parseWarning parses the first warning of a header, and returns the rest. The syntax is code SP
// agent SP quoted-text [SP quoted-date], with commas between warnings.
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

// quoted parses a quoted-string (RFC 9110 section 5.6.4), and returns the rest.
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

// warningLog logs each different warning once. It is safe for concurrent use.
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
		l.log.Warn("warning of the API server", "warning", w.Text)
	}
}
