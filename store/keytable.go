package store

import (
	"hash/maphash"
)

// keyTable finds entries by their keys. A Go map would hold each key beside its entry, which has it
// already, and keep room for the most entries that it ever had: 38 bytes an entry, as a rule, where
// this takes 14.
//
// It is a hash table with open addressing and linear probing. A slot's tag, 7 bits of its key's
// hash, spares most looks at other entries. The zero table is empty.
type keyTable struct {
	seed  maphash.Seed
	slots []*entry // a power of two of them; nil is free
	tags  []byte   // of the slots; 0 is free
	n     int
}

const (
	minSlots = 16
	tagFlag  = 0x80 // tells a tag from a free slot's
)

func (t *keyTable) hash(key string) uint64 { return maphash.String(t.seed, key) }

// find returns the slot of a key, or the free one where it would be.
func (t *keyTable) find(key string, hash uint64) (slot int, found bool) {
	mask := len(t.slots) - 1
	tag := byte(hash>>57) | tagFlag
	for i := int(hash) & mask; ; i = (i + 1) & mask {
		switch {
		case t.tags[i] == 0:
			return i, false
		case t.tags[i] == tag && stateKey(t.slots[i].state) == key:
			return i, true
		}
	}
}

func (t *keyTable) get(key string) *entry {
	if t.n == 0 {
		return nil
	}
	slot, _ := t.find(key, t.hash(key))
	return t.slots[slot]
}

// add adds an entry whose key is not in the table.
func (t *keyTable) add(e *entry) {
	if t.n >= len(t.slots)/4*3 {
		t.resize(max(minSlots, 2*len(t.slots)))
	}
	t.put(e)
	t.n++
}

func (t *keyTable) put(e *entry) {
	key := stateKey(e.state)
	hash := t.hash(key)
	slot, _ := t.find(key, hash)
	t.slots[slot], t.tags[slot] = e, byte(hash>>57)|tagFlag
}

// remove takes out the entry of a key that is in the table. Those behind it that it kept from their
// places move up.
func (t *keyTable) remove(key string) {
	mask := len(t.slots) - 1
	free, _ := t.find(key, t.hash(key))
	for i := (free + 1) & mask; t.tags[i] != 0; i = (i + 1) & mask {
		home := int(t.hash(stateKey(t.slots[i].state))) & mask
		if (i-home)&mask >= (i-free)&mask { // its home is not behind the free slot
			t.slots[free], t.tags[free] = t.slots[i], t.tags[i]
			free = i
		}
	}
	t.slots[free], t.tags[free] = nil, 0
	if t.n--; len(t.slots) > minSlots && t.n < len(t.slots)/8 {
		t.resize(max(minSlots, len(t.slots)/4))
	}
}

func (t *keyTable) resize(size int) {
	if t.slots == nil {
		t.seed = maphash.MakeSeed()
	}
	old := t.slots
	t.slots, t.tags = make([]*entry, size), make([]byte, size)
	for _, e := range old {
		if e != nil {
			t.put(e)
		}
	}
}

func (t *keyTable) len() int { return t.n }

// all goes over the entries, in no order. The table must not be changed meanwhile.
func (t *keyTable) all(yield func(*entry) bool) {
	for _, e := range t.slots {
		if e != nil && !yield(e) {
			return
		}
	}
}
