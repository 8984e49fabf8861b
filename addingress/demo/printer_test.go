package main

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"
)

func TestLinesAreWrappedAt80Columns(t *testing.T) {
	var out strings.Builder
	p := newPrinter(&out)
	long := strings.Repeat("x", 69)
	for _, text := range []string{
		"short",
		strings.Repeat("word ", 40),
		strings.Repeat("wörter… ", 40),
		"a " + long + " b", // a word that just fits into a line of its own
		"",
	} {
		p.say("%s", text)
	}
	for line := range strings.Lines(out.String()) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > columns {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	if !strings.Contains(out.String(), "\n           "+long+"\n           b\n") {
		t.Errorf("the word of 69 characters does not stand alone, indented:\n%s", &out)
	}

	// One character more stays whole, too: it may be a path to be copied.
	out.Reset()
	p.say("a %sx", long)
	if !strings.Contains(out.String(), "\n           "+long+"x\n") {
		t.Errorf("a word of 70 characters:\n%s", &out)
	}
}

func TestWaitingBreaksASilenceEverySecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		p := newPrinter(&out)
		done := p.waiting("it starts")
		time.Sleep(700 * time.Millisecond)
		p.say("first") // the silence begins anew
		time.Sleep(2500 * time.Millisecond)
		done()
		time.Sleep(5 * time.Second)
		const want = `   0.700s  first
   1.700s  … it starts
   2.700s  … it starts
`
		if out.String() != want {
			t.Errorf("got\n%swant\n%s", &out, want)
		}
	})
}
