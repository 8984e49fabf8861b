package cli

import (
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/pflag"
)

// Flags are the flags that all commands have. Their names are kubectl's.
type Flags struct {
	Kubeconfig, Context, Cluster, User string
	Namespace, Server                  string
	As, AsUID                          string
	AsGroups                           []string
	CertificateAuthority               string
	TLSServerName                      string
	ClientCertificate, ClientKey       string
	Token, Username, Password          string
	Insecure                           bool
	DisableCompression                 bool
	RequestTimeout                     timeout
	CacheDir                           string
	Verbosity                          int
}

// Add adds the flags to a set.
func (f *Flags) Add(set *pflag.FlagSet) {
	set.StringVar(&f.Kubeconfig, "kubeconfig", "",
		"kubeconfig `file` (default: $KUBECONFIG, ~/.kube/config, in-cluster)")
	set.StringVar(&f.Context, "context", "", "`name` of the kubeconfig's context")
	set.StringVar(&f.Cluster, "cluster", "", "`name` of the kubeconfig's cluster")
	set.StringVar(&f.User, "user", "", "`name` of the kubeconfig's user")
	set.StringVarP(&f.Namespace, "namespace", "n", "", "`namespace` (default: the context's)")
	set.StringVarP(&f.Server, "server", "s", "", "`URL` of the API server")
	set.StringVar(&f.As, "as", "", "`user` to make the requests as")
	set.StringArrayVar(&f.AsGroups, "as-group", nil, "`group` of --as; may be repeated")
	set.StringVar(&f.AsUID, "as-uid", "", "`UID` of --as")
	set.StringVar(&f.CertificateAuthority, "certificate-authority", "",
		"`file` with the authorities of the server's certificate")
	set.StringVar(&f.TLSServerName, "tls-server-name", "",
		"`name` that the server's certificate must be valid for")
	set.StringVar(&f.ClientCertificate, "client-certificate", "",
		"`file` with the client's certificate")
	set.StringVar(&f.ClientKey, "client-key", "", "`file` with the certificate's key")
	set.StringVar(&f.Token, "token", "", "bearer `token`")
	set.StringVar(&f.Username, "username", "", "`name` for Basic authentication")
	set.StringVar(&f.Password, "password", "", "`password` for Basic authentication")
	set.BoolVar(&f.Insecure, "insecure-skip-tls-verify", false,
		"accept any certificate of the server: others can then read the credentials")
	set.BoolVar(&f.DisableCompression, "disable-compression", false,
		"ask for answers without compression")
	set.Var(&f.RequestTimeout, "request-timeout",
		"how long one request may take, such as 30s; 0 means no limit")
	set.StringVar(&f.CacheDir, "cache-dir", "",
		"`folder` of what the server serves (default: $KUBECACHEDIR, ~/.kube/cache)")
	set.IntVarP(&f.Verbosity, "v", "v", 0,
		"log requests: 6 URLs, 7 headers, 8 the beginning of bodies, 9 all; no credentials")
}

// timeout is a duration, or a number of seconds.
type timeout time.Duration

func (t *timeout) String() string { return time.Duration(*t).String() }
func (t *timeout) Type() string   { return "duration" }

func (t *timeout) Set(s string) error {
	d, err := time.ParseDuration(s)
	if err != nil {
		seconds, errSeconds := strconv.Atoi(s)
		if errSeconds != nil {
			return fmt.Errorf("want a duration such as 30s, or a number of seconds")
		}
		d = time.Duration(seconds) * time.Second
	}
	if d < 0 {
		return fmt.Errorf("must not be negative")
	}
	*t = timeout(d)
	return nil
}
