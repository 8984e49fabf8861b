package kubeconfig

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/skiff-k8s/skiff/rest"
)

// DefaultPluginTimeout is how long a credential plugin may run without WithPluginTimeout: long
// enough for a login in a browser.
const DefaultPluginTimeout = 5 * time.Minute

// ErrPluginNotAllowed is the error of a credential plugin that WithPlugins or WithoutPlugins does
// not permit.
var ErrPluginNotAllowed = errors.New("the program is not permitted (WithPlugins, WithoutPlugins)")

// The versions of the protocol. They have the same fields. Source: Kubernetes documentation, Client
// Authentication (v1) and (v1beta1). v1alpha1 was removed in Kubernetes 1.24.
const (
	pluginGroup   = "client.authentication.k8s.io/"
	pluginV1      = pluginGroup + "v1"
	pluginV1beta1 = pluginGroup + "v1beta1"
	pluginKind    = "ExecCredential"
	// pluginExtension is the name of the cluster's extension that is passed to plugins.
	pluginExtension = pluginGroup + "exec"
)

// The values of interactiveMode.
const (
	neverInteractive  = "Never"
	ifAvailable       = "IfAvailable"
	alwaysInteractive = "Always"
)

// pluginConfig is a user's exec. Source: ExecConfig of the kubeconfig (v1) reference.
type pluginConfig struct {
	Command string   `json:"command"`
	Args    []string `json:"args"`
	Env     []struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	} `json:"env"`
	APIVersion         string `json:"apiVersion"`
	InstallHint        string `json:"installHint"`
	ProvideClusterInfo bool   `json:"provideClusterInfo"`
	InteractiveMode    string `json:"interactiveMode"`
}

type pluginOptions struct {
	restricted bool     // to allowed
	allowed    []string // names and paths
	timeout    time.Duration
	stderr     io.Writer
	noStdin    bool
}

// plugin is a credential plugin that is ready to be run.
type plugin struct {
	pluginConfig
	pluginOptions
	cluster *pluginCluster // nil unless provideClusterInfo
	caFile  string         // of the cluster; read when the plugin is run
}

// pluginCluster is the cluster in the KUBERNETES_EXEC_INFO of a plugin with provideClusterInfo.
type pluginCluster struct {
	Server             string          `json:"server"`
	ServerName         string          `json:"tls-server-name,omitempty"`
	Insecure           bool            `json:"insecure-skip-tls-verify,omitempty"`
	CAData             []byte          `json:"certificate-authority-data,omitempty"`
	ProxyURL           string          `json:"proxy-url,omitempty"`
	DisableCompression bool            `json:"disable-compression,omitempty"`
	Config             json.RawMessage `json:"config,omitempty"`
}

// newPlugin returns the credential plugin of a user. cfg holds the cluster's part already.
func newPlugin(
	e entry[*user], c *cluster, cfg *rest.Config, o pluginOptions,
) (*plugin, error) {
	p := &plugin{pluginConfig: *e.value.Exec, pluginOptions: o}
	if err := p.validate(); err != nil {
		return nil, err
	}
	if strings.ContainsRune(p.Command, filepath.Separator) || strings.Contains(p.Command, "/") {
		path, err := e.from.resolve(p.Command)
		if err != nil {
			return nil, err
		}
		p.Command = path
	}
	p.timeout = cmp.Or(o.timeout, DefaultPluginTimeout)
	if p.stderr == nil {
		p.stderr = os.Stderr
	}
	if p.ProvideClusterInfo {
		p.caFile = cfg.TLS.CAFile
		p.cluster = &pluginCluster{
			Server:             cfg.Host,
			ServerName:         cfg.TLS.ServerName,
			Insecure:           cfg.TLS.Insecure,
			CAData:             cfg.TLS.CAData,
			ProxyURL:           c.ProxyURL,
			DisableCompression: c.DisableCompression,
		}
		for _, extension := range c.Extensions {
			if extension.Name == pluginExtension {
				p.cluster.Config = extension.Extension
			}
		}
	}
	// A program that is missing may be there when it is needed.
	if _, err := p.find(); errors.Is(err, ErrPluginNotAllowed) {
		return nil, err
	}
	return p, nil
}

// validate returns an error if the plugin cannot be run, whatever the program does.
func (p *plugin) validate() error {
	if p.Command == "" {
		return errors.New("its exec names no program: set \"command\"")
	}
	wrong := func(field, value, want string) error {
		return fmt.Errorf("its credential plugin %q has the %s %.100q: %s",
			p.Command, field, value, want)
	}
	switch p.APIVersion {
	case pluginV1, pluginV1beta1:
	case pluginGroup + "v1alpha1":
		return wrong("apiVersion", p.APIVersion, "Kubernetes 1.24 removed it, make the kubeconfig again "+
			"with a newer version of the program that wrote it")
	default:
		return wrong("apiVersion", p.APIVersion, "use "+pluginV1+" or "+pluginV1beta1)
	}
	for _, env := range p.Env {
		if env.Name == "" || strings.ContainsAny(env.Name, "=\x00") {
			return wrong("environment variable", env.Name, "correct its name")
		}
	}
	switch p.InteractiveMode {
	case neverInteractive, ifAvailable, alwaysInteractive:
		return nil
	case "":
		if p.APIVersion == pluginV1beta1 {
			p.InteractiveMode = ifAvailable
			return nil
		}
	}
	return wrong("interactiveMode", p.InteractiveMode, "use Never, IfAvailable or Always")
}

// find returns the path of the program, if it is permitted.
func (p *plugin) find() (string, error) {
	if p.restricted && len(p.allowed) == 0 {
		return "", p.notAllowed()
	}
	path, err := exec.LookPath(p.Command)
	if err != nil {
		return "", err
	}
	if !p.restricted {
		return path, nil
	}
	for _, name := range p.allowed {
		if name == path {
			return path, nil
		}
		if found, err := exec.LookPath(name); err == nil && found == path {
			return path, nil
		}
	}
	return "", p.notAllowed()
}

func (p *plugin) notAllowed() error {
	return fmt.Errorf("run the credential plugin %q: %w", p.Command, ErrPluginNotAllowed)
}

// source returns the plugin as the source of a client's credentials.
func (p *plugin) source() rest.CredentialSource {
	return &pluginSource{rest.CacheCredentials(p.run), p}
}

// pluginSource is a source with a name for errors.
type pluginSource struct {
	rest.CredentialSource
	plugin *plugin
}

func (s *pluginSource) String() string {
	return fmt.Sprintf("the credential plugin %q", s.plugin.Command)
}
