package wire

// DefaultMaxObjectBytes is the default of [Options].MaxObjectBytes: 64 MiB.
// etcd takes 1.5 MiB in a request, so no object that the API server stores is larger by much; but
// aggregated API servers make up objects of any size. The bound is there to turn a runaway stream
// into an error before it is an exhausted memory.
const DefaultMaxObjectBytes = 64 << 20

// Options say how objects are read. The zero Options are good for whatever an API server sends.
type Options struct {
	// KeepManagedFields leaves metadata.managedFields in the objects' Data.
	KeepManagedFields bool

	// Drop leaves other fields out of the objects' Data, as if nobody had ever set them. nil leaves
	// out none. In protobuf it applies to objects of the type that it was made for; if it was made
	// for a type without a protobuf form, reading is an error. In JSON it applies to every object
	// but a Status.
	Drop *Drop

	// MaxObjectBytes is the most that one object may take as it comes, with its managedFields and,
	// in a watch, with the event around it; a larger one is an error that wraps [ErrTooLarge].
	// 0 means [DefaultMaxObjectBytes].
	MaxObjectBytes int

	// APIVersion and Kind are what objects are that do not say so themselves, as the items of a
	// list do not when their type is built in. Where both are empty, items of a PodList that says
	// so before its items are taken for Pods.
	APIVersion, Kind string

	// Arena returns the memory for the next object, whose bytes have all come. It is asked once for
	// each, by the goroutine that reads. Where it is nil or returns nil, the object gets memory of
	// its own, to be kept for as long as anybody likes.
	Arena func() *Arena
}

// arena is the memory for the next object; nil is memory of its own.
func (o *Options) arena() *Arena {
	if o.Arena == nil {
		return nil
	}
	return o.Arena()
}

// maxObject is the limit of one object.
func (o Options) maxObject() int {
	if o.MaxObjectBytes <= 0 {
		return DefaultMaxObjectBytes
	}
	return o.MaxObjectBytes
}
