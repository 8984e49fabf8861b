package kubeconfig

import (
	"io"
	"time"
)

// Option changes what Open, Load and Parse choose.
type Option func(*options)

type options struct {
	context, namespace string
	plugins            pluginOptions
}

func optionsOf(opts []Option) options {
	var o options
	for _, opt := range opts {
		opt(&o)
	}
	return o
}

// WithContext chooses a context by its name. "" means the default, the files' current-context.
func WithContext(name string) Option { return func(o *options) { o.context = name } }

// WithNamespace sets the namespace. "" means the default, which the package's comment describes.
func WithNamespace(namespace string) Option { return func(o *options) { o.namespace = namespace } }

// WithPlugins permits the credential plugins that are named, and no others. Without this option and
// WithoutPlugins, all are permitted. If several of them are given, the last one holds.
//
// A name is the absolute path of a program, or a bare name, which is looked up in $PATH. It permits
// the plugin whose path is the same: "aws" does not permit "/tmp/aws". A user whose plugin is not
// permitted is an error that wraps [ErrPluginNotAllowed]. Source: KEP-3104, the allow-list of
// kubectl's kuberc.
func WithPlugins(names ...string) Option {
	return func(o *options) { o.plugins.restricted, o.plugins.allowed = true, names }
}

// WithoutPlugins permits no credential plugin. A program that loads files from elsewhere uses it: a
// kubeconfig may name any program of this machine.
func WithoutPlugins() Option { return WithPlugins() }

// WithPluginTimeout limits how long a credential plugin may run. 0 means the default,
// DefaultPluginTimeout; negative means no limit.
func WithPluginTimeout(d time.Duration) Option {
	return func(o *options) { o.plugins.timeout = d }
}

// WithPluginStderr sets where the standard error of credential plugins goes. nil means the default,
// os.Stderr. The writer is used from one goroutine for each plugin.
func WithPluginStderr(w io.Writer) Option { return func(o *options) { o.plugins.stderr = w } }

// WithoutStdin keeps standard input from credential plugins. It is for programs that read it
// themselves.
func WithoutStdin() Option { return func(o *options) { o.plugins.noStdin = true } }
