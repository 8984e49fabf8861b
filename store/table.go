package store

// table is a map that gives memory back: a Go map keeps room for the most entries that it ever had,
// and a store must cost what is in it now.
type table[V any] struct {
	m    map[string]V
	peak int // the most entries since the map was made
}

const (
	shrinkAbove = 256 // a map of so few entries is not worth rebuilding
	shrinkAt    = 4   // rebuild when only one in so many is left
)

func (t *table[V]) get(key string) (V, bool) {
	v, ok := t.m[key]
	return v, ok
}

func (t *table[V]) getBytes(key []byte) (V, bool) {
	v, ok := t.m[string(key)]
	return v, ok
}

// put sets key to v. It is the string of the last put that is kept: of equal strings, the memory of
// an earlier one may be given up.
func (t *table[V]) put(key string, v V) {
	if t.m == nil {
		t.m = make(map[string]V)
	}
	delete(t.m, key) // a map may keep the key it has when an equal one comes
	t.m[key] = v
	t.peak = max(t.peak, len(t.m))
}

func (t *table[V]) delete(key string) {
	delete(t.m, key)
	if t.peak > shrinkAbove && len(t.m) < t.peak/shrinkAt {
		smaller := make(map[string]V, len(t.m))
		for k, v := range t.m {
			smaller[k] = v
		}
		t.m, t.peak = smaller, len(smaller)
	}
}

func (t *table[V]) len() int { return len(t.m) }
