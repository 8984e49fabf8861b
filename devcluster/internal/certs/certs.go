// Package certs makes the keys and certificates of one cluster: its own authority, and leaves that
// the authority signs for a server or for a client. Everything is ECDSA P-256, which takes
// microseconds to make where RSA would take longer than the rest of the start.
//
//	ca, err := certs.LoadOrCreateCA("pki", "ca")
//	pair, err := ca.Issue(certs.Client("admin", "system:masters"))
package certs

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

const (
	// caLife is longer than a kept cluster is used.
	caLife = 10 * 365 * 24 * time.Hour
	// leafLife is shorter than caLife; leaves are issued at every start.
	leafLife = 365 * 24 * time.Hour
	// clockSkew is how far behind a client's clock may be.
	clockSkew = time.Hour
)

// Pair is a certificate and its private key, both PEM.
type Pair struct {
	Cert, Key []byte
}

// Profile describes a leaf certificate. Make one with Client or Server.
type Profile struct {
	subject pkix.Name
	usage   x509.ExtKeyUsage
	names   []string
	ips     []net.IP
}

// Client returns the profile of a client certificate. Kubernetes reads the user's name from the
// common name, and its groups from the organizations.
func Client(user string, groups ...string) Profile {
	return Profile{
		subject: pkix.Name{CommonName: user, Organization: groups},
		usage:   x509.ExtKeyUsageClientAuth,
	}
}

// Server returns the profile of a serving certificate for the given names and addresses.
func Server(name string, names []string, ips []net.IP) Profile {
	return Profile{
		subject: pkix.Name{CommonName: name},
		usage:   x509.ExtKeyUsageServerAuth,
		names:   names,
		ips:     ips,
	}
}

// CA is a certificate authority. It is safe for concurrent use.
type CA struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

// LoadOrCreateCA reads name.crt and name.key from dir. If neither file exists, it makes a new authority
// and writes the files. If only one exists, it returns an error: a new authority would lock out
// every client with an old certificate.
func LoadOrCreateCA(dir, name string) (*CA, error) {
	certFile, keyFile := filepath.Join(dir, name+".crt"), filepath.Join(dir, name+".key")
	certPEM, certErr := os.ReadFile(certFile)
	keyPEM, keyErr := os.ReadFile(keyFile)
	switch {
	case certErr == nil && keyErr == nil:
		ca, err := parseCA(certPEM, keyPEM)
		if err != nil {
			return nil, fmt.Errorf("read the cluster's authority from %s and its key beside it: %w; remove both files for a new one", certFile, err)
		}
		return ca, nil
	case errors.Is(certErr, os.ErrNotExist) && errors.Is(keyErr, os.ErrNotExist):
		ca, pair, err := newCA("devcluster " + name)
		if err != nil {
			return nil, err
		}
		return ca, errors.Join(
			os.WriteFile(keyFile, pair.Key, 0o600),
			os.WriteFile(certFile, pair.Cert, 0o644))
	default:
		return nil, fmt.Errorf("read the cluster's authority: %w", errors.Join(certErr, keyErr))
	}
}

// PEM returns the authority's certificate. The caller must not change it.
func (ca *CA) PEM() []byte { return ca.pem }

// Pool returns a pool with the authority's certificate only.
func (ca *CA) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(ca.cert)
	return pool
}

// Issue makes a key and signs a certificate for it.
func (ca *CA) Issue(p Profile) (Pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Pair{}, fmt.Errorf("make a key for %s: %w", p.subject.CommonName, err)
	}
	template, err := template(p.subject, leafLife)
	if err != nil {
		return Pair{}, err
	}
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{p.usage}
	template.DNSNames = p.names
	template.IPAddresses = p.ips
	der, err := x509.CreateCertificate(rand.Reader, template, ca.cert, key.Public(), ca.key)
	if err != nil {
		return Pair{}, fmt.Errorf("sign a certificate for %s: %w", p.subject.CommonName, err)
	}
	keyPEM, err := encodeKey(key)
	if err != nil {
		return Pair{}, err
	}
	return Pair{Cert: encode("CERTIFICATE", der), Key: keyPEM}, nil
}

// LoadOrCreateKey writes a private key for signing tokens to file. If the file exists, it is not
// changed, so that tokens stay valid while the data is kept.
func LoadOrCreateKey(file string) error {
	if _, err := os.Stat(file); err == nil {
		return nil
	} else if !errors.Is(err, os.ErrNotExist) {
		return err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("make the key %s: %w", file, err)
	}
	keyPEM, err := encodeKey(key)
	if err != nil {
		return err
	}
	return os.WriteFile(file, keyPEM, 0o600)
}

func newCA(subject string) (*CA, Pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, Pair{}, fmt.Errorf("make the authority's key: %w", err)
	}
	template, err := template(pkix.Name{CommonName: subject}, caLife)
	if err != nil {
		return nil, Pair{}, err
	}
	template.IsCA = true
	template.BasicConstraintsValid = true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, Pair{}, fmt.Errorf("sign the authority's certificate: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, Pair{}, fmt.Errorf("read the authority's certificate back: %w", err)
	}
	keyPEM, err := encodeKey(key)
	if err != nil {
		return nil, Pair{}, err
	}
	pair := Pair{Cert: encode("CERTIFICATE", der), Key: keyPEM}
	return &CA{cert: cert, key: key, pem: pair.Cert}, pair, nil
}

func parseCA(certPEM, keyPEM []byte) (*CA, error) {
	certBlock, _ := pem.Decode(certPEM)
	keyBlock, _ := pem.Decode(keyPEM)
	if certBlock == nil || keyBlock == nil {
		return nil, errors.New("no PEM block")
	}
	cert, err := x509.ParseCertificate(certBlock.Bytes)
	if err != nil {
		return nil, err
	}
	key, err := x509.ParseECPrivateKey(keyBlock.Bytes)
	if err != nil {
		return nil, err
	}
	if !key.PublicKey.Equal(cert.PublicKey) {
		return nil, errors.New("the key is not the certificate's")
	}
	if time.Now().After(cert.NotAfter) {
		return nil, fmt.Errorf("it expired on %s", cert.NotAfter.Format(time.DateOnly))
	}
	return &CA{cert: cert, key: key, pem: certPEM}, nil
}

func template(subject pkix.Name, life time.Duration) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, fmt.Errorf("choose a serial number: %w", err)
	}
	now := time.Now()
	return &x509.Certificate{
		SerialNumber: serial,
		Subject:      subject,
		NotBefore:    now.Add(-clockSkew),
		NotAfter:     now.Add(life),
	}, nil
}

func encodeKey(key *ecdsa.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encode a key: %w", err)
	}
	return encode("EC PRIVATE KEY", der), nil
}

func encode(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}
