package certs

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// leaf parses the certificate of a pair and checks that the key is its own.
func leaf(t *testing.T, p Pair) *x509.Certificate {
	t.Helper()
	if _, err := tls.X509KeyPair(p.Cert, p.Key); err != nil {
		t.Fatalf("certificate and key do not go together: %v", err)
	}
	block, _ := pem.Decode(p.Cert)
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func TestLeavesVerifyAgainstTheirAuthorityAlone(t *testing.T) {
	ca, err := LoadOrCreateCA(t.TempDir(), "ca")
	if err != nil {
		t.Fatal(err)
	}
	other, err := LoadOrCreateCA(t.TempDir(), "ca")
	if err != nil {
		t.Fatal(err)
	}

	server, err := ca.Issue(Server("kube-apiserver", []string{"localhost"}, []net.IP{net.IPv4(127, 0, 0, 1)}))
	if err != nil {
		t.Fatal(err)
	}
	cert := leaf(t, server)
	for _, name := range []string{"localhost", "127.0.0.1"} {
		if _, err := cert.Verify(x509.VerifyOptions{Roots: ca.Pool(), DNSName: name}); err != nil {
			t.Errorf("verify for %s: %v", name, err)
		}
	}
	if _, err := cert.Verify(x509.VerifyOptions{Roots: ca.Pool(), DNSName: "example.com"}); err == nil {
		t.Error("a certificate for localhost verified for example.com")
	}
	if _, err := cert.Verify(x509.VerifyOptions{Roots: other.Pool(), DNSName: "localhost"}); err == nil {
		t.Error("a certificate verified against an authority that did not sign it")
	}

	client, err := ca.Issue(Client("admin", "system:masters"))
	if err != nil {
		t.Fatal(err)
	}
	cert = leaf(t, client)
	if cert.Subject.CommonName != "admin" || len(cert.Subject.Organization) != 1 || cert.Subject.Organization[0] != "system:masters" {
		t.Errorf("client subject is %v, want user admin of group system:masters", cert.Subject)
	}
	clientAuth := []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	if _, err := cert.Verify(x509.VerifyOptions{Roots: ca.Pool(), KeyUsages: clientAuth}); err != nil {
		t.Errorf("verify the client: %v", err)
	}
	if _, err := cert.Verify(x509.VerifyOptions{Roots: ca.Pool()}); err == nil {
		t.Error("a client certificate verified as a server's")
	}
}

func TestTheAuthorityIsKeptWithItsFolder(t *testing.T) {
	dir := t.TempDir()
	first, err := LoadOrCreateCA(dir, "ca")
	if err != nil {
		t.Fatal(err)
	}
	second, err := LoadOrCreateCA(dir, "ca")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first.PEM(), second.PEM()) {
		t.Fatal("the second start made a new authority")
	}
	pair, err := second.Issue(Client("admin"))
	if err != nil {
		t.Fatal(err)
	}
	usage := []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	if _, err := leaf(t, pair).Verify(x509.VerifyOptions{Roots: first.Pool(), KeyUsages: usage}); err != nil {
		t.Errorf("a leaf of the loaded authority does not verify against the created one: %v", err)
	}
}

func TestABrokenAuthorityIsAnErrorAndStays(t *testing.T) {
	other := t.TempDir()
	if _, err := LoadOrCreateCA(other, "ca"); err != nil {
		t.Fatal(err)
	}
	foreign, err := os.ReadFile(filepath.Join(other, "ca.key"))
	if err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(key string) error{
		"missing key": os.Remove,
		"garbage":     func(key string) error { return os.WriteFile(key, []byte("not PEM"), 0o600) },
		"foreign key": func(key string) error { return os.WriteFile(key, foreign, 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if _, err := LoadOrCreateCA(dir, "ca"); err != nil {
				t.Fatal(err)
			}
			before, _ := os.ReadFile(filepath.Join(dir, "ca.crt"))
			if err := spoil(filepath.Join(dir, "ca.key")); err != nil {
				t.Fatal(err)
			}
			_, err := LoadOrCreateCA(dir, "ca")
			if err == nil || !strings.Contains(err.Error(), dir) {
				t.Errorf("error %v, want one that names the folder", err)
			}
			if after, _ := os.ReadFile(filepath.Join(dir, "ca.crt")); !bytes.Equal(before, after) {
				t.Error("the authority's certificate was replaced")
			}
		})
	}
}

func TestKeysAreForTheirOwnerAndKept(t *testing.T) {
	file := filepath.Join(t.TempDir(), "sa.key")
	if err := LoadOrCreateKey(file); err != nil {
		t.Fatal(err)
	}
	first, _ := os.ReadFile(file)
	if err := LoadOrCreateKey(file); err != nil {
		t.Fatal(err)
	}
	if second, _ := os.ReadFile(file); !bytes.Equal(first, second) {
		t.Error("the second call made a new key")
	}
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the key's mode is %v, want 0600", info.Mode().Perm())
	}
}
