package kubeconfig

import (
	"cmp"
	"fmt"
	"path/filepath"
	"time"

	"github.com/skiff-k8s/skiff/rest"
)

// change changes a copy of the chosen cluster and user before they are used, and the configuration
// that is made of them. The options of this file are such functions, so that a program links those
// that it calls.
type change func(*cluster, *user, *rest.Config) error

// changed makes an option of a change.
func changed(f change) Option { return func(o *options) { o.changes = append(o.changes, f) } }

// onUser makes an option of a change of the user, unless the option is not set.
func onUser(set bool, f func(*user)) Option {
	if !set {
		return func(*options) {}
	}
	return changed(func(_ *cluster, u *user, _ *rest.Config) error {
		f(u)
		return nil
	})
}

// replaceCredentials makes u a user with other credentials, who impersonates the same one.
func (u *user) replaceCredentials(by user) {
	by.As, by.AsUID, by.AsGroups, by.AsUserExtra = u.As, u.AsUID, u.AsGroups, u.AsUserExtra
	*u = by
}

// WithToken sets the bearer token, in place of all credentials of the user. "" means the user's.
// kubectl's --token keeps the user's client certificate, which the API server then prefers.
//
// Of WithToken, WithBasicAuth and WithClientCertificate the last one that is set holds.
func WithToken(token string) Option {
	return onUser(token != "", func(u *user) { u.replaceCredentials(user{Token: token}) })
}

// WithBasicAuth sets a username and a password, in place of all credentials of the user. They are
// sent over TLS only. Two "" mean the user's.
func WithBasicAuth(username, password string) Option {
	return onUser(username != "" || password != "", func(u *user) {
		u.replaceCredentials(user{Username: username, Password: password})
	})
}

// WithClientCertificate sets the files of the client's certificate and of its key, in place of all
// credentials of the user. Two "" mean the user's; one of them alone is an error. Relative paths are
// relative to the working directory.
func WithClientCertificate(certificate, key string) Option {
	if certificate == "" && key == "" {
		return func(*options) {}
	}
	return changed(func(_ *cluster, u *user, _ *rest.Config) error {
		for _, path := range []*string{&certificate, &key} {
			if *path == "" {
				continue // applyCertificate says which one is missing
			}
			full, err := filepath.Abs(*path)
			if err != nil {
				return fmt.Errorf("find %q (WithClientCertificate): %w", *path, err)
			}
			*path = full
		}
		u.replaceCredentials(user{ClientCertificate: certificate, ClientKey: key})
		return nil
	})
}

// WithImpersonation makes the requests as somebody else. Each field that is set takes the place of
// the user's: as (User), as-uid, as-groups and as-user-extra. A UID, groups or extra without a User,
// here or in the file, are an error.
func WithImpersonation(as rest.Impersonation) Option {
	return changed(func(_ *cluster, u *user, _ *rest.Config) error {
		u.As, u.AsUID = cmp.Or(as.User, u.As), cmp.Or(as.UID, u.AsUID)
		if len(as.Groups) > 0 {
			u.AsGroups = as.Groups
		}
		if len(as.Extra) > 0 {
			u.AsUserExtra = as.Extra
		}
		return nil
	})
}

// WithProxyURL sets the proxy, in place of the cluster's proxy-url. [rest.ProxyURL] describes the
// address. "" means the cluster's.
func WithProxyURL(address string) Option {
	return changed(func(c *cluster, _ *user, _ *rest.Config) error {
		c.ProxyURL = cmp.Or(address, c.ProxyURL)
		return nil
	})
}

// WithRequestTimeout sets rest.Config.Timeout. 0 means the default, which is no limit but the
// context's and SilenceTimeout; negative means no limit but the context's.
func WithRequestTimeout(d time.Duration) Option {
	return changed(func(_ *cluster, _ *user, cfg *rest.Config) error {
		cfg.Timeout = d
		return nil
	})
}
