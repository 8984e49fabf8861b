package quick

import "testing"

func TestFew(t *testing.T) {
	if !few(6) || few(7) {
		t.Fatal("a bound")
	}
}
