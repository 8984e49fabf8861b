package webhook

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// What is taken of a budget is at most its size, and whoever waits gets it when it is given back, or
// the end of its context.
func TestBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(10)
		for _, n := range []int64{4, 6} { // to the last byte
			if err := b.take(t.Context(), n); err != nil {
				t.Fatal(err)
			}
		}
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := b.take(short, 1); err != context.DeadlineExceeded {
			t.Errorf("one byte more: %v", err)
		}
		got := make(chan error, 2)
		for _, n := range []int64{6, 5} {
			go func() { got <- b.take(t.Context(), n) }()
		}
		synctest.Wait()
		b.give(4)
		synctest.Wait()
		if len(got) != 0 {
			t.Error("4 bytes were enough for 5")
		}
		b.give(6)
		synctest.Wait()
		if len(got) != 1 {
			t.Errorf("10 bytes were enough for %d of 5 and 6", len(got))
		}
		b.give(6)
		synctest.Wait()
		if len(got) != 2 {
			t.Error("one waits still")
		}
	})
	var none *budget
	if err := none.take(t.Context(), 1); err != nil {
		t.Error(err)
	}
	none.give(1)
}

// A line that strangers can cause is logged once a minute, with the number of those that were left
// out, and not longer than it has to be.
func TestSeldomLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		log := slog.New(slog.NewTextHandler(&out, nil))
		s := newSeldom(slog.LevelWarn)
		for _, c := range []struct {
			pause time.Duration
			want  string
		}{
			{0, "left out since the last such line\"=0"}, {0, ""}, {seldomPeriod - 1, ""},
			{1, "left out since the last such line\"=2"}, {seldomPeriod + 1, "left out since the last such line\"=0"},
		} {
			time.Sleep(c.pause)
			out.Reset()
			s.log(log, "x", "error", errors.New(strings.Repeat("y", 1<<20)))
			if got := out.String(); (got == "") != (c.want == "") || !strings.Contains(got, c.want) || len(got) > maxLogged+200 {
				t.Errorf("after %v: %.300s", c.pause, got)
			}
		}
	})
}

// The budgets of small reviews, large ones and conversions are separate.
func TestBudgetsAreSeparate(t *testing.T) {
	b := newBodies()
	admits, converts := &Hook{}, &Hook{role: converting}
	for _, c := range []struct {
		h    *Hook
		size int64
		want *budget
	}{
		{admits, firstPart - 1, b.small}, {admits, firstPart, b.small}, {admits, firstPart + 1, b.admission},
		{converts, firstPart, b.small}, {converts, firstPart + 1, b.conversion},
	} {
		if b.of(c.h, c.size) != c.want {
			t.Errorf("of %d bytes, role %d: another budget", c.size, c.h.role)
		}
	}
	for _, one := range []*budget{b.small, b.admission, b.conversion} { // one review fits always
		if one.left < firstPart || one != b.small && one.left < maxConversion {
			t.Errorf("it has %d bytes", one.left)
		}
	}
}
