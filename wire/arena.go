package wire

// ordinaryObject is a size that few objects exceed without their managedFields: pods, nodes and
// custom resources take some KB.
const ordinaryObject = 16 << 10

// Arena is memory that a reader stores objects in, one after the other, and that is reused as a
// whole. A program that reads many objects and keeps none of them as they came, such as a cache
// that packs them, sets [Options].Arena. Reading then allocates no memory for each object:
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
// The arena holds an object's Data and its Meta.Labels. The strings of Meta and of the labels are
// parts of Data, so they are in the arena too, except strings that JSON writes with escapes. An
// object that does not fit gets memory of its own. The caller need not distinguish the two: the
// same rule holds for both.
//
// The rule: after Reset, no object that was read before may be used, and no string cut out of one,
// because the next objects overwrite them. Clone an object to keep it. Call Reset only when all
// readers of the arena's objects are done.
//
// One goroutine at a time may read into an Arena and reset it. Goroutines that receive its objects,
// by a channel or under a lock, may read them meanwhile: adding an object changes none of those
// before it. The race detector finds code that breaks the rule.
type Arena struct {
	bytes   []byte  // Data of objects: len is used up, cap is fixed
	labels  []Label // Labels of objects; grows to what the objects need
	refused bool    // an object did not fit
}

// NewArena returns an arena for size bytes of Data. Its labels take 32 bytes each in addition, and
// together at most size.
func NewArena(size int) *Arena {
	return &Arena{bytes: make([]byte, 0, max(size, 0))}
}

// Reset makes the arena empty. The objects in it become invalid; see the rule above.
func (a *Arena) Reset() {
	// Some of their strings may be in other memory, which must not be kept for them.
	clear(a.labels)
	a.bytes, a.labels, a.refused = a.bytes[:0], a.labels[:0], false
}

// Full reports whether the arena has no room for another ordinary object, or had none for the last
// one. An object too large for any arena also makes the arena full. So the memory of the objects
// between two calls of Reset is bounded, in the arena and beside it.
func (a *Arena) Full() bool {
	return a.refused || cap(a.bytes)-len(a.bytes) < min(ordinaryObject, cap(a.bytes)/4)
}

// Len returns how many bytes of the arena are used, labels excluded.
func (a *Arena) Len() int { return len(a.bytes) }

// data returns an empty slice with capacity n: in the arena if it has n bytes left, else in new
// memory. Appending more than n bytes moves the slice out of the arena.
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

// makeLabels returns n empty labels. If the memory for labels is used up, the arena allocates more;
// the objects read so far keep the old memory.
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
