package store

// table is a map that gives memory back: a Go map keeps room for the most entries that it ever had,
// and a store must cost what is in it now.
type table[K comparable, V any] struct {
	m    map[K]V
	peak int // the most entries since the map was made
}

const (
	shrinkAbove = 256 // a map of so few entries is not worth rebuilding
	shrinkAt    = 4   // rebuild when only one in so many is left
)

func (t *table[K, V]) get(key K) (V, bool) {
	v, ok := t.m[key]
	return v, ok
}

// getBytes is get without making a string.
func getBytes[V any](t *table[string, V], key []byte) (V, bool) {
	v, ok := t.m[string(key)]
	return v, ok
}

func (t *table[K, V]) put(key K, v V) {
	if t.m == nil {
		t.m = make(map[K]V)
	}
	t.m[key] = v
	t.peak = max(t.peak, len(t.m))
}

func (t *table[K, V]) delete(key K) {
	delete(t.m, key)
	if t.peak > shrinkAbove && len(t.m) < t.peak/shrinkAt {
		smaller := make(map[K]V, len(t.m))
		for k, v := range t.m {
			smaller[k] = v
		}
		t.m, t.peak = smaller, len(smaller)
	}
}

func (t *table[K, V]) len() int { return len(t.m) }
