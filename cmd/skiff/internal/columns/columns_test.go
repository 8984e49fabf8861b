package columns

import (
	"errors"
	"strings"
	"testing"
)

func TestColumnsAreAligned(t *testing.T) {
	var out strings.Builder
	w := New(&out)
	w.Row("NAME", "READY", "AGE")
	w.Row("a", "", "5d")
	w.Row("größer", "1/1", "")
	w.Row()
	w.Row("x\ty", "\x1b[31m", "two\nlines")
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	want := "NAME     READY      AGE\n" +
		"a                   5d\n" +
		"größer   1/1\n" +
		"\n" +
		"x\\x09y   \\x1b[31m   two...\n"
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

// At the limit everything is held; above it, it is written, and columns grow from then on.
func TestLongTablesAreNotHeld(t *testing.T) {
	var out strings.Builder
	w := New(&out)
	w.limit = 8
	w.Row("ab", "c") // 5 bytes
	w.Row("", "d")   // 8
	if out.Len() != 0 {
		t.Fatalf("written at the limit: %q", out.String())
	}
	w.Row("") // 9
	if out.String() != "ab   c\n     d\n\n" {
		t.Fatalf("written: %q", out.String())
	}
	out.Reset()
	w.Row("a", "x")
	if err := w.Flush(); err != nil || out.String() != "a    x\n" {
		t.Errorf("after that: %q, %v", out.String(), err)
	}
}

type broken struct{ writes int }

func (b *broken) Write([]byte) (int, error) { b.writes++; return 0, errBroken }

var errBroken = errors.New("broken")

func TestTheFirstErrorStays(t *testing.T) {
	b := &broken{}
	w := New(b)
	for range 3 {
		w.Row("a")
		if err := w.Flush(); !errors.Is(err, errBroken) {
			t.Errorf("Flush: %v", err)
		}
	}
	if b.writes != 1 {
		t.Errorf("%d writes after an error", b.writes)
	}
}
