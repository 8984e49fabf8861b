package kubeconfig

import (
	"cmp"
	"fmt"
	"io"
	"path/filepath"
	"time"
)

// Option changes what Open, Load and Parse choose.
type Option func(*options)

type options struct {
	context, cluster, user, namespace string
	server, serverName, ca            string
	insecure                          bool
	changes                           []change
	save                              func(Saved) error
	plugins                           pluginOptions
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

// WithCluster chooses a cluster by its name, in place of the context's. "" means the context's.
func WithCluster(name string) Option { return func(o *options) { o.cluster = name } }

// WithUser chooses a user by its name, in place of the context's. "" means the context's.
func WithUser(name string) Option { return func(o *options) { o.user = name } }

// WithServer sets the API server's URL, in place of the cluster's server and tls-server-name. "" means
// the cluster's. With it no kubeconfig is needed. The user's credentials are sent to this server.
func WithServer(url string) Option { return func(o *options) { o.server = url } }

// WithCertificateAuthority sets the file of the authorities that may have signed the server's
// certificate, in place of the cluster's and of its insecure-skip-tls-verify. "" means the cluster's.
// A relative path is relative to the working directory.
func WithCertificateAuthority(file string) Option { return func(o *options) { o.ca = file } }

// WithTLSServerName sets the name that the server's certificate must be valid for. "" means the
// cluster's.
func WithTLSServerName(name string) Option { return func(o *options) { o.serverName = name } }

// WithInsecureSkipTLSVerify, with true, accepts any certificate of the server, in place of the
// cluster's authorities. Together with WithCertificateAuthority it is an error. false means what the
// cluster says.
func WithInsecureSkipTLSVerify(insecure bool) Option {
	return func(o *options) { o.insecure = insecure }
}

// override puts the options in place of the fields of c, as kubectl's flags do (kubectl reference,
// "kubectl options").
func (o *options) override(c *cluster) error {
	if o.server != "" {
		c.Server, c.TLSServerName = o.server, ""
	}
	c.TLSServerName = cmp.Or(o.serverName, c.TLSServerName)
	if o.insecure || o.ca != "" {
		c.CertificateAuthority, c.CertificateAuthorityData = "", ""
		c.InsecureSkipTLSVerify = o.insecure
	}
	if o.ca != "" {
		path, err := filepath.Abs(o.ca)
		if err != nil {
			return fmt.Errorf("find %q (WithCertificateAuthority): %w", o.ca, err)
		}
		c.CertificateAuthority = path
	}
	return nil
}

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
