package webhook

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"slices"
	"time"
)

// The lives of certificates. Each is renewed when a third of its life is left.
const (
	lifeOfCA   = 365 * 24 * time.Hour
	lifeOfLeaf = 90 * 24 * time.Hour
	// skew is how much earlier than now a certificate becomes valid, for clocks that are late.
	skew = time.Hour
	// maxCAs limits the bundle. A change needs two.
	maxCAs = 4
)

// The keys of the Secret, beside tls.crt and tls.key.
const (
	keyOfCA    = "ca.crt" // the bundle, the signing CA first
	keyOfCAKey = "ca.key" // of the signing CA
	keyOfCert  = "tls.crt"
	keyOfKey   = "tls.key"
)

// identity is what the Secret holds: a CA, those before it that are still trusted, and a serving
// certificate of one of them. It is not changed after it was made.
type identity struct {
	cas   []*x509.Certificate // the signing one first
	caKey *ecdsa.PrivateKey   // of the first; nil if it cannot be used
	leaf  *tls.Certificate    // with Leaf; nil if it cannot be used

	noCA, noLeaf error // why they cannot be used
}

// parseIdentity reads a Secret. What cannot be used is left out.
func parseIdentity(data map[string][]byte) identity {
	var id identity
	var errs []error
	for rest := data[keyOfCA]; len(id.cas) < maxCAs; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		ca, err := x509.ParseCertificate(block.Bytes)
		if err == nil && !ca.IsCA {
			err = errors.New("it is not a CA")
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("read %s: %w", keyOfCA, err))
			continue
		}
		id.cas = append(id.cas, ca)
	}
	key, err := parseKey(data[keyOfCAKey])
	switch {
	case err != nil:
		errs = append(errs, fmt.Errorf("read %s: %w", keyOfCAKey, err))
	case len(id.cas) == 0:
		errs = append(errs, fmt.Errorf("read %s: it has no certificate", keyOfCA))
	case !key.PublicKey.Equal(id.cas[0].PublicKey):
		errs = append(errs, fmt.Errorf("read %s: it is not the key of the first certificate of %s",
			keyOfCAKey, keyOfCA))
	default:
		id.caKey = key
	}
	leaf, err := tls.X509KeyPair(data[keyOfCert], data[keyOfKey])
	if err != nil {
		id.noLeaf = fmt.Errorf("read %s and %s: %w", keyOfCert, keyOfKey, err)
	} else {
		id.leaf = &leaf
	}
	if id.caKey == nil {
		id.noCA = errors.Join(errs...)
	}
	return id
}

func parseKey(data []byte) (*ecdsa.PrivateKey, error) {
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, errors.New("it has no PEM block")
	}
	return x509.ParseECPrivateKey(block.Bytes)
}

// data returns the Secret's data. The identity is complete.
func (id identity) data() (map[string][]byte, error) {
	caKey, err := encodeKey(id.caKey)
	if err != nil {
		return nil, err
	}
	leafKey, err := encodeKey(id.leaf.PrivateKey.(*ecdsa.PrivateKey))
	if err != nil {
		return nil, err
	}
	return map[string][]byte{
		keyOfCA: id.bundle(), keyOfCAKey: caKey,
		keyOfCert: encodeCert(id.leaf.Leaf), keyOfKey: leafKey,
	}, nil
}

// bundle returns the certificates by which the serving one is trusted, as PEM.
func (id identity) bundle() (all []byte) {
	for _, ca := range id.cas {
		all = append(all, encodeCert(ca)...)
	}
	return all
}

func encodeCert(c *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
}

func encodeKey(key *ecdsa.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), nil
}

// newCA returns a CA that is valid from now.
func newCA(name string, now time.Time) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	return issue(&x509.Certificate{
		Subject:   pkix.Name{CommonName: name + " CA"},
		NotBefore: now.Add(-skew), NotAfter: now.Add(lifeOfCA),
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		IsCA:     true, BasicConstraintsValid: true, MaxPathLenZero: true,
	}, nil, nil)
}

// newLeaf returns a serving certificate for hosts that is valid from now.
func newLeaf(name string, hosts []string, ca *x509.Certificate, caKey *ecdsa.PrivateKey,
	now time.Time) (*tls.Certificate, error) {
	template := &x509.Certificate{
		Subject:   pkix.Name{CommonName: name},
		NotBefore: now.Add(-skew), NotAfter: now.Add(lifeOfLeaf),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, BasicConstraintsValid: true,
	}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	if template.NotAfter.After(ca.NotAfter) {
		template.NotAfter = ca.NotAfter
	}
	leaf, key, err := issue(template, ca, caKey)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{leaf.Raw}, PrivateKey: key, Leaf: leaf}, nil
}

// issue makes a key and a certificate for it. A nil parent means that it signs itself.
func issue(template, parent *x509.Certificate, parentKey *ecdsa.PrivateKey) (*x509.Certificate,
	*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("make key: %w", err)
	}
	// 127 bits: RFC 5280 wants a positive number of at most 20 bytes.
	if template.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127)); err != nil {
		return nil, nil, fmt.Errorf("make serial number: %w", err)
	}
	template.SerialNumber.Add(template.SerialNumber, big.NewInt(1))
	if parent == nil {
		parent, parentKey = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, parentKey)
	if err != nil {
		return nil, nil, fmt.Errorf("make certificate: %w", err)
	}
	c, err := x509.ParseCertificate(der)
	return c, key, err
}

// usable returns why the serving certificate of an identity cannot be served, and nil if it can:
// one of the CAs has signed it, it is valid now, and it is for all hosts.
func usable(id identity, cas []*x509.Certificate, hosts []string, now time.Time) error {
	leaf := id.leaf
	if leaf == nil {
		return orNone(id.noLeaf)
	}
	if _, ok := leaf.PrivateKey.(*ecdsa.PrivateKey); !ok {
		return errors.New("its key is of another type than ECDSA")
	}
	roots := x509.NewCertPool()
	for _, ca := range cas {
		roots.AddCert(ca)
	}
	if _, err := leaf.Leaf.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: now}); err != nil {
		return err
	}
	for _, host := range hosts {
		if err := leaf.Leaf.VerifyHostname(host); err != nil {
			return err
		}
	}
	return nil
}

func orNone(err error) error {
	if err == nil {
		return errors.New("there is none")
	}
	return err
}

// due reports whether a third of a certificate's life or less is left.
func due(c *x509.Certificate, now time.Time) bool {
	return c.NotAfter.Sub(now) <= c.NotAfter.Sub(c.NotBefore)/3
}

// since returns how long ago a certificate was made.
func since(c *x509.Certificate, now time.Time) time.Duration { return now.Sub(c.NotBefore) - skew }

func sameCert(a, b *x509.Certificate) bool { return bytes.Equal(a.Raw, b.Raw) }

// with returns cas and further ones that are valid now, each once.
func with(cas []*x509.Certificate, now time.Time, further ...*x509.Certificate) []*x509.Certificate {
	cas = slices.Clone(cas)
	for _, ca := range further {
		known := slices.ContainsFunc(cas, func(c *x509.Certificate) bool { return sameCert(c, ca) })
		if !known && now.Before(ca.NotAfter) && len(cas) < maxCAs {
			cas = append(cas, ca)
		}
	}
	return cas
}
