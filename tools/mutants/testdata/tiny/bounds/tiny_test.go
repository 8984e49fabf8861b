package tiny

import (
	"testing"
	"time"
)

func TestBounds(t *testing.T) {
	if !fits(15) || fits(16) || !waits(5*time.Second+1) || waits(5*time.Second) || !is(-1) || is(0) || is(-2) {
		t.Fatal("a bound")
	}
}

func TestMore(t *testing.T) {
	if count() != 5 || many(0) || !many(200) || len(table) != 4 || Exported != 7 || named != 9 || !fitsRoom(0) || room != 1024 || len(cut(nil)) > 0 || len(cut([]byte("x"))) != 1 {
		t.Fatal("more")
	}
}

func TestLong(t *testing.T) {
	if testing.Short() {
		t.Skip("needs more than there is")
	}
	if unseen(100) {
		t.Fatal("unseen")
	}
}
