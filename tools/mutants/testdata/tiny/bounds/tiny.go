// Package tiny has one line for each thing that can become of a mutant.
package tiny

import "time"

const (
	limit = 8 << 1
	size  = 4 //mutants:tuning[5] nobody looks beyond
	loose = 3
	named = 9
)

// Exported is seen by other packages.
const Exported = 7

const patience = 5 * time.Second

var table [size]byte

func fits(n int) bool { return n < limit }

func many(n uint8) bool { return n >= 1<<loose }

func waits(d time.Duration) bool { return d > patience }

func is(n int) bool { return n == -1 }

func count() (n int) {
	for i := 0; i != 10; i += 2 {
		n++
	}
	return n
}

func cut(s []byte) []byte {
	//mutants:equal a slice of no bytes beside one of none
	// is the same to whoever reads it
	if len(s) <= 0 {
		return nil
	}
	return s
}

func unseen(n int) bool { return n > 100 }

func small(n int) bool { return n < named }

func nothing() (int, bool) { return 0, false }

const room = 1 << 10

func fitsRoom(n int) bool { return n < room }
