package events

import "time"

// The pauses between two log lines of one fault, which double. After lastSilence without the fault they
// begin again.
const (
	firstSilence = time.Minute
	lastSilence  = time.Hour
)

// seldom spaces the log lines of a fault that comes and goes.
type seldom struct {
	pause time.Duration // after the last line
	said  time.Time     // when that was
	last  time.Time     // when the fault came last
	kept  int           // faults since the last line, which were not logged
}

// say notes that the fault has come. It reports whether to log it, and how often it has come since it
// was logged last.
func (s *seldom) say(now time.Time) (yes bool, kept int) {
	if now.Sub(s.last) >= lastSilence {
		s.pause = 0
	}
	s.last = now
	if s.pause > 0 && now.Sub(s.said) < s.pause {
		s.kept++
		return false, 0
	}
	kept, s.kept = s.kept, 0
	s.said, s.pause = now, min(max(2*s.pause, firstSilence), lastSilence)
	return true, kept
}
