package store

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
)

// BenchmarkDecodedGet is what a read of an object that is there costs the cache: of one object by
// all goroutines, and of many. The last two are what it is not made of.
func BenchmarkDecodedGet(b *testing.B) {
	const n = 4096
	keys := make([]*int, n)
	c := newDecodedCache[*int](-1)
	locked := struct {
		sync.RWMutex
		m map[*int]any
		n atomic.Int64
	}{m: map[*int]any{}}
	for i := range keys {
		keys[i] = new(int)
		c.keep(keys[i], keys[i], 1, func() bool { return true })
		locked.m[keys[i]] = keys[i]
	}
	for _, many := range []int{1, n} {
		b.Run(fmt.Sprintf("objects=%d", many), func(b *testing.B) {
			b.RunParallel(func(pb *testing.PB) {
				for i := 0; pb.Next(); i++ {
					if _, ok := c.get(keys[i%many]); !ok {
						b.Fatal("missing")
					}
				}
			})
		})
		b.Run(fmt.Sprintf("objects=%d/RWMutex", many), func(b *testing.B) {
			b.RunParallel(func(pb *testing.PB) {
				for i := 0; pb.Next(); i++ {
					locked.RLock()
					_, ok := locked.m[keys[i%many]]
					locked.RUnlock()
					locked.n.Add(1)
					if !ok {
						b.Fatal("missing")
					}
				}
			})
		})
	}
}

func BenchmarkDecodedForgetUnknown(b *testing.B) {
	c := newDecodedCache[*int](16 << 20)
	k := new(int)
	for b.Loop() {
		c.forget(k)
	}
}
