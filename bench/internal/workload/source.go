package workload

import (
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Format is how an object is written as bytes.
type Format uint8

// The two formats that clients ask for.
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

// Phase is where a pod stands in its life. Objects of other kinds are always Ready.
type Phase uint8

// The phases. A pod of a rollout is Pending, Scheduled, Ready, and at last Deleting; a probe that fails
// makes it Unready for a while.
const (
	Ready     Phase = iota // running, and all is well
	Unready                // running, and a readiness probe fails
	Pending                // just made: no node, no status to speak of
	Scheduled              // has a node, its containers do not run yet
	Deleting               // as it is last seen, with a deletionTimestamp
	phases
)

// State is which object a Source has at a position, and how it stands. The zero State is none that a
// server sends: it lacks a version.
type State struct {
	Version    uint64 // its resourceVersion, of nine digits
	Generation uint32 // which object it is at this position: 0 at first
	Revision   uint32 // how often this object has changed
	Phase      Phase
}

// FirstVersion is greater than every version of First, and the first that a server may give to a
// change. All versions have nine digits, so that objects keep their size.
const FirstVersion = 600_000_000

// FloodEnd is the name and the namespace of the object that marks the end of a flood.
const FloodEnd = "flood-end"

// Info is what a server has to know of a resource.
type Info struct {
	schema.GroupVersionKind
	Resource   string // "pods"
	Namespaced bool
	Protobuf   bool // custom resources are JSON only
}

// APIVersion returns "v1" or "apps/v1".
func (i Info) APIVersion() string { return i.GroupVersion().String() }

// Source is the objects of one resource. All methods are pure functions of their arguments, and safe
// for concurrent use.
type Source interface {
	// Info says which resource it is.
	Info() Info
	// Len is how many positions there are. At position Len is the object FloodEnd.
	Len() int
	// First returns the state of position i in the initial list.
	First(i int) State
	// Namespace returns the namespace of the object at position i; "" if it has none.
	Namespace(i int) string
	// Name returns the name of an object.
	Name(i int, s State) string
	// Object returns an object as a client has it when it has decoded it, managedFields included.
	Object(i int, s State) runtime.Object
	// Append appends an object as it stands in a list of this format: a protobuf message, or JSON
	// (without apiVersion and kind if the type is built in).
	Append(dst []byte, f Format, i int, s State) []byte
}

// spread returns the resourceVersion of position i of n in the initial list: anything below
// FirstVersion, each once, in no order.
func spread(g *generator, i, n int) uint64 {
	const low, high, prime = 500_000_000, FirstVersion, 982_451_653
	width := uint64((high - low) / max(n, 1))
	at := uint64(i) * prime % uint64(max(n, 1))
	return low + at*width + uint64(g.below(int(width)))
}
