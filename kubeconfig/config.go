package kubeconfig

import (
	"cmp"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/skiff-k8s/skiff/internal/files"
	"github.com/skiff-k8s/skiff/rest"
)

// config returns the configuration of the chosen context, with the options in place of what it says.
func (m *merged) config(o options) (*Config, error) {
	name := cmp.Or(o.context, m.current)
	context := entry[*kubeContext]{value: new(kubeContext)}
	if name != "" {
		var ok bool
		if context, ok = m.contexts[name]; !ok {
			return nil, fmt.Errorf(
				"choose a context of %s: the context %q is missing; %s", m.origin(), name,
				names("contexts", m.contexts))
		}
	} else if o.cluster == "" && o.server == "" {
		return nil, fmt.Errorf("choose a context of %s: no current-context is set; %s: "+
			"set one with \"kubectl config use-context\" or pass WithContext",
			m.origin(), names("contexts", m.contexts))
	}
	fail := func(err error) (*Config, error) {
		if name == "" {
			return nil, fmt.Errorf("use the options: %w", err)
		}
		return nil, fmt.Errorf("use the context %q of %s: %w", name, context.from.name, err)
	}
	cfg := &rest.Config{Namespace: cmp.Or(o.namespace, context.value.Namespace, defaultNamespace)}
	out := &Config{
		REST: cfg, Namespace: cfg.Namespace, Context: name,
		Cluster: cmp.Or(o.cluster, context.value.Cluster),
		User:    cmp.Or(o.user, context.value.User),
	}
	cluster := entry[*cluster]{value: new(cluster), from: source{name: "the options"}}
	if out.Cluster != "" {
		var ok bool
		if cluster, ok = m.clusters[out.Cluster]; !ok {
			return fail(fmt.Errorf(
				"its cluster %q is missing; %s", out.Cluster, names("clusters", m.clusters)))
		}
	} else if o.server == "" {
		return fail(errors.New("it names no cluster: set its \"cluster\""))
	}
	user := entry[*user]{value: new(user)} // anonymous
	if out.User != "" {
		var ok bool
		if user, ok = m.users[out.User]; !ok {
			return fail(fmt.Errorf(
				"its user %q is missing; %s", out.User, names("users", m.users)))
		}
	}
	if err := o.apply(cfg, out, cluster, user); err != nil {
		return fail(err)
	}
	return out, nil
}

// apply turns a cluster and a user, with the options in place of what they say, into cfg. names has
// their names.
func (o *options) apply(
	cfg *rest.Config, names *Config, ofCluster entry[*cluster], ofUser entry[*user],
) error {
	c, u := *ofCluster.value, *ofUser.value
	ofCluster.value, ofUser.value = &c, &u
	for _, change := range o.changes {
		if err := change(&c, &u, cfg); err != nil {
			return err
		}
	}
	err := o.override(&c)
	if err == nil {
		err = applyCluster(cfg, ofCluster)
	}
	if err != nil {
		return fmt.Errorf("the cluster %q of %s: %w", names.Cluster, ofCluster.from.name, err)
	}
	if err := applyUser(cfg, names.User, ofUser, &c, o); err != nil {
		if names.User == "" { // options made it, and no file
			return fmt.Errorf("the user of the options: %w", err)
		}
		return fmt.Errorf("the user %q of %s: %w", names.User, ofUser.from.name, err)
	}
	return nil
}

func applyCluster(cfg *rest.Config, e entry[*cluster]) error {
	c := e.value
	switch {
	case c.Server == "":
		return errors.New("it has no server: set \"server\" to the API server's URL")
	case c.InsecureSkipTLSVerify &&
		(c.CertificateAuthority != "" || c.CertificateAuthorityData != ""):
		return errors.New(
			"insecure-skip-tls-verify contradicts the certificate-authority beside it: remove " +
				"one of them")
	}
	if c.ProxyURL != "" {
		proxy, err := rest.ProxyURL(c.ProxyURL)
		if err != nil {
			return fmt.Errorf("proxy-url: %s", strings.TrimPrefix(err.Error(), "rest: "))
		}
		cfg.Proxy = proxy
	}
	cfg.Host = c.Server
	if c.DisableCompression {
		cfg.Compression = -1
	}
	cfg.TLS.Insecure = c.InsecureSkipTLSVerify
	cfg.TLS.ServerName = c.TLSServerName
	var err error
	cfg.TLS.CAData, cfg.TLS.CAFile, err = material(e.from, "certificate-authority",
		c.CertificateAuthorityData, c.CertificateAuthority)
	return err
}

