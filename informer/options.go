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

// Option configures one informer (given to For or ForResource), or all informers of a factory that
// do not set it themselves (given to NewFactory).
type Option interface{ apply(*config) }

// HandlerOption configures one handler, and is given to AddHandler. [Resync] returns the only one.
type HandlerOption interface{ applyToHandler(*handlerConfig) }

// defaultDecodedBudget is how many bytes of decoded objects an informer keeps.
const defaultDecodedBudget = 16 << 20

// noBudget is a decodedBudget without a limit.
const noBudget = math.MaxInt64

// defaultPageSize is how many objects a page of a list holds, as in client-go.
const defaultPageSize = 500

type config struct {
	namespace         string   // several are joined by commas
	several           *several // nil with one namespace or all
	misuse            error    // why the options make no informer
	labelSelector     string
	fieldSelector     string
	keepManagedFields bool
	json              bool
	as                string // the kind that the server converts the objects to
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
	dropFields        *wire.Drop                                        // drop, compiled
	served            *served                                           // WhenServed
	transform         *transform                                        // nil if there is none
}

type handlerConfig struct {
	owner  *handle // that the handler was added through
	resync time.Duration
}

type option func(*config)

func (o option) apply(c *config) { o(c) }

// Namespace confines the informer to one namespace. Default: all namespaces, "".
func Namespace(namespace string) Option {
	return option(func(c *config) { c.namespace, c.several, c.misuse = namespace, nil, nil })
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

// KeepManagedFields keeps metadata.managedFields in the cached objects. The default is to drop it
// as the objects arrive: it is often half of an object, and seldom read.
func KeepManagedFields() Option {
	return option(func(c *config) { c.keepManagedFields = true })
}

// Drop leaves fields out of the objects as they arrive, before they are cached and handlers are
// called. For all readers of this informer it is as if nobody had ever set them. Fields that are
// large and never read cost nothing that way:
//
//	informer.For[corev1.Pod](factory, informer.Drop("spec.containers[*].env", "status.conditions"))
//
// Paths name fields as JSON does (package fieldpath has the syntax). Two kinds of path are refused,
// and the informer's methods return a *fieldpath.Error (see For): the fields that the cache itself
// needs, such as metadata.name and metadata.labels, and fields that the Go type does not have. Do
// not write back an object with dropped fields: an Update deletes the fields on the server. Send a
// patch.
//
// Informers that drop different fields have different caches. Drop for one informer replaces the
// factory's. The default is to drop nothing but managedFields. To choose by the object's content, or
// to drop whole objects, use Transform.
func Drop(paths ...string) Option {
	return option(func(c *config) { c.drop, c.newDrop = paths, wire.NewDrop })
}

// DecodedBudget sets how many bytes of memory an informer uses to keep objects decoded that are
// read often, beside the packed form of every object. The memory is taken as objects are read. If
// several callers ask for the same informer, the largest budget holds that any of them asked for.
//
// 0 means the default: the factory's budget, or 16 MiB, room for about a thousand Pods. Negative
// means that nothing is kept, so that each read decodes. KeepDecoded sets no limit.
//
// If all objects are read in turn and they take many times the budget, a negative budget is
// somewhat cheaper: the objects kept are then seldom those read next (BenchmarkReadScan).
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
// View decodes the object anew. It holds for all users of the shared informer.
func CheckViews() Option {
	return option(func(c *config) { c.checkViews = true })
}

// JSON asks the server for JSON. The default is protobuf for the kinds that have it, else JSON.
func JSON() Option {
	return option(func(c *config) { c.json = true })
}

// OnError calls f for every error of the informers: failed and broken streams, before they are
// tried again, and panics of handlers and index functions. f is called from the goroutine that met
// the error and must not block. The default is a warning in the log: one for each fault of a stream,
// and for panics at most one every ten seconds.
func OnError(f func(error)) Option {
	return option(func(c *config) { c.onError = f })
}

// Logger sets the logger of the informers. The default is the rest.Config's logger, or
// slog.Default.
func Logger(l *slog.Logger) Option {
	return option(func(c *config) { c.logger = l })
}

// CrashOnPanic lets a panic of a handler end the process, as client-go does. By default the panic
// is reported as an error with its stack (see OnError), and the handler goes on with its next
// event.
func CrashOnPanic() Option {
	return option(func(c *config) { c.crashOnPanic = true })
}

// ResyncOption is the type of Resync: an Option for a factory or an informer, and a HandlerOption.
type ResyncOption struct{ every time.Duration }

// Resync calls a handler's OnUpdate for every cached object once in each such period; old and new
// are then the same item. No request is sent. A handler that is still busy with one resync skips
// the next. The cache does not need resyncs. They are for handlers that keep state outside of the
// cluster, which may be lost there.
//
// 0 means the default: for a handler its informer's, for an informer the factory's, for a factory
// off. Negative means off.
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
		return &kind.MisuseError{Verb: "make informer of",
			Resource: k.GVR().GroupResource().String(),
			Problem: fmt.Sprintf("namespace %q given, but the resource is cluster-scoped",
				own.namespace)}
	}
	c.namespace, c.several = "", nil
	return nil
}

// compile resolves the paths to drop for the Go type t, nil if its fields are not known, and checks
// that the transform takes t. It calls the functions that Drop and Transform have set, so that
// programs without these options do not link the parser of field paths, nor the encoders.
func (c *config) compile(t reflect.Type) (err error) {
	if len(c.drop) > 0 {
		c.dropFields, err = c.newDrop(t, c.drop...)
	}
	if err == nil && c.transform != nil {
		err = c.transform.check(t)
	}
	return err
}

// dropped returns the fields to drop as text, the same for the same fields.
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
