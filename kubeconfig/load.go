package kubeconfig

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/skiff-k8s/skiff/rest"
)

// ErrNotFound says that none of the places that Load looks at holds a configuration.
var ErrNotFound = errors.New("no configuration found")

// defaultNamespace is where kubectl is without being told otherwise.
const defaultNamespace = "default"

// Option changes what Load takes from the files.
type Option func(*options)

type options struct{ context, namespace string }

// WithContext chooses a context instead of the files' current-context. "" changes nothing.
func WithContext(name string) Option { return func(o *options) { o.context = name } }

// WithNamespace sets Config.Namespace instead of the context. "" changes nothing.
func WithNamespace(namespace string) Option { return func(o *options) { o.namespace = namespace } }

// environment is what Load reads of the world beside files named to it.
type environment struct {
	getenv         func(string) string
	home           func() (string, error)
	serviceAccount string
}

func system() environment {
	return environment{getenv: os.Getenv, home: os.UserHomeDir, serviceAccount: serviceAccountDir}
}

// Load reads the kubeconfig file at path or, when path is "", what $KUBECONFIG, ~/.kube/config or
// the pod's service account say; see the package's comment for the rules. The result belongs to the
// caller; its Namespace is the context's, or "default".
//
// Errors name the file and the entry. One that is ErrNotFound lists the places that were tried;
// a file that is there but wrong is never passed over for the next place.
func Load(path string, opts ...Option) (*rest.Config, error) {
	var o options
	for _, opt := range opts {
		opt(&o)
	}
	cfg, err := system().load(path, o)
	if err != nil {
		return nil, fmt.Errorf("kubeconfig: %w", err)
	}
	return cfg, nil
}

func (e environment) load(path string, o options) (*rest.Config, error) {
	if path != "" {
		return loadExplicit(path, o)
	}
	paths, rule, err := e.defaults()
	if err != nil {
		return nil, err
	}
	m, missing, err := readAll(paths)
	if err != nil {
		return nil, err
	}
	if !m.empty() {
		return m.config(o)
	}
	tried := []string{rule + tried(m.files, missing)}
	if o.context == "" { // a pod has no contexts to choose from
		cfg, err := e.inCluster()
		if err == nil {
			if o.namespace != "" {
				cfg.Namespace = o.namespace
			}
			return cfg, nil
		}
		if !errors.Is(err, ErrNotInCluster) {
			return nil, err
		}
		tried = append(tried, err.Error())
	} else {
		tried = append(tried, fmt.Sprintf("in-cluster has no context %q", o.context))
	}
	return nil, fmt.Errorf("%w; tried %s: name a file, set KUBECONFIG, or run in a pod", ErrNotFound, strings.Join(tried, "; "))
}

func loadExplicit(path string, o options) (*rest.Config, error) {
	f, err := readFile(path)
	if err != nil {
		return nil, err
	}
	m, _, _ := readAll(nil)
	m.add(f, path)
	if m.empty() {
		return nil, fmt.Errorf("the kubeconfig file %q holds no cluster, no user and no context", path)
	}
	return m.config(o)
}

// defaults are the files to read when none was named, and the rule by which.
func (e environment) defaults() (paths []string, rule string, err error) {
	if list := e.getenv("KUBECONFIG"); list != "" {
		for _, path := range filepath.SplitList(list) {
			if path != "" {
				paths = append(paths, path)
			}
		}
		return paths, "$KUBECONFIG", nil
	}
	home, err := e.home()
	if err != nil || home == "" {
		return nil, "~/.kube/config (there is no home directory)", nil
	}
	return []string{filepath.Join(home, ".kube", "config")}, "~/.kube/config", nil
}

// tried says what became of the files.
func tried(empty, missing []string) string {
	var notes []string
	for _, path := range missing {
		notes = append(notes, fmt.Sprintf("%q does not exist", path))
	}
	for _, path := range empty {
		notes = append(notes, fmt.Sprintf("%q is empty", path))
	}
	if len(notes) == 0 {
		return ""
	}
	return " (" + strings.Join(notes, ", ") + ")"
}
