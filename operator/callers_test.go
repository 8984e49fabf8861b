package operator

import (
	"fmt"
	"testing"
	"time"
)

// A flood of bad tokens locks out neither a token that is known, nor a new one from elsewhere.
func TestAFloodLocksOutNobodyElse(t *testing.T) {
	c, now := newCallers(), time.Now()
	c.knows("good", now)
	flood := func(n int) (asked int) {
		for i := range n {
			if c.may(fmt.Sprint("bad ", i), "10.0.0.1", now) {
				asked++
			}
		}
		return asked
	}
	if n := flood(1000); n != askBurst {
		t.Errorf("a flood asks %d times at once, want %d", n, askBurst)
	}
	if !c.may("good", "10.0.0.1", now) || !c.may("new", "10.0.0.2", now) || c.may("new", "10.0.0.1", now) {
		t.Error("the flood locks out others, or is not locked out")
	}
	now = now.Add(time.Second)
	if n := flood(1000); n != askRate {
		t.Errorf("a flood asks %d times in a second, want %d", n, askRate)
	}
	now = now.Add(knownFor - time.Second - 1)
	flood(1000)
	if !c.may("good", "10.0.0.1", now) {
		t.Error("a token is forgotten before its time")
	}
	flood(1000)
	if now = now.Add(1); c.may("good", "10.0.0.1", now) {
		t.Error("a token is known for longer than its time")
	}
}

// The callers are bounded, their questions together too, and a known one's.
func TestTheBoundsOfCallers(t *testing.T) {
	c, now := newCallers(), time.Now()
	asked := 0
	for i := range maxCallers {
		c.knows(fmt.Sprint(i), now)
		if c.may("x", fmt.Sprint(i), now) {
			asked++
		}
	}
	if asked != allBurst || len(c.addresses) != maxCallers || len(c.known) != maxCallers {
		t.Errorf("%d questions of %d addresses and %d tokens", asked, len(c.addresses), len(c.known))
	}
	now = now.Add(knownFor)
	c.knows("0", now)
	c.knows("new", now)
	c.may("x", "new", now)
	if len(c.known) != 2 || len(c.addresses) != 1 {
		t.Errorf("when there was no room: %d tokens, %d addresses", len(c.known), len(c.addresses))
	}
	asked = 0
	for range 2 * askBurst {
		if c.may("new", "", now) {
			asked++
		}
	}
	if asked != askBurst {
		t.Errorf("a known token asks %d times at once", asked)
	}
}
