package informer

import (
	"log/slog"
	"time"

	"github.com/skiff-k8s/skiff/rest"
)

// Option is a choice for one informer (given to For or ForResource), or for all informers of a
// factory that do not choose otherwise (given to NewFactory).
type Option interface{ apply(*config) }

// HandlerOption is a choice for one handler, given to AddHandler.
type HandlerOption interface{ applyToHandler(*handlerConfig) }

// defaultDecodedBudget is how many bytes of decoded objects an informer keeps: some thousand Pods.
const defaultDecodedBudget = 16 << 20

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
	noWatchList       bool
	decodedBudget     int64
}

type handlerConfig struct {
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

// KeepManagedFields keeps metadata.managedFields in the cached objects. Default: they are dropped
// as the objects arrive, for they are often the larger half and hardly ever read.
func KeepManagedFields() Option {
	return option(func(c *config) { c.keepManagedFields = true })
}

// JSON asks the server for JSON also where it speaks protobuf. Default: protobuf where it can.
func JSON() Option {
	return option(func(c *config) { c.json = true })
}

// OnError has f told of every error of the informers: failed and broken streams, before they are
// tried again, and panics of handlers and index functions. It is called from the goroutine that
// met the error and must not block. Default: a warning in the log, repeated ones at most every ten
// seconds.
func OnError(f func(error)) Option {
	return option(func(c *config) { c.onError = f })
}

// Logger sets where the informers log. Default: the rest.Config's logger, or slog.Default.
func Logger(l *slog.Logger) Option {
	return option(func(c *config) { c.logger = l })
}

// CrashOnPanic lets a panic of a handler end the process, as client-go does. Default: the panic is
// reported as an error with its stack, that one event is lost to that handler, and everything goes
// on.
func CrashOnPanic() Option {
	return option(func(c *config) { c.crashOnPanic = true })
}

// ResyncOption is what Resync returns: it can be given to a factory, to an informer and to a
// handler.
type ResyncOption struct{ every time.Duration }

// Resync has handlers told of every cached object each time this long has passed, as an OnUpdate
// whose old and new item are the same (and equal their ResourceVersions). Nothing is asked of the
// server. A handler that is still busy with one resync skips the next. Default: 0, never; the
// stream heals by itself, so that this is needed only to repair what outside of the cluster may
// have been lost.
func Resync(every time.Duration) ResyncOption { return ResyncOption{every} }

func (o ResyncOption) apply(c *config)                 { c.resync = o.every }
func (o ResyncOption) applyToHandler(c *handlerConfig) { c.resync = o.every }

func (c config) with(opts []Option) config {
	for _, o := range opts {
		o.apply(&c)
	}
	return c
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