// applyUser takes a user's credentials. If there is one that can be used, those that cannot are left
// out. A token is used before a password and a credential plugin, as kubectl does; a client
// certificate as well, because the API server asks it first.
func applyUser(
	cfg *rest.Config, name string, e entry[*user], c *cluster, o *options,
) error {
	u := e.value
	cfg.BearerToken = strings.TrimSpace(u.Token)
	var err error
	if cfg.BearerTokenFile, err = e.from.resolve(u.TokenFile); err != nil {
		return err
	}
	hasToken := cfg.BearerToken != "" || cfg.BearerTokenFile != ""
	if err := applyCertificate(cfg, e, hasToken); err != nil {
		return err
	}
	if !hasToken && len(cfg.TLS.CertData) == 0 && cfg.TLS.CertFile == "" {
		if err := applyLogin(cfg, name, e, c, o); err != nil {
			return err
		}
	}
	if cfg.BearerToken == "" {
		if _, err := existing(e.from, "tokenFile", u.TokenFile); err != nil {
			return err
		}
	} // otherwise package rest uses the token while it cannot read the file, and logs that
	cfg.Impersonate = rest.Impersonation{
		User: u.As, UID: u.AsUID, Groups: u.AsGroups, Extra: u.AsUserExtra,
	}
	if u.As == "" && (u.AsUID != "" || len(u.AsGroups) > 0 || len(u.AsUserExtra) > 0) {
		return errors.New(
			"it has as-uid, as-groups or as-user-extra without as: set \"as\" to the user to " +
				"impersonate")
	}
	return nil
}

// applyCertificate takes a user's client certificate. Half of one is left out beside a token.
func applyCertificate(cfg *rest.Config, e entry[*user], hasToken bool) error {
	u := e.value
	hasCert := u.ClientCertificateData != "" || u.ClientCertificate != ""
	hasKey := u.ClientKeyData != "" || u.ClientKey != ""
	switch {
	case !hasCert && !hasKey, hasCert != hasKey && hasToken:
		return nil
	case !hasKey:
		return errors.New("it has a client-certificate without a client-key: add the key")
	case !hasCert:
		return errors.New("it has a client-key without a client-certificate: add the certificate")
	}
	var err error
	cfg.TLS.CertData, cfg.TLS.CertFile, err = material(e.from, "client-certificate",
		u.ClientCertificateData, u.ClientCertificate)
	if err == nil {
		cfg.TLS.KeyData, cfg.TLS.KeyFile, err = material(e.from, "client-key", u.ClientKeyData,
			u.ClientKey)
	}
	return err
}

// applyLogin takes the credentials of a user who has neither a token nor a client certificate.
// Ignoring them would make the requests anonymous, and the server would answer 401 or 403.
func applyLogin(
	cfg *rest.Config, name string, e entry[*user], c *cluster, o *options,
) error {
	u := e.value
	switch {
	case u.Username != "" || u.Password != "":
		cfg.Username, cfg.Password = u.Username, u.Password
	case u.Exec != nil && u.AuthProvider != nil:
		return errors.New("it has both exec and auth-provider: remove one of them")
	case u.Exec != nil:
		p, err := newPlugin(e, c, cfg, o.plugins)
		if err != nil {
			return err
		}
		cfg.Credentials = p.source()
	case u.AuthProvider != nil:
		var err error
		cfg.Credentials, err = authProvider(name, e, o)
		return err
	}
	return nil
}

// material returns PEM data, decoded, or the file that holds it. If both are given, the data takes
// precedence, as in client-go's tools/clientcmd/api.
func material(
	from source, field, encoded, path string,
) (data []byte, file string, err error) {
	if encoded = strings.TrimSpace(encoded); encoded != "" {
		data, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil || len(data) == 0 {
			return nil, "", fmt.Errorf("%s-data is not base64: encode the PEM file again", field)
		}
		return data, "", nil
	}
	file, err = existing(from, field, path)
	return nil, file, err
}

// existing makes a path absolute and checks that the file can be opened: here the error can name
// the entry.
func existing(from source, field, path string) (string, error) {
	path, err := from.resolve(path)
	if err != nil || path == "" {
		return "", err
	}
	if err := files.Check(path); err != nil {
		return "", fmt.Errorf("%s: %w", field, err)
	}
	return path, nil
}
