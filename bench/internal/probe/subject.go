package probe

import (
	"context"

	"k8s.io/apimachinery/pkg/labels"
)

// Subject is an informer of one library, with one handler that only calls a Watcher. No other
// method is called before Start has returned. After that, one method is called at a time.
type Subject interface {
	// Start makes the informer, adds the handler and starts both. They end with ctx.
	Start(ctx context.Context, w *Watcher) error
	// WaitForSync waits until the handler has been called for every object of the initial list.
	WaitForSync(ctx context.Context) error
	// CaughtUp reports whether the handler has been called for all changes up to a version. The
	// last call may still be running.
	CaughtUp(version uint64, w *Watcher) bool

	// Each calls f with every object's key and labels, in no particular order.
	Each(f func(key string, labels labels.Labels))
	// Get reads an object in the way that the library recommends for an object to be changed.
	Get(key string) error
	// Peek reads an object in the cheapest way that the library has for an object that is only
	// read.
	Peek(key string) error
	// Glance reads an object's name, labels and versions only. Part reads two of a pod's fields,
	// spec.nodeName and status.phase. Both do so as cheaply as the library allows.
	Glance(key string) error
	Part(key string) error
	// List reads the objects that a selector matches, each as Get does, and returns their number.
	List(selector labels.Selector) (int, error)
	// PeekList is List with each object read as Peek does.
	PeekList(selector labels.Selector) (int, error)
}

// Indexer is a Subject that can have custom indexes.
type Indexer interface {
	// Index adds an index of all cached pods by spec.nodeName, under the given name. It is called
	// after WaitForSync.
	Index(name string) error
}

// Config configures a runner's informer.
type Config struct {
	Server     string // a URL
	Kubeconfig string // a file, instead of Server
	Resource   string // one of Resources
	Dynamic    bool   // without a Go type
	JSON       bool   // even if the resource supports protobuf
	Variant    string // a variant of the runner; "" means the library's defaults
}
