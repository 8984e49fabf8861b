package skifftest

import (
	"time"

	"github.com/skiff-k8s/skiff/faults"
	"github.com/skiff-k8s/skiff/skifftest/internal/schema"
)

// Option configures a [Server].
type Option struct{ apply func(*options) }

type options struct {
	now     func() time.Time
	listen  faults.Options
	rules   []faults.Rule
	crds    []any
	collect bool

	definitions []schema.CRDOption
}

// WithClock makes the server take timestamps from now. The default is time.Now, which in a bubble of
// testing/synctest is the bubble's clock. How long a watch lasts, and when it gets bookmarks, is by
// package time always.
func WithClock(now func() time.Time) Option { return Option{func(o *options) { o.now = now }} }

// WithLoopback makes the server listen on a free port of 127.0.0.1, for clients of other processes. It
// fails a test in a bubble of testing/synctest.
func WithLoopback() Option { return Option{func(o *options) { o.listen.Loopback = true }} }

// WithTLS makes the server speak https, and HTTP/2 with clients that want it.
func WithTLS() Option { return Option{func(o *options) { o.listen.TLS = true }} }

// WithFaults puts the fault layer's rules in front of the server.
func WithFaults(rules ...faults.Rule) Option { return Option{func(o *options) { o.rules = rules }} }

// WithCRDs makes the server serve custom kinds from the start. A definition is what [Server.AddCRD]
// takes.
func WithCRDs(definitions ...any) Option {
	return Option{func(o *options) { o.crds = append(o.crds, definitions...) }}
}

// WithGarbageCollection makes the server do what [Server.CollectGarbage] does after each request that
// may change something.
func WithGarbageCollection() Option { return Option{func(o *options) { o.collect = true }} }

// IgnoreRules makes the server accept definitions whose schema has x-kubernetes-validations. The rules are
// not evaluated. Without it such a definition is refused, because a test would not notice what the rules
// refuse.
func IgnoreRules() Option {
	return Option{func(o *options) { o.definitions = append(o.definitions, schema.IgnoreRules()) }}
}

// IgnoreConversionWebhooks makes the server accept definitions whose versions are converted by a webhook.
// They are converted by the name of the version alone.
func IgnoreConversionWebhooks() Option {
	return Option{func(o *options) { o.definitions = append(o.definitions, schema.IgnoreConversionWebhook()) }}
}
