package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Unit is the unit of a figure.
type Unit string

// The units, as results.json has them.
const (
	Bytes     Unit = "B"
	Seconds   Unit = "s"
	Micros    Unit = "µs"
	PerSecond Unit = "1/s"
	Share     Unit = "of 1"  // of CPU time, for example: 0.25 is a quarter
	Ratio     Unit = "ratio" // of one measurement to another
	Count     Unit = "count"
)

// Format returns a value for people: three significant digits, with the unit's usual prefix.
func (u Unit) Format(v float64) string {
	switch u {
	case Bytes:
		switch {
		case v >= 1e9:
			return digits(v/1e9) + " GB"
		case v >= 1e6:
			return digits(v/1e6) + " MB"
		}
		return thousands(v) + " B"
	case Seconds:
		if v < 0.9995 {
			return digits(v*1e3) + " ms"
		}
		return digits(v) + " s"
	case Micros:
		switch {
		case v >= 1e6:
			return digits(v/1e6) + " s"
		case v >= 999.5:
			return digits(v/1e3) + " ms"
		case v < 0.9995:
			return digits(v*1e3) + " ns"
		}
		return digits(v) + " µs"
	case PerSecond:
		return thousands(v)
	case Share:
		return digits(v*100) + " %"
	case Count:
		return thousands(v)
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}

// digits returns v with three significant digits, and all digits before the point.
func digits(v float64) string {
	switch a := math.Abs(v); {
	case a >= 99.95:
		return thousands(v)
	case a >= 9.995:
		return strconv.FormatFloat(v, 'f', 1, 64)
	default:
		return strconv.FormatFloat(v, 'f', 2, 64)
	}
}

// thousands returns v without a fraction, its digits in groups of three.
func thousands(v float64) string {
	s := strconv.FormatFloat(math.Abs(math.Round(v)), 'f', 0, 64)
	var b strings.Builder
	if math.Round(v) < 0 {
		b.WriteByte('-')
	}
	for i := range len(s) {
		if i > 0 && (len(s)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// compare returns the comparison of skiff's value with another one in words, and reports whether
// skiff's is worse. A difference below a hundredth counts as equal.
func (f Figure) compare(skiff, other float64) (words string, loses bool) {
	if skiff <= 0 || other <= 0 {
		return "", !f.better(skiff, other) && skiff != other
	}
	factor, word := other/skiff, "less"
	if skiff > other {
		factor, word = skiff/other, "more"
	}
	if factor < 1.01 {
		return "the same", false
	}
	return fmt.Sprintf("%s× %s", digits(factor), word), !f.better(skiff, other)
}

func (f Figure) better(a, b float64) bool {
	if f.More {
		return a > b
	}
	return a < b
}
