package workload

import (
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Format is an encoding of objects.
type Format uint8

// The formats.
const (
	Protobuf Format = iota
	JSON
)

func (f Format) String() string {
	if f == JSON {
		return "json"
	}
	return "protobuf"
}

// Phase is the phase of a pod's life. Objects of other kinds are always Ready.
type Phase uint8

// The phases. A pod of a rollout is Pending, Scheduled, Ready, and finally Deleting. A failing
// probe makes it Unready for a while.
const (
	Ready     Phase = iota // running, and all is well
	Unready                // running, and a readiness probe fails
	Pending                // just made: no node, no status to speak of
	Scheduled              // has a node, its containers do not run yet
	Deleting               // as it is last seen, with a deletionTimestamp
	phases
)

// State identifies an object at a position of a Source, and its state. The zero State is never
// sent, because it has no version.
type State struct {
	Version    uint64 // its resourceVersion, of nine digits
	Generation uint32 // which object it is at this position: 0 at first
	Revision   uint32 // how often this object has changed
	Phase      Phase
}

// FirstVersion is greater than every version of First, and is the first version that a server may
// give to a change. All versions have nine digits, so that objects keep their size.
const FirstVersion = 600_000_000

// FloodEnd is the name and the namespace of the object that marks the end of a flood.
const FloodEnd = "flood-end"

// Info describes a resource to the server.
type Info struct {
	schema.GroupVersionKind
	Resource   string // "pods"
	Namespaced bool
	Protobuf   bool // custom resources are JSON only
}

// APIVersion returns "v1" or "apps/v1".
func (i Info) APIVersion() string { return i.GroupVersion().String() }

// Source is the objects of one resource. All methods are pure functions of their arguments, and
// safe for concurrent use.
type Source interface {
	// Info describes the resource.
	Info() Info
	// Len returns the number of positions. The object FloodEnd is at position Len.
	Len() int
	// First returns the state of position i in the initial list.
	First(i int) State
	// Namespace returns the namespace of the object at position i; "" if it has none.
	Namespace(i int) string
	// Name returns the name of an object.
	Name(i int, s State) string
	// Object returns a decoded object as a client has it, managedFields included.
	Object(i int, s State) runtime.Object
	// Append appends an object as a list of this format contains it: a protobuf message, or JSON
	// (without apiVersion and kind if the type is built in).
	Append(dst []byte, f Format, i int, s State) []byte
}

// spread returns the resourceVersion of position i of n in the initial list: a number below
// FirstVersion, different for each position, in random order.
func spread(g *generator, i, n int) uint64 {
	const low, high, prime = 500_000_000, FirstVersion, 982_451_653
	width := uint64((high - low) / max(n, 1))
	at := uint64(i) * prime % uint64(max(n, 1))
	return low + at*width + uint64(g.below(int(width)))
}
