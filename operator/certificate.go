package operator

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// Certificate is a server's certificate in two files, which are read again while the server runs.
// It is safe for concurrent use.
type Certificate struct {
	// CertFile is the file of the certificate and its chain, KeyFile that of its private key, both
	// PEM. They may be replaced at any time, as cert-manager and the kubelet do.
	CertFile, KeyFile string
	// Logger takes a line for each change of the files, and for each fault. nil means slog.Default.
	Logger *slog.Logger

	mu       sync.Mutex
	current  *tls.Certificate
	cert     []byte // the file that current is from
	key      []byte
	looked   time.Time // when the files were read
	reported time.Time // when a fault was logged
}

const (
	// certificateAge is how long the files are not looked at again.
	certificateAge = 10 * time.Second
	// certificateLog is the shortest time between two logged faults.
	certificateLog = time.Minute
	// maxCertificate limits each file, in bytes.
	maxCertificate = 1 << 20
)

// Load reads the files. Its error is that of a file, or of a key that does not fit the certificate.
func (c *Certificate) Load() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.load()
}

// Get returns the certificate, for tls.Config.GetCertificate. It reads the files again if they were
// read more than ten seconds ago. If they cannot be used, it logs why and returns the certificate
// that they had before.
func (c *Certificate) Get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.current != nil && time.Since(c.looked) < certificateAge {
		return c.current, nil
	}
	err := c.load()
	if err == nil {
		return c.current, nil
	}
	if c.current == nil {
		return nil, err
	}
	if c.reported.IsZero() || time.Since(c.reported) >= certificateLog {
		c.reported = time.Now()
		c.logger().Error("read certificate again: keeping the one from before, trying again in 10s",
			"error", err, "expires", c.current.Leaf.NotAfter)
	}
	return c.current, nil
}

func (c *Certificate) logger() *slog.Logger {
	if c.Logger == nil {
		return slog.Default()
	}
	return c.Logger
}

// load reads the files. c.mu is held.
func (c *Certificate) load() error {
	c.looked = time.Now()
	cert, err := readLimited(c.CertFile)
	if err != nil {
		return fmt.Errorf("read certificate: %w", err)
	}
	key, err := readLimited(c.KeyFile)
	if err != nil {
		return fmt.Errorf("read private key: %w", err)
	}
	if c.current != nil && bytes.Equal(cert, c.cert) && bytes.Equal(key, c.key) {
		return nil
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return fmt.Errorf("use certificate %s with key %s: %w", c.CertFile, c.KeyFile, err)
	}
	if c.current != nil {
		c.logger().Info("certificate replaced", "file", c.CertFile, "expires", pair.Leaf.NotAfter)
	}
	c.current, c.cert, c.key, c.reported = &pair, cert, key, time.Time{}
	return nil
}

func readLimited(path string) ([]byte, error) {
	data, err := os.ReadFile(path)
	if err == nil && len(data) > maxCertificate {
		err = errors.New(path + " has more than 1 MiB")
	}
	return data, err
}
