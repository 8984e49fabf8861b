package workload

import (
	"fmt"
	"math/bits"
)

// generator is a source of random numbers that costs nothing to make (splitmix64). Every object has
// its own, because object 812,345 must not depend on the 812,344 before it.
type generator struct{ state uint64 }

// generatorOf returns the generator for the thing that the numbers identify.
func generatorOf(parts ...uint64) generator {
	g := generator{0x5bd1e995}
	for _, p := range parts {
		g.state = g.next() ^ bits.RotateLeft64(p*0x9e3779b97f4a7c15, 29)
	}
	return g
}

func (g *generator) next() uint64 {
	g.state += 0x9e3779b97f4a7c15
	z := g.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// below returns a number from 0 to n-1.
func (g *generator) below(n int) int {
	high, _ := bits.Mul64(g.next(), uint64(n))
	return int(high)
}

// unit returns a number from 0 to 1, 1 excluded.
func (g *generator) unit() float64 { return float64(g.next()>>11) / (1 << 53) }

const hexDigits = "0123456789abcdef"

// hex fills b with hexadecimal digits.
func (g *generator) hex(b []byte) {
	for len(b) > 0 {
		for x, k := g.next(), 0; k < 16 && len(b) > 0; k++ {
			b[0] = hexDigits[x&15]
			b, x = b[1:], x>>4
		}
	}
}

func (g *generator) hexString(n int) string {
	b := make([]byte, n)
	g.hex(b)
	return string(b)
}

// uuid fills b, of 36 bytes, with a random UUID (version 4).
func (g *generator) uuid(b []byte) {
	g.hex(b)
	b[8], b[13], b[18], b[23] = '-', '-', '-', '-'
	b[14] = '4'
	b[19] = "89ab"[g.below(4)]
}

func (g *generator) uuidString() string {
	var b [36]byte
	g.uuid(b[:])
	return string(b[:])
}

// suffixDigits are what Kubernetes makes name suffixes of: no vowels, and nothing that looks like
// one.
const suffixDigits = "2456789bcdfghjklmnpqrstvwxz"

const suffixLen = 5

// suffix fills b with random suffix digits.
func (g *generator) suffix(b []byte) {
	for i := range b {
		b[i] = suffixDigits[g.below(len(suffixDigits))]
	}
}

func (g *generator) suffixString(n int) string {
	b := make([]byte, n)
	g.suffix(b)
	return string(b)
}

// rankedSuffix fills b, of suffixLen bytes, with the suffix that is the rank-th of n in
// alphabetical order, and random otherwise.
func (g *generator) rankedSuffix(b []byte, rank, n int) {
	const all = 27 * 27 * 27 * 27 * 27
	width := all / n
	x := rank*width + g.below(width)
	for i := suffixLen - 1; i >= 0; i-- {
		b[i] = suffixDigits[x%27]
		x /= 27
	}
}

// podAddress fills b, of addressLen bytes, with the address of pod number x: each has its own, in
// no order, and all have the same length.
func podAddress(b []byte, x uint64) {
	copy(b, "10.")
	putOctets(b[3:], 3, x*scatter%(155*155*155))
}

// nodeAddress does so for node number x.
func nodeAddress(b []byte, x int) {
	copy(b, "172.30.")
	putOctets(b[7:], 2, uint64(x)*scatter%(155*155))
}

// scatter is a prime: multiples of it, modulo the number of addresses, are each address once.
const scatter = 982_451_653

// putOctets writes the last octets of an address, of three digits each.
func putOctets(b []byte, octets int, x uint64) {
	for k := range octets {
		octet := 100 + x%155
		x /= 155
		b[4*k], b[4*k+1], b[4*k+2] = byte('0'+octet/100), byte('0'+octet/10%10), byte('0'+octet%10)
		if k < octets-1 {
			b[4*k+3] = '.'
		}
	}
}

const addressLen = len("10.123.123.123")

func pick[T any](g *generator, from []T) T { return from[g.below(len(from))] }

// numbered returns the first of words that is not taken, or one with a number.
func numbered(taken map[string]bool, word string) string {
	name := word
	for n := 2; taken[name]; n++ {
		name = fmt.Sprintf("%s-%d", word, n)
	}
	taken[name] = true
	return name
}
