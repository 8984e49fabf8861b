package rest

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/skiff-k8s/skiff/internal/files"
)

// material is the content of the files and data of a TLSConfig. Comparing it shows whether a file
// changed. Times of modification do not, because a mounted volume is replaced by a symbolic link.
type material struct {
	ca, cert, key []byte
}

func (m material) equal(o material) bool {
	return bytes.Equal(m.ca, o.ca) && bytes.Equal(m.cert, o.cert) && bytes.Equal(m.key, o.key)
}

// configured reports whether any field is set.
func (t TLSConfig) configured() bool {
	return t.Insecure || t.hasCA() || t.hasCert() || t.hasKey() || t.ServerName != ""
}

func (t TLSConfig) hasCA() bool   { return len(t.CAData) > 0 || t.CAFile != "" }
func (t TLSConfig) hasCert() bool { return len(t.CertData) > 0 || t.CertFile != "" }
func (t TLSConfig) hasKey() bool  { return len(t.KeyData) > 0 || t.KeyFile != "" }

// usesFiles reports whether the material may change while a client runs. It cannot if one of the
// files is a named pipe, which is read once.
func (t TLSConfig) usesFiles() bool {
	uses := false
	for i, file := range []string{t.CAFile, t.CertFile, t.KeyFile} {
		if file == "" || len([][]byte{t.CAData, t.CertData, t.KeyData}[i]) > 0 {
			continue
		}
		if !files.Lasting(file) {
			return false
		}
		uses = true
	}
	return uses
}

// validate returns an error if the fields contradict each other, whatever the files hold.
func (t TLSConfig) validate() error {
	switch {
	case t.Insecure && t.hasCA():
		return errors.New("TLS.Insecure contradicts the CA that is set with it: remove one of them")
	case t.hasCert() && !t.hasKey():
		return errors.New("a client certificate needs its key: set TLS.KeyFile or TLS.KeyData")
	case t.hasKey() && !t.hasCert():
		return errors.New("a client key needs its certificate: set TLS.CertFile or TLS.CertData")
	}
	return nil
}

// read returns the material.
func (t TLSConfig) read() (material, error) {
	var m material
	var err error
	if m.ca, err = dataOrFile(t.CAData, t.CAFile, "CA"); err != nil {
		return material{}, err
	}
	if m.cert, err = dataOrFile(t.CertData, t.CertFile, "client certificate"); err != nil {
		return material{}, err
	}
	if m.key, err = dataOrFile(t.KeyData, t.KeyFile, "client key"); err != nil {
		return material{}, err
	}
	return m, nil
}

func dataOrFile(data []byte, file, what string) ([]byte, error) {
	if len(data) > 0 || file == "" {
		return data, nil
	}
	data, err := files.Read(file, files.MaxPEM)
	if err != nil {
		return nil, fmt.Errorf("read the %s: %w", what, err)
	}
	return data, nil
}

// build returns the TLS configuration for m. The errors of crypto/tls hold no key material.
func (t TLSConfig) build(m material) (*tls.Config, error) {
	cfg := &tls.Config{
		MinVersion:         tls.VersionTLS12,
		ServerName:         t.ServerName,
		InsecureSkipVerify: t.Insecure,
	}
	if len(m.ca) > 0 {
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(m.ca) {
			return nil, fmt.Errorf("the CA %s holds no PEM certificate", origin(t.CAFile, t.CAData))
		}
	} else if t.hasCA() {
		return nil, fmt.Errorf("the CA %s is empty", origin(t.CAFile, t.CAData))
	}
	if t.hasCert() {
		pair, err := tls.X509KeyPair(m.cert, m.key)
		if err != nil {
			return nil, fmt.Errorf("the client certificate %s with the key %s: %w",
				origin(t.CertFile, t.CertData), origin(t.KeyFile, t.KeyData), err)
		}
		cfg.GetClientCertificate = alwaysPresent(&pair)
	}
	return cfg, nil
}

// alwaysPresent returns a tls.Config.GetClientCertificate. With tls.Config.Certificates none is sent
// if the server names other authorities: it could then not say what is wrong with this one.
func alwaysPresent(
	cert *tls.Certificate,
) func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
	return func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return cert, nil }
}

// origin returns where material came from, for errors.
func origin(file string, data []byte) string {
	if len(data) > 0 {
		return "(inline)"
	}
	return fmt.Sprintf("%q", file)
}
