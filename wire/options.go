package wire

// DefaultMaxObjectBytes is the most that one object may take when Options say nothing else: 64 MiB.
// etcd takes 1.5 MiB in a request, so no object that the API server stores is larger by much; but
// aggregated API servers make up objects of any size. The bound is there to turn a runaway stream
// into an error before it is an exhausted memory.
const DefaultMaxObjectBytes = 64 << 20

// Options say how objects are read. The zero Options are good for everything but JSON lists of
// built-in types whose kind does not end in List.
type Options struct {
	// KeepManagedFields leaves metadata.managedFields in the objects' Data.
	KeepManagedFields bool

	// MaxObjectBytes is the most that one object may take as it comes, managedFields and envelope
	// included; a larger one is an error, and wraps [ErrTooLarge]. 0 means [DefaultMaxObjectBytes].
	MaxObjectBytes int

	// APIVersion and Kind are what objects are that do not say so themselves, as the items of a
	// list do not when their type is built in. Where both are empty, the items of a PodList are
	// taken for Pods.
	APIVersion, Kind string
}
