package events

import (
	"testing"
	"time"
)

// The pauses between lines begin again after an hour without the fault, not before.
func TestSeldom(t *testing.T) {
	epoch := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		silence time.Duration
		again   bool // the pauses begin again
	}{{time.Hour - 1, false}, {time.Hour, true}} {
		var s seldom
		at := epoch
		for _, step := range []struct {
			after time.Duration // since the step before
			yes   bool
			kept  int
		}{
			{0, true, 0}, {time.Minute - 1, false, 0}, {1, true, 1}, {2*time.Minute - 1, false, 0}, {1, true, 1},
			{4 * time.Minute, true, 0}, {8 * time.Minute, true, 0}, {16 * time.Minute, true, 0}, {32 * time.Minute, true, 0},
			{30 * time.Minute, false, 0}, {30*time.Minute - 1, false, 0}, {1, true, 2}, {30 * time.Minute, false, 0},
			{test.silence, true, 1}, {time.Minute, test.again, 0},
		} {
			at = at.Add(step.after)
			yes, kept := s.say(at)
			if yes != step.yes || kept != step.kept {
				t.Errorf("%v after the first, silence %v: %v, %d kept", at.Sub(epoch), test.silence, yes, kept)
			}
		}
	}
}
