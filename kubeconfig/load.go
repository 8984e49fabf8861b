package kubeconfig

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/skiff-k8s/skiff/internal/files"
	"github.com/skiff-k8s/skiff/rest"
)

// ErrNotFound is the error of Open and Load if no path was given and none of the default places
// holds a configuration.
var ErrNotFound = errors.New("kubeconfig: no configuration found")

// prefix begins every error of the package.
const prefix = "kubeconfig: "

// defaultNamespace is the namespace that kubectl uses if nothing sets one.
const defaultNamespace = "default"

// Config is the configuration of a client, and the names that belong to it. It belongs to the
// caller.
type Config struct {
	// REST is the configuration for rest.NewClient. It is never nil.
	REST *rest.Config

	// Namespace is the namespace to use if the program's user does not choose one. It is never "",
	// and equals REST.Namespace.
	Namespace string

	// Context is the name of the context that was chosen, Cluster the name of its cluster, and User
	// the name of its user. All three are "" in a pod. User is "" for a context that names no user,
	// whose requests are anonymous.
	Context string
	Cluster string
	User    string
}

// Open reads the kubeconfig file at path. If path is "", it reads $KUBECONFIG, ~/.kube/config or
// the pod's service account, by the rules in the package's comment.
//
// An error names the file and the entry that cause it. The causes are:
//
//   - no configuration at any default place: the error is [ErrNotFound] and lists the places;
//   - a file that cannot be read, or is not a kubeconfig;
//   - a context, cluster or user that is missing, incomplete or not supported.
//
// A file that is wrong is an error, even if a later place holds a configuration.
func Open(path string, opts ...Option) (*Config, error) {
	c, err := system().open(path, optionsOf(opts))
	return c, named(err)
}

// Load is Open for programs that need the client's configuration only.
func Load(path string, opts ...Option) (*rest.Config, error) {
	c, err := Open(path, opts...)
	if err != nil {
		return nil, err
	}
	return c.REST, nil
}

// Parse reads a kubeconfig that is not in a file, such as the value of a Secret. The environment is
// not used. Relative paths in data are relative to the working directory of the process at the time
// of the call.
//
// A kubeconfig may name files of this machine, which the client then reads and sends as credentials
// to the server that the kubeconfig names, and programs, which it runs. Do not parse one from a
// source that is not trusted; [WithoutPlugins] runs no program, but files are read.
//
// The errors are those of Open, except ErrNotFound.
func Parse(data []byte, opts ...Option) (*Config, error) {
	c, err := parseConfig(data, optionsOf(opts))
	return c, named(err)
}

func parseConfig(data []byte, o options) (*Config, error) {
	const origin = "the given kubeconfig"
	if len(data) > files.MaxKubeconfig {
		return nil, fmt.Errorf("parse %s: it is larger than %d bytes", origin, files.MaxKubeconfig)
	}
	f, err := parse(data)
	if err != nil {
		return nil, fmt.Errorf("parse %s: %w", origin, err)
	}
	return single(f, source{name: origin, dir: "."}, o)
}

// named begins an error with the package's name, which ErrNotFound and ErrNotInCluster do already.
func named(err error) error {
	if err == nil || errors.Is(err, ErrNotFound) || errors.Is(err, ErrNotInCluster) {
		return err
	}
	return fmt.Errorf(prefix+"%w", err)
}

// environment is what the default places depend on.
type environment struct {
	getenv         func(string) string
	home           func() (string, error)
	serviceAccount string // the folder of the pod's service account
}

func system() environment {
	return environment{getenv: os.Getenv, home: os.UserHomeDir, serviceAccount: serviceAccountDir}
}

func (e environment) open(path string, o options) (*Config, error) {
	if path != "" {
		f, err := readFile(path)
		if err != nil {
			return nil, err
		}
		return single(f, fileSource(path), o)
	}
	paths, rule := e.defaults()
	m, missing, err := readAll(paths)
	if err != nil {
		return nil, err
	}
	if !m.empty() || o.server != "" {
		return m.config(o)
	}
	tried := []string{rule + describe(m.sources, missing)}
	for _, chosen := range [][2]string{
		{"context", o.context}, {"cluster", o.cluster}, {"user", o.user},
	} {
		if chosen[1] != "" {
			tried = append(tried, fmt.Sprintf("in-cluster has no %s %q", chosen[0], chosen[1]))
			return nil, notFound(tried)
		}
	}
	cfg, err := e.inCluster()
	if errors.Is(err, ErrNotInCluster) {
		return nil, notFound(append(tried, strings.TrimPrefix(err.Error(), prefix)))
	}
	if err != nil {
		return nil, err
	}
	return o.inCluster(cfg)
}

// inCluster applies the options to the configuration of a pod.
func (o *options) inCluster(cfg *rest.Config) (*Config, error) {
	if o.namespace != "" {
		cfg.Namespace = o.namespace
	}
	pod := source{name: "the pod"}
	out := &Config{REST: cfg, Namespace: cfg.Namespace}
	ofCluster := entry[*cluster]{from: pod, value: &cluster{
		Server: cfg.Host, CertificateAuthority: cfg.TLS.CAFile, DisableCompression: true,
	}}
	ofUser := entry[*user]{from: pod, value: &user{TokenFile: cfg.BearerTokenFile}}
	if err := o.apply(cfg, out, ofCluster, ofUser); err != nil {
		return nil, fmt.Errorf("use the pod's service account: %w", err)
	}
	return out, nil
}

func notFound(tried []string) error {
	return fmt.Errorf(
		"%w; tried %s: name a file, set KUBECONFIG, or run in a pod", ErrNotFound,
		strings.Join(tried, "; "))
}

// single returns the configuration of one file.
func single(f *file, from source, o options) (*Config, error) {
	m := newMerged()
	m.add(f, from)
	if m.empty() && o.server == "" {
		return nil, fmt.Errorf("%s holds no cluster, no user and no context", from.name)
	}
	return m.config(o)
}

// defaults returns the files to read if no path is given, and the name of the rule.
func (e environment) defaults() (paths []string, rule string) {
	if list := e.getenv("KUBECONFIG"); list != "" {
		for _, path := range filepath.SplitList(list) {
			if path != "" {
				paths = append(paths, path)
			}
		}
		return paths, "$KUBECONFIG"
	}
	home, err := e.home()
	if err != nil || home == "" {
		return nil, "~/.kube/config (there is no home directory)"
	}
	return []string{filepath.Join(home, ".kube", "config")}, "~/.kube/config"
}

// describe lists the files that hold no configuration, for an error.
func describe(empty []source, missing []string) string {
	var notes []string
	for _, path := range missing {
		notes = append(notes, fmt.Sprintf("%q does not exist", path))
	}
	for _, from := range empty {
		notes = append(notes, from.name+" is empty")
	}
	if len(notes) == 0 {
		return ""
	}
	return " (" + strings.Join(notes, ", ") + ")"
}
