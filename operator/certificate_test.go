package operator

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// issue writes a new certificate for 127.0.0.1 with this name.
func issue(t *testing.T, dir, name string) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"localhost"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	write(t, cert, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	write(t, key, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs})))
	return cert, key
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestACertificateIsReadAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		cert, key := issue(t, dir, "first")
		var log bytes.Buffer
		c := &Certificate{CertFile: cert, KeyFile: key, Logger: slog.New(slog.NewTextHandler(&log, nil))}
		if err := c.Load(); err != nil {
			t.Fatal(err)
		}
		is := func(want string) {
			t.Helper()
			got, err := c.Get(nil)
			if err != nil || got.Leaf.Subject.CommonName != want {
				t.Errorf("it is %v, %v; want %s", got, err, want)
			}
		}
		issue(t, dir, "second")
		time.Sleep(certificateAge - time.Nanosecond)
		is("first")
		time.Sleep(time.Nanosecond)
		is("second")
		if !strings.Contains(log.String(), "certificate replaced") {
			t.Errorf("the log says %s", &log)
		}

		log.Reset()
		write(t, key, "half writ")
		for range 7 { // in a minute
			time.Sleep(certificateAge)
			is("second")
		}
		if n := strings.Count(log.String(), "keeping the one from before"); n != 2 {
			t.Errorf("the log says %d times that the files cannot be used:\n%s", n, &log)
		}
		issue(t, dir, "third")
		time.Sleep(certificateAge)
		is("third")
	})
}

func TestACertificateThatCannotBeLoaded(t *testing.T) {
	dir := t.TempDir()
	cert, key := issue(t, dir, "a")
	big := filepath.Join(dir, "big")
	write(t, big, strings.Repeat("x", maxCertificate+1))
	_, other := issue(t, t.TempDir(), "b")
	for want, c := range map[string]*Certificate{
		"read certificate: open ":    {CertFile: filepath.Join(dir, "none"), KeyFile: key},
		"read private key: open ":    {CertFile: cert, KeyFile: filepath.Join(dir, "none")},
		"has more than 1 MiB":        {CertFile: big, KeyFile: key},
		"private key does not match": {CertFile: cert, KeyFile: other},
	} {
		if err := c.Load(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got the error %v, want one with %q", err, want)
		}
		if got, err := c.Get(nil); err == nil || got != nil {
			t.Errorf("%s: Get returns %v, %v", want, got, err)
		}
	}
}
