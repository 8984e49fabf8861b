package webhook

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"
)

const (
	// seldomPeriod is how often a line is logged that whoever reaches the port can cause.
	seldomPeriod = time.Minute
	// maxQuoted limits what an error quotes of a review, in characters: no name is longer.
	maxQuoted = 253
	// maxLogged limits an error in such a line, in characters.
	maxLogged = 2048
)

// seldom logs at most one line in seldomPeriod, and counts the others. A nil *seldom logs all.
type seldom struct {
	level slog.Level

	mu   sync.Mutex
	last time.Time // guarded by mu
	more int       // guarded by mu: lines that were left out since
}

func newSeldom(level slog.Level) *seldom { return &seldom{level: level} }

// log logs a line of a message and pairs of a key and a value.
func (s *seldom) log(to *slog.Logger, message string, args ...any) {
	for i, arg := range args {
		switch v := arg.(type) {
		case error:
			args[i] = cut(v.Error(), maxLogged)
		case string:
			args[i] = cut(v, maxLogged)
		}
	}
	if s == nil {
		to.Error(message, args...)
		return
	}
	s.mu.Lock()
	if now := time.Now(); s.last.IsZero() || now.Sub(s.last) >= seldomPeriod {
		args = append(args, "left out since the last such line", s.more)
		s.last, s.more = now, 0
	} else {
		s.more++
		args = nil
	}
	s.mu.Unlock()
	if args != nil {
		to.Log(context.Background(), s.level, message, args...)
	}
}

// serverLog takes the lines of net/http. A failed handshake may be an API server that does not trust
// the certificate, so it is logged and counted.
type serverLog struct {
	env    environment
	seldom *seldom
}

func (l *serverLog) Write(line []byte) (int, error) {
	text := strings.TrimSpace(string(line))
	if !strings.Contains(text, "TLS handshake error") || strings.HasSuffix(text, ": EOF") {
		l.env.log.Debug(text) // clients that break off, and probes of the port
		return len(line), nil
	}
	l.env.metrics.tls.Inc()
	l.seldom.log(l.env.log, "TLS handshake of webhooks failed: an API server may have another caBundle",
		"error", text)
	return len(line), nil
}
