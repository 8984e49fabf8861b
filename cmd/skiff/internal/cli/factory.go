package cli

import (
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"github.com/skiff-k8s/skiff/discovery"
	"github.com/skiff-k8s/skiff/dynamic"
	"github.com/skiff-k8s/skiff/kubeconfig"
	"github.com/skiff-k8s/skiff/rest"
)

// A Factory makes the clients that commands need from the flags, each once and when it is first asked
// for. It is safe for concurrent use when the flags have been parsed.
type Factory struct {
	Streams
	Flags

	mu        sync.Mutex
	config    *kubeconfig.Config
	client    *rest.Client
	discovery *discovery.Client
	mapper    *discovery.Mapper
}

// Config returns the configuration that the kubeconfig and the flags make. It is shared: the caller
// must not change it.
func (f *Factory) Config() (*kubeconfig.Config, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.lockedConfig()
}

func (f *Factory) lockedConfig() (*kubeconfig.Config, error) {
	if f.config != nil {
		return f.config, nil
	}
	cfg, err := kubeconfig.Open(f.Kubeconfig, f.Overrides()...)
	if err != nil {
		return nil, err
	}
	c := cfg.REST
	if f.RequestTimeout > 0 {
		c.Timeout = time.Duration(f.RequestTimeout)
	}
	if f.DisableCompression {
		c.Compression = -1
	}
	c.UserAgent = UserAgent()
	c.Warnings = warnings(f.Err)
	c.Logger = slog.New(slog.NewTextHandler(f.Err, &slog.HandlerOptions{Level: logLevel(f.Verbosity)}))
	if dir, err := f.httpCacheDir(); err == nil {
		discovery.CacheHTTP(c, dir)
	}
	if f.Verbosity >= 6 {
		c.Wrap(rest.Trace(slog.NewTextHandler(f.Err, nil), f.Verbosity))
	}
	f.config = cfg
	return cfg, nil
}

// Overrides returns the flags that choose what a kubeconfig is read for.
func (f *Factory) Overrides() []kubeconfig.Option {
	return []kubeconfig.Option{
		kubeconfig.WithContext(f.Context),
		kubeconfig.WithCluster(f.Cluster),
		kubeconfig.WithUser(f.User),
		kubeconfig.WithNamespace(f.Flags.Namespace),
		kubeconfig.WithServer(f.Server),
		kubeconfig.WithCertificateAuthority(f.CertificateAuthority),
		kubeconfig.WithInsecureSkipTLSVerify(f.Insecure),
		kubeconfig.WithTLSServerName(f.TLSServerName),
		kubeconfig.WithToken(f.Token),
		kubeconfig.WithBasicAuth(f.Username, f.Password),
		kubeconfig.WithClientCertificate(f.ClientCertificate, f.ClientKey),
		kubeconfig.WithImpersonation(rest.Impersonation{User: f.As, UID: f.AsUID, Groups: f.AsGroups}),
		kubeconfig.WithPluginStderr(f.Err),
	}
}

// Namespace returns the namespace of --namespace, or else of the context, and reports whether the
// flag chose it.
func (f *Factory) Namespace() (namespace string, chosen bool, err error) {
	cfg, err := f.Config()
	if err != nil {
		return "", false, err
	}
	return cfg.Namespace, f.Flags.Namespace != "", nil
}

// REST returns the client.
func (f *Factory) REST() (*rest.Client, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.lockedREST()
}

func (f *Factory) lockedREST() (*rest.Client, error) {
	if f.client != nil {
		return f.client, nil
	}
	cfg, err := f.lockedConfig()
	if err != nil {
		return nil, err
	}
	f.client, err = rest.NewClient(cfg.REST)
	return f.client, err
}

// Dynamic returns a client of any resource.
func (f *Factory) Dynamic(opts ...dynamic.Option) (*dynamic.Client, error) {
	c, err := f.REST()
	if err != nil {
		return nil, err
	}
	return dynamic.New(c, opts...), nil
}

// Discovery returns a client of what the server serves. It keeps the answer in memory, and in the
// files that it shares with kubectl.
func (f *Factory) Discovery() (*discovery.Client, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.lockedDiscovery()
}

func (f *Factory) lockedDiscovery() (*discovery.Client, error) {
	if f.discovery != nil {
		return f.discovery, nil
	}
	c, err := f.lockedREST()
	if err != nil {
		return nil, err
	}
	server := discovery.New(c)
	if dir, err := f.discoveryDir(c); err == nil { // without a home there is no file
		f.discovery = discovery.NewMemory(discovery.NewDisk(server, dir, 0))
	} else {
		f.discovery = discovery.NewMemory(server)
	}
	return f.discovery, nil
}

// Mapper returns a mapper of names and kinds to resources.
func (f *Factory) Mapper() (*discovery.Mapper, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.mapper == nil {
		d, err := f.lockedDiscovery()
		if err != nil {
			return nil, err
		}
		f.mapper = discovery.NewMapper(d)
	}
	return f.mapper, nil
}

// discoveryDir returns the folder of what the server serves: below --cache-dir, or kubectl's.
func (f *Factory) discoveryDir(c *rest.Client) (string, error) {
	dir, err := discovery.CacheDir(c)
	if f.CacheDir == "" {
		return dir, err
	}
	return filepath.Join(f.CacheDir, "discovery", filepath.Base(dir)), err
}

func (f *Factory) httpCacheDir() (string, error) {
	if f.CacheDir != "" {
		return filepath.Join(f.CacheDir, "http"), nil
	}
	return discovery.HTTPCacheDir()
}

// Close closes the connections that no request uses.
func (f *Factory) Close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.client != nil {
		f.client.CloseIdleConnections()
	}
}

// logLevel returns the level of the client's own log, which tells why it waits or asks again.
func logLevel(verbosity int) slog.Level {
	if verbosity >= 4 {
		return slog.LevelDebug
	}
	return slog.LevelWarn
}

// warnings returns a function that prints each different warning of the server once.
func warnings(w io.Writer) func(rest.Warning) {
	var mu sync.Mutex
	seen := map[string]bool{}
	label := "Warning:"
	if Colour(w) {
		label = "\x1b[33mWarning:\x1b[0m"
	}
	return func(warning rest.Warning) {
		mu.Lock()
		defer mu.Unlock()
		if !seen[warning.Text] {
			seen[warning.Text] = true
			fmt.Fprintln(w, label, warning.Text)
		}
	}
}

// UserAgent returns what the server's audit log shows.
func UserAgent() string { return "skiff/" + Version() + " (" + platform + ")" }
