package informer

import (
	"fmt"
	"log/slog"
	"math"
	"reflect"
	"time"

	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/rest"
	"github.com/skiff-k8s/skiff/wire"
)

// Option is a choice for one informer (given to For or ForResource), or for all informers of a
// factory that do not choose otherwise (given to NewFactory).
type Option interface{ apply(*config) }

// HandlerOption configures one handler, and is given to AddHandler. [Resync] returns the only one.
type HandlerOption interface{ applyToHandler(*handlerConfig) }

// defaultDecodedBudget is how many bytes of decoded objects an informer keeps.
const defaultDecodedBudget = 16 << 20

// noBudget is a decodedBudget without a limit.
const noBudget = math.MaxInt64

// defaultPageSize is how many objects a page of a list holds: what servers are used to.
const defaultPageSize = 500

type config struct {
	namespace         string
	labelSelector     string
	fieldSelector     string
	keepManagedFields bool
	json              bool
	resync            time.Duration
	crashOnPanic      bool
	onError           func(error)
	logger            *slog.Logger
	pageSize          int64
	decodedBudget     int64 // 0 keeps none
	budgetChosen      bool  // by an option
	checkViews        bool
	drop              []string
	newDrop           func(reflect.Type, ...string) (*wire.Drop, error) // set with drop
	dropFields        *wire.Drop                                        // drop, made ready
}

type handlerConfig struct {
	owner  *handle // that the handler was added through
	resync time.Duration
}

type option func(*config)

func (o option) apply(c *config) { o(c) }

// Namespace confines the informer to one namespace. Default: all namespaces, "".
func Namespace(namespace string) Option {
	return option(func(c *config) { c.namespace = namespace })
}

// LabelSelector confines the informer to the objects whose labels match, in the syntax of
// k8s.io/apimachinery/pkg/labels ("app=web,tier in (a,b)"). The server does the matching: an
// object that stops matching is deleted for this informer. Default: every object.
func LabelSelector(selector string) Option {
	return option(func(c *config) { c.labelSelector = selector })
}

// FieldSelector confines the informer to the objects whose fields match, for those fields that the
// server can select by ("spec.nodeName=node-1"). The server does the matching. Default: every
// object.
func FieldSelector(selector string) Option {
	return option(func(c *config) { c.fieldSelector = selector })
}

// KeepManagedFields keeps metadata.managedFields in the cached objects. By default they are dropped
// as the objects arrive: they are often the larger half, and hardly ever read.
func KeepManagedFields() Option {
	return option(func(c *config) { c.keepManagedFields = true })
}

// Drop leaves fields out of the objects as they arrive, before they are cached and handlers are
// called. For all readers of this informer it is as if nobody had ever set them. Fields that are
// large and never read cost nothing that way:
//
//	informer.For[corev1.Pod](factory, informer.Drop("spec.containers[*].env", "status.conditions"))
//
// Paths name fields as JSON does (package fieldpath has the syntax). Those that the cache itself
// lives by, such as metadata.name and metadata.labels, are refused, and so is a path that the Go
// type does not have: the informer's methods return a *fieldpath.Error (see For). An object with
// dropped fields must not be written back: an Update deletes the fields on the server; send a
// patch.
//
// Informers that drop different fields are different caches. Given again, for one informer, it
// replaces what the factory's says. Default: nothing but managedFields.
func Drop(paths ...string) Option {
	return option(func(c *config) { c.drop, c.newDrop = paths, wire.NewDrop })
}

// DecodedBudget sets how many bytes of memory an informer uses to keep objects decoded that are
// read often, beside the packed form of every object. The memory is taken as objects are read. If
// several callers ask for the same informer, the largest budget holds that any of them asked for.
//
// 0 means the default: what the factory says, or 16 MiB, room for about a thousand Pods. Negative
// means that nothing is kept, so that each read decodes. For no limit there is KeepDecoded.
//
// A negative budget is somewhat cheaper where every object is read in turn and they are many times
// what fits: what is kept is then seldom what is read next (BenchmarkReadScan).
func DecodedBudget(bytes int64) Option {
	return option(func(c *config) {
		if bytes != 0 {
			c.decodedBudget, c.budgetChosen = max(bytes, 0), true
		}
	})
}

