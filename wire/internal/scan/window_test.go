package scan

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
)

var errFull = errors.New("full")

// A window grows for a large object, and gives the memory back as soon as it waits for the next.
func TestWindowGrowsAndShrinks(t *testing.T) {
	w := NewWindow(zeros{}, 64<<20, errFull)
	if _, err := w.Need(10 << 20); err != nil {
		t.Fatal(err)
	}
	if len(w.buf) < 10<<20 || len(w.buf) > 32<<20 {
		t.Fatalf("the buffer of a window of 10 MiB has %d bytes", len(w.buf))
	}
	w.Discard(w.end - w.start - 1)
	if _, err := w.Need(2); err != nil {
		t.Fatal(err)
	}
	if len(w.buf) != smallWindow {
		t.Errorf("a window that holds little keeps %d bytes", len(w.buf))
	}
	if err := w.Skip(50 << 20); err != nil {
		t.Fatal(err)
	}
	if len(w.buf) != smallWindow {
		t.Errorf("to skip what nobody looks at took %d bytes", len(w.buf))
	}
}

// zeros reads zeros, not as many at once as fit.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	p = p[:min(len(p), 1000)]
	clear(p)
	return len(p), nil
}

func TestWindowOfAReaderThatReadsNothing(t *testing.T) {
	w := NewWindow(nothing{}, 1, errFull)
	err := w.More()
	if failed, ok := err.(ReadError); !ok || failed.Err != io.ErrNoProgress {
		t.Errorf("got %v", err)
	}
}

type nothing struct{}

func (nothing) Read([]byte) (int, error) { return 0, nil }

// The bytes of a window keep their order and place through all that happens to its buffer.
func TestWindowKeepsBytesInOrder(t *testing.T) {
	text := strings.Repeat("0123456789abcdef", 1<<14)
	w := NewWindow(strings.NewReader(text), 1<<20, errFull)
	at := 0
	for i := 0; at < len(text)-70_000; i++ {
		n := (i * 7919) % 70_000
		b, err := w.Need(n)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(b, []byte(text[at:at+n])) {
			t.Fatalf("the %d bytes from %d are others", n, at)
		}
		w.Discard(n)
		at += n
		if w.offset != int64(at) {
			t.Fatalf("the offset is %d, not %d", w.offset, at)
		}
	}
}

// A window holds its maximum, and one byte less, but not one more; its buffer never gets larger.
func TestWindowHoldsItsMaximum(t *testing.T) {
	for _, limit := range []int{smallWindow, smallWindow + 1, 2*smallWindow - 1, 2 * smallWindow, 100_000, 3<<20 + 7} {
		for _, skipped := range []int{0, 1, smallWindow - 1, smallWindow, 50_000} {
			for n, want := range map[int]error{limit - 1: nil, limit: nil, limit + 1: errFull} {
				w := NewWindow(zeros{}, limit, errFull)
				if err := w.Skip(uint64(skipped)); err != nil {
					t.Fatal(err)
				}
				if b, err := w.Need(n); err != want || err == nil && len(b) != n {
					t.Errorf("limit %d, after %d bytes: Need(%d) returns %d bytes, %v", limit, skipped, n, len(b), err)
				}
				if len(w.buf) > limit {
					t.Errorf("limit %d, after %d bytes: the buffer has %d", limit, skipped, len(w.buf))
				}
			}
		}
	}
}

// A reader may return nothing 99 times in a row, and not 100 times.
func TestWindowOfAReaderThatPauses(t *testing.T) {
	for pauses, good := range map[int]bool{maxEmptyReads - 2: true, maxEmptyReads - 1: true, maxEmptyReads: false} {
		w := NewWindow(&pausing{pauses}, 1, errFull)
		if err := w.More(); (err == nil) != good {
			t.Errorf("after %d empty reads: %v", pauses, err)
		}
	}
}

type pausing struct{ pauses int }

func (p *pausing) Read(b []byte) (int, error) {
	if p.pauses == 0 {
		return copy(b, "x"), nil
	}
	p.pauses--
	return 0, nil
}
