package wire

// ordinaryObject is what nearly every object keeps to when its managedFields are left out: pods,
// nodes and custom resources have some KB.
const ordinaryObject = 16 << 10

// Arena is memory that a reader puts objects into one after the other, and that is used again as a
// whole. Who reads many objects and keeps none of them as they came, such as a cache that packs
// them, reads them with [Options.Arena] without an allocation for each:
//
//	arena := wire.NewArena(1 << 20)
//	w := wire.NewWatchReader(body, wire.Protobuf, wire.Options{Arena: func() *wire.Arena {
//		if arena.Full() {
//			pack(events) // reads what is in the arena, for the last time
//			events = events[:0]
//			arena.Reset()
//		}
//		return arena
//	}})
//
// In the arena are an object's Data and its Meta.Labels. The strings of Meta and of the labels are
// parts of Data, so that they are in it too; those that JSON writes with escapes are not. What does
// not fit gets memory of its own, which need not be told apart: the rule is the same for it.
//
// The rule: from Reset on, nobody looks at an object that was read before, nor at strings cut out
// of it; the next objects are written over it. What is to live on is cloned before. Only who knows
// that all its readers are done calls Reset.
//
// An Arena is for one goroutine at a time, which reads into it and resets it. Whoever is handed its
// objects, by a channel or under a lock, may read them at the same time: what is in the arena stays
// as it is, while more is put beside it. The race detector sees who breaks the rule.
type Arena struct {
	bytes   []byte  // Data of objects: len is used up, cap is fixed
	labels  []Label // Labels of objects, of the same kind; its memory grows to what objects need
	refused bool    // an object did not fit
}

// NewArena returns an arena for size bytes of Data. Labels take 32 bytes each beside that, and
// together no more than size.
func NewArena(size int) *Arena {
	return &Arena{bytes: make([]byte, 0, max(size, 0))}
}

// Reset makes the arena empty. All that was in it is lost; see the rule above.
func (a *Arena) Reset() {
	// Some of their strings may be in other memory, which must not be kept for them.
	clear(a.labels)
	a.bytes, a.labels, a.refused = a.bytes[:0], a.labels[:0], false
}

// Full says that the arena has no room for another ordinary object, or that it had none for the
// last one: it is time for the next arena. An object too large for any arena fills one too, so that
// what waits to be taken out of an arena and of memory beside it is bounded.
func (a *Arena) Full() bool {
	return a.refused || cap(a.bytes)-len(a.bytes) < min(ordinaryObject, cap(a.bytes)/4)
}

// Len is how many bytes of the arena are used, without the labels.
func (a *Arena) Len() int { return len(a.bytes) }

// data returns room for n bytes, to be appended to: the arena's if it has as many. What is appended
// beyond them goes elsewhere.
func (a *Arena) data(n int) []byte {
	if a == nil {
		return make([]byte, 0, n)
	}
	start := (len(a.bytes) + 7) &^ 7
	if start > cap(a.bytes) || n > cap(a.bytes)-start {
		a.refused = true
		return make([]byte, 0, n)
	}
	a.bytes = a.bytes[:start+n]
	return a.bytes[start : start : start+n]
}

// makeLabels returns n labels, none written yet. Where the memory for labels is used up, there is
// more from then on; the old one belongs to the objects that are in it.
func (a *Arena) makeLabels(n int) []Label {
	const size = 32 // of a Label
	if a == nil || n > cap(a.bytes)/size-len(a.labels) {
		return make([]Label, n)
	}
	if n > cap(a.labels)-len(a.labels) {
		a.labels = make([]Label, 0, min(max(2*cap(a.labels), n, 64), cap(a.bytes)/size))
	}
	start := len(a.labels)
	a.labels = a.labels[:start+n]
	return a.labels[start : start+n : start+n]
}
