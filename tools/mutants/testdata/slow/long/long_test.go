package long

import (
	"testing"
	"time"
)

func TestFew(t *testing.T) {
	if few(7) {
		t.Fatal("a bound")
	}
	time.Sleep(time.Hour)
}
