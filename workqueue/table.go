package workqueue

// table is a map that gives memory back. A Go map keeps the room of the largest size it ever had,
// and a queue that once held a million keys would pay for them until the process ends. The zero
// table is empty and ready.
type table[K comparable, V any] struct {
	m    map[K]V
	peak int // the largest size since m was made
}

// A table moves to a smaller map when it has fallen to a shrinkFactor-th of its peak. It then
// copies few entries for the many that were removed, so a removal stays cheap on average. A peak
// under shrinkFloor is not worth it.
const (
	shrinkFactor = 8
	shrinkFloor  = 1024
)

func (t *table[K, V]) get(key K) (V, bool) {
	v, ok := t.m[key]
	return v, ok
}

func (t *table[K, V]) set(key K, v V) {
	if t.m == nil {
		t.m = make(map[K]V)
	}
	t.m[key] = v
	t.peak = max(t.peak, len(t.m))
}

func (t *table[K, V]) remove(key K) {
	delete(t.m, key)
	if t.peak < shrinkFloor || len(t.m) > t.peak/shrinkFactor {
		return
	}
	smaller := make(map[K]V, len(t.m))
	for k, v := range t.m {
		smaller[k] = v
	}
	t.m, t.peak = smaller, len(smaller)
}

func (t *table[K, V]) len() int { return len(t.m) }
