package probe

import (
	"context"

	"k8s.io/apimachinery/pkg/labels"
)

// Subject is an informer of one library with one handler, which does nothing but call a Watcher.
// Only Start is called before Start has returned; the calls after that come one at a time.
type Subject interface {
	// Start makes the informer, adds the handler and starts both. They end with ctx.
	Start(ctx context.Context, w *Watcher) error
	// WaitForSync waits until the handler has been told of the whole initial list.
	WaitForSync(ctx context.Context) error
	// CaughtUp says that the handler has been told of everything up to a version, or is just being
	// told of the last of it.
	CaughtUp(version uint64, w *Watcher) bool

	// Each calls f with every object's key and labels, in no order.
	Each(f func(key string, labels labels.Labels))
	// Get reads an object in the way that this library recommends to those who will change it.
	Get(key string) error
	// Peek reads an object in the cheapest way that this library has for those who only look at it.
	Peek(key string) error
	// Glance reads an object's name, labels and versions alone, and Part two of a pod's fields
	// (spec.nodeName and status.phase), each as cheaply as the library allows.
	Glance(key string) error
	Part(key string) error
	// List reads the objects that a selector matches as Get does, and returns how many there were.
	List(selector labels.Selector) (int, error)
	// PeekList does so as Peek does.
	PeekList(selector labels.Selector) (int, error)
}

// Indexer is a Subject that can have custom indexes.
type Indexer interface {
	// Index adds an index of the pods by spec.nodeName under a name of its own, with all pods that
	// are cached in it. It is called after WaitForSync.
	Index(name string) error
}

// Config says what a runner's informer is of.
type Config struct {
	Server     string // a URL
	Kubeconfig string // a file, in Server's stead
	Resource   string // of those in Resources
	Dynamic    bool   // without a Go type
	JSON       bool   // also where protobuf could be spoken
	Variant    string // what else the runner's main function knows; "" is the library as it comes
}
