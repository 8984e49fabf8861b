package kubeconfig

import "github.com/skiff-k8s/skiff/rest"

// Option changes what Load takes from the files.
type Option func(*options)

type options struct{ context, namespace string }

// WithContext chooses a context instead of the files' current-context.
func WithContext(name string) Option { return func(o *options) { o.context = name } }

// WithNamespace replaces the namespace of the context.
func WithNamespace(namespace string) Option { return func(o *options) { o.namespace = namespace } }

// Load reads the file at path, or, when path is "", what the default rules find.
func Load(path string, opts ...Option) (*rest.Config, error) { panic("kubeconfig: not written yet") }

// InCluster is the configuration of a pod's service account.
func InCluster() (*rest.Config, error) { panic("kubeconfig: not written yet") }
