package wire

import "math"

// DefaultMaxObjectBytes is the default of [Options].MaxObjectBytes: 64 MiB. etcd accepts requests
// of 1.5 MiB, so an object that the API server stores is not much larger. But aggregated API
// servers can return objects of any size. The limit turns a runaway stream into an error before it
// exhausts the memory.
const DefaultMaxObjectBytes = 64 << 20

// Options configures how objects are read. The zero Options can read every answer of an API server.
type Options struct {
	// KeepManagedFields keeps metadata.managedFields in the objects' Data. The default is to leave
	// them out.
	KeepManagedFields bool

	// Drop leaves further fields out of the objects' Data, as if they had never been set. nil
	// leaves out none. In protobuf it applies to objects of the type that it was made for; if that
	// type has no protobuf form, reading is an error. In JSON it applies to every object except a
	// Status.
	Drop *Drop

	// MaxObjectBytes is the limit of one object in bytes as received: with its managedFields and,
	// in a watch in protobuf, with the event around it. A larger object is an error that wraps [ErrTooLarge]. 0
	// means [DefaultMaxObjectBytes]; negative means no limit.
	MaxObjectBytes int

	// APIVersion and Kind are the type of objects that do not contain one, such as the items of a
	// list of a built-in type. If both are empty, the items of a PodList are Pods, provided that
	// the list's kind precedes its items.
	APIVersion, Kind string

	// Strict makes an object that contains another type than APIVersion and Kind an error that
	// wraps a [*KindError], and a list of another apiVersion, or of another kind than ListKind. Of
	// the three, those that are empty are not compared. An object with neither a kind nor a name is
	// an error of [ReadObject]. A Status is accepted by ReadObject and in an Error event: servers
	// send it in place of an object. A List of apiVersion v1, which may hold objects of any kind,
	// is accepted, and so is a list without a type.
	Strict bool
	// ListKind is the kind of a list, such as PodList. A custom resource chooses the kind of its
	// lists. It is used if Strict is set.
	ListKind string

	// Arena returns the memory for the next object. The reading goroutine calls it once for each
	// object, when all bytes of the object have arrived. If Arena is nil or returns nil, the object
	// gets memory of its own, and can be kept without limit.
	Arena func() *Arena
}

// arena returns the arena for the next object; nil means memory of its own.
func (o *Options) arena() *Arena {
	if o.Arena == nil {
		return nil
	}
	return o.Arena()
}

// maxObject returns the limit of one object, in bytes.
func (o Options) maxObject() int {
	switch {
	case o.MaxObjectBytes < 0:
		return math.MaxInt
	case o.MaxObjectBytes == 0:
		return DefaultMaxObjectBytes
	}
	return o.MaxObjectBytes
}