// KeepDecoded keeps every object decoded once it has been read, without a limit. It is for a type
// that is read over and over as a whole, where the time matters and the memory does not.
func KeepDecoded() Option {
	return option(func(c *config) { c.decodedBudget, c.budgetChosen = noBudget, true })
}

// CheckViews makes every View compare the object that it lends with the object's bytes, before and
// after the call, and panic with a *ViewChangedError if somebody changed it. It is for tests: each
// View decodes the object anew. It holds for all who share the informer.
func CheckViews() Option {
	return option(func(c *config) { c.checkViews = true })
}

// JSON asks the server for JSON also where it speaks protobuf. Default: protobuf where it can.
func JSON() Option {
	return option(func(c *config) { c.json = true })
}

// OnError calls f for every error of the informers: failed and broken streams, before they are
// tried again, and panics of handlers and index functions. f is called from the goroutine that met
// the error and must not block. The default is a warning in the log, at most one every ten seconds.
func OnError(f func(error)) Option {
	return option(func(c *config) { c.onError = f })
}

// Logger sets where the informers log. Default: the rest.Config's logger, or slog.Default.
func Logger(l *slog.Logger) Option {
	return option(func(c *config) { c.logger = l })
}

// CrashOnPanic lets a panic of a handler end the process, as client-go does. Default: the panic is
// reported as an error with its stack (see OnError), that one call is lost to that handler, and the
// informer goes on.
func CrashOnPanic() Option {
	return option(func(c *config) { c.crashOnPanic = true })
}

// ResyncOption is what Resync returns: it can be given to a factory, to an informer and to a
// handler.
type ResyncOption struct{ every time.Duration }

// Resync calls a handler's OnUpdate for every cached object each time this long has passed; old and
// new are the same item then. The server is not asked. A handler that is still busy with one resync
// skips the next. The stream heals by itself: a resync is needed only to repair what outside of the
// cluster may have been lost.
//
// 0 means the default: for a handler what its informer says, for an informer what the factory says,
// for a factory off. Negative means off.
func Resync(every time.Duration) ResyncOption { return ResyncOption{every} }

func (o ResyncOption) apply(c *config)                 { o.set(&c.resync) }
func (o ResyncOption) applyToHandler(c *handlerConfig) { o.set(&c.resync) }

func (o ResyncOption) set(resync *time.Duration) {
	if o.every != 0 {
		*resync = max(o.every, 0)
	}
}

func (c config) with(opts []Option) config {
	for _, o := range opts {
		o.apply(&c)
	}
	return c
}

// confine drops the factory's namespace for a cluster-scoped kind. The error is that opts, the
// options of one informer, name a namespace for such a kind.
func (c *config) confine(k kind.Info, opts []Option) error {
	if k.Namespaced || c.namespace == "" {
		return nil
	}
	if own := (config{}).with(opts); own.namespace != "" {
		return &kind.MisuseError{Verb: "make informer of", Resource: k.GVR().GroupResource().String(),
			Problem: fmt.Sprintf("namespace %q given, but the resource is cluster-scoped", own.namespace)}
	}
	c.namespace = ""
	return nil
}

// compile makes the fields to drop ready for the Go type t; nil is any. (It calls what Drop has
// set, so that programs without Drop do not link the reading of field paths.)
func (c *config) compile(t reflect.Type) (err error) {
	if len(c.drop) > 0 {
		c.dropFields, err = c.newDrop(t, c.drop...)
	}
	return err
}

// dropped is what is dropped, the same text for the same fields.
func (c *config) dropped() string {
	if c.dropFields == nil {
		return ""
	}
	return c.dropFields.String()
}

func newConfig(c *rest.Client, opts []Option) config {
	cfg := config{pageSize: defaultPageSize, decodedBudget: defaultDecodedBudget}.with(opts)
	if cfg.logger == nil {
		cfg.logger = c.Config().Logger
	}
	if cfg.logger == nil {
		cfg.logger = slog.Default()
	}
	return cfg
}
