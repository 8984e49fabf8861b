package kubeconfig

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"sync"

	"github.com/skiff-k8s/skiff/rest"
)

// AuthProvider is a user's auth-provider, for the package that implements it.
type AuthProvider struct {
	// Config is what the kubeconfig says for the provider. It belongs to the provider.
	Config map[string]string
	// File is the absolute path of the kubeconfig that holds the user, or "" for Parse.
	File string
	// User is the user's name in it.
	User string
	// Folder is what relative paths in Config are relative to.
	Folder string
	// Save keeps a changed Config, of which it takes a copy. It is nil without WithSaver: the provider
	// writes File then, if it can do so safely.
	Save func(config map[string]string) error
}

// providers are the implementations of auth-providers, by name.
var providers struct {
	mu     sync.Mutex // guards byName
	byName map[string]func(AuthProvider) (rest.CredentialSource, error)
}

// RegisterAuthProvider makes an implementation of an auth-provider known, usually in a function init:
// [github.com/skiff-k8s/skiff/kubeconfig/oidc] does so for "oidc". make is called when a user with
// that provider is loaded. It does not contact anybody; its error says what is wrong with the
// entry's config. A second registration of a name panics. It is safe for concurrent use.
func RegisterAuthProvider(name string, make func(AuthProvider) (rest.CredentialSource, error)) {
	providers.mu.Lock()
	defer providers.mu.Unlock()
	if _, there := providers.byName[name]; there {
		panic("kubeconfig: the auth-provider " + name + " is registered twice")
	}
	if providers.byName == nil {
		providers.byName = map[string]func(AuthProvider) (rest.CredentialSource, error){}
	}
	providers.byName[name] = make
}

// Saved is what WithSaver is called with.
type Saved struct {
	// File is the absolute path of the kubeconfig that holds the user, or "" for Parse.
	File string
	// User is the user's name in it.
	User string
	// Config is the whole new config of the user's auth-provider. It holds secrets.
	Config map[string]string
}

// WithSaver sets a function that keeps what an auth-provider changes in its config, in place of
// writing it to the kubeconfig: an issuer of OIDC tokens may replace the refresh token, and may refuse
// the old one from then on. What changed is kept in memory in any case. save is called from one
// goroutine at a time for each user. An error is logged.
func WithSaver(save func(Saved) error) Option { return func(o *options) { o.save = save } }

// authProvider returns the source of a user's auth-provider.
func authProvider(name string, e entry[*user], o *options) (rest.CredentialSource, error) {
	p := e.value.AuthProvider
	providers.mu.Lock()
	newSource := providers.byName[p.Name]
	providers.mu.Unlock()
	fail := func(err error) error { return fmt.Errorf("its auth-provider %q: %w", p.Name, err) }
	if newSource == nil {
		switch p.Name {
		case "oidc":
			return nil, fail(errors.New("it is not linked: add to the program " +
				`import _ "github.com/skiff-k8s/skiff/kubeconfig/oidc"`))
		case "gcp", "azure":
			return nil, fail(errors.New("it was removed in Kubernetes 1.26: " +
				"make the kubeconfig again, with gke-gcloud-auth-plugin or kubelogin"))
		}
		return nil, fail(errors.New("it is unknown: use exec, or RegisterAuthProvider"))
	}
	folder, err := e.from.resolve(".")
	if err != nil {
		return nil, err
	}
	given := AuthProvider{Config: p.Config, User: name, Folder: folder}
	if e.from.path != "" {
		given.File = filepath.Join(folder, filepath.Base(e.from.path))
	}
	if o.save != nil {
		file, save := given.File, o.save
		given.Save = func(config map[string]string) error {
			return save(Saved{File: file, User: name, Config: maps.Clone(config)})
		}
	}
	source, err := newSource(given)
	if err != nil {
		return nil, fail(err)
	}
	return source, nil
}
