package store

import "hash/maphash"

// table finds numbers by the keys that they stand for. The keys are not in the table: key returns
// the one of a number. So a number takes 7 to 13 bytes, where a Go map of strings takes 38, and
// keeps room for the most entries that it ever had.
//
// It is a hash table with open addressing and linear probing. A slot's tag, 7 bits of its key's
// hash, spares most looks at other keys. 0 is no number.
type table struct {
	key   func(number uint32) string
	seed  maphash.Seed
	slots []uint32 // a power of two of them; 0 is free
	tags  []byte   // of the slots; 0 is free
	n     int
}

const (
	minSlots = 16
	// tagFlag tells a tag from that of a free slot.
	tagFlag = 0x80 //mutants:tuning tells fewer keys apart
)

func newTable(key func(number uint32) string) table {
	return table{key: key, seed: maphash.MakeSeed()}
}

func (t *table) hash(key string) uint64 { return maphash.String(t.seed, key) }

// find returns the slot of a key, or the free one where it would be.
func (t *table) find(key string) (slot int, tag byte) {
	hash := t.hash(key)
	mask := len(t.slots) - 1
	tag = byte(hash>>57) | tagFlag //mutants:tuning other bits of the hash
	for i := int(hash) & mask; ; i = (i + 1) & mask {
		if t.tags[i] == 0 || t.tags[i] == tag && t.key(t.slots[i]) == key {
			return i, tag
		}
	}
}

// get returns the number of a key, 0 if the table has none.
func (t *table) get(key string) uint32 {
	if t.n == 0 {
		return 0
	}
	slot, _ := t.find(key)
	return t.slots[slot]
}

// put adds a number. If the table has one of the same key, the new one takes its place.
func (t *table) put(number uint32) {
	if t.n >= len(t.slots)/4*3 {
		t.resize(max(minSlots, 2*len(t.slots)))
	}
	slot, tag := t.find(t.key(number))
	if t.tags[slot] == 0 {
		t.n++
	}
	t.slots[slot], t.tags[slot] = number, tag
}

// remove removes the number of a key that is in the table. Those behind it that it kept from their
// slots move up.
func (t *table) remove(key string) {
	mask := len(t.slots) - 1
	free, _ := t.find(key)
	//mutants:equal[0] the free slot, which comes first then, takes its own place
	for i := (free + 1) & mask; t.tags[i] != 0; i = (i + 1) & mask {
		home := int(t.hash(t.key(t.slots[i]))) & mask
		if (i-home)&mask >= (i-free)&mask { // its home is not behind the free slot
			t.slots[free], t.tags[free] = t.slots[i], t.tags[i]
			free = i
		}
	}
	t.slots[free], t.tags[free] = 0, 0
	if t.n--; len(t.slots) > minSlots && t.n < len(t.slots)/8 {
		t.resize(max(minSlots, len(t.slots)/4))
	}
}

func (t *table) resize(size int) {
	old := t.slots
	t.slots, t.tags = make([]uint32, size), make([]byte, size)
	for _, number := range old {
		if number != 0 {
			slot, tag := t.find(t.key(number))
			t.slots[slot], t.tags[slot] = number, tag
		}
	}
}

// renumber replaces each number by what to returns for it: 0 for 0, which is a free slot. key has to
// know the new numbers only.
func (t *table) renumber(to func(number uint32) uint32) {
	for i, number := range t.slots {
		t.slots[i] = to(number)
	}
}
