//go:build unix

package controlplane

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"time"
)

// identities are the keys and certificates of one control plane. All but the service accounts' key
// are new at each start.
type identities struct {
	ca             *x509.Certificate
	key            *ecdsa.PrivateKey
	admin, manager pair
}

// pair is a certificate and its key, as PEM.
type pair struct{ cert, key []byte }

// life is how long a certificate is valid. skew is for a clock that was late.
const (
	life = 365 * 24 * time.Hour
	skew = time.Hour
)

// makeIdentities makes the certificates, and writes what the components read.
func makeIdentities(f *folder) (*identities, error) {
	ids := &identities{}
	ca, err := ids.issue(&x509.Certificate{Subject: pkix.Name{CommonName: "controlplane"},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature})
	if err != nil {
		return nil, err
	}
	serving, err := ids.issue(&x509.Certificate{Subject: pkix.Name{CommonName: apiserver},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:    []string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv4(10, 96, 0, 1)}})
	if err != nil {
		return nil, err
	}
	if ids.admin, err = ids.client("controlplane-admin", "system:masters"); err != nil {
		return nil, err
	}
	if ids.manager, err = ids.client("system:" + controllerManager); err != nil {
		return nil, err
	}
	return ids, errors.Join(
		os.WriteFile(f.file("pki", "ca.crt"), ca.cert, 0o600),
		os.WriteFile(f.file("pki", "kube-apiserver.crt"), serving.cert, 0o600),
		os.WriteFile(f.file("pki", "kube-apiserver.key"), serving.key, 0o600),
		writeTokenKey(f.file("pki", "service-accounts.key")))
}

// writeTokenKey writes the key that signs the tokens of service accounts, unless it is there: tokens
// stay valid while the data is kept.
func writeTokenKey(file string) error {
	if _, err := os.Stat(file); err == nil || !errors.Is(err, os.ErrNotExist) {
		return err
	}
	_, data, err := newKey()
	if err != nil {
		return err
	}
	return os.WriteFile(file, data, 0o600)
}

// client returns a client certificate. Kubernetes reads the user's name from the common name, and the
// groups from the organizations.
func (ids *identities) client(user string, groups ...string) (pair, error) {
	return ids.issue(&x509.Certificate{Subject: pkix.Name{CommonName: user, Organization: groups},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
}

// issue makes a key and signs a certificate for it. The first is the authority, and signs itself.
func (ids *identities) issue(template *x509.Certificate) (pair, error) {
	key, keyPEM, err := newKey()
	if err != nil {
		return pair{}, err
	}
	if template.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127)); err != nil {
		return pair{}, err
	}
	template.SerialNumber.Add(template.SerialNumber, big.NewInt(1)) // RFC 5280: it is positive
	template.NotBefore, template.NotAfter = time.Now().Add(-skew), time.Now().Add(life)
	if ids.ca == nil {
		ids.ca, ids.key = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, ids.ca, key.Public(), ids.key)
	if err != nil {
		return pair{}, fmt.Errorf("sign the certificate of %s: %w", template.Subject.CommonName, err)
	}
	if ids.ca == template {
		if ids.ca, err = x509.ParseCertificate(der); err != nil {
			return pair{}, err
		}
	}
	return pair{cert: encodePEM("CERTIFICATE", der), key: keyPEM}, nil
}

func newKey() (*ecdsa.PrivateKey, []byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	der, err := x509.MarshalECPrivateKey(key)
	return key, encodePEM("EC PRIVATE KEY", der), err
}

func encodePEM(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// writeKubeconfigs writes those of the administrator and of the controller manager, for a server.
func (ids *identities) writeKubeconfigs(f *folder, server string) error {
	return errors.Join(
		ids.writeKubeconfig(f.file("kubeconfig"), server, ids.admin),
		ids.writeKubeconfig(f.file("pki", "kube-controller-manager.kubeconfig"), server, ids.manager))
}

func (ids *identities) writeKubeconfig(path, server string, user pair) error {
	const name = "controlplane"
	type object = map[string]any
	named := func(kind string, value object) []object { return []object{{"name": name, kind: value}} }
	data, err := json.MarshalIndent(object{ // JSON is YAML
		"apiVersion": "v1", "kind": "Config", "current-context": name,
		"clusters": named("cluster", object{"server": server,
			"certificate-authority-data": encodePEM("CERTIFICATE", ids.ca.Raw)}),
		"users":    named("user", object{"client-certificate-data": user.cert, "client-key-data": user.key}),
		"contexts": named("context", object{"cluster": name, "user": name, "namespace": "default"}),
	}, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(data, '\n'), 0o600)
}
