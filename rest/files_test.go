//go:build unix

package rest

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/skiff-k8s/skiff/internal/files"
)

// The files of a Config are read within limits, whatever they are.
func TestFilesOfAConfigAreReadWithinLimits(t *testing.T) {
	ca := newAuthority(t, "x").pem
	pad := func(data []byte, size int) []byte {
		return append(bytes.Repeat([]byte("\n"), size-len(data)), data...)
	}
	for _, test := range []struct {
		name string
		set  func(*Config, string)
		data []byte
		max  int
	}{
		{"token", func(c *Config, f string) { c.BearerTokenFile = f }, []byte("some-token"), files.MaxToken},
		{"CA", func(c *Config, f string) { c.TLS.CAFile = f }, ca, files.MaxPEM},
	} {
		try := func(path string) error {
			cfg := &Config{Host: "https://server.example", Logger: quiet()}
			test.set(cfg, path)
			_, err := NewClient(cfg)
			return err
		}
		for over := -1; over <= 1; over++ {
			err := try(writeFile(t, test.name, pad(test.data, test.max+over)))
			if (err != nil) != (over > 0) {
				t.Errorf("%s, %+d bytes: %v", test.name, over, err)
			}
		}
		for path, want := range map[string]string{"/dev/zero": "device", t.TempDir(): "directory"} {
			if err := try(path); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s %s: %v", test.name, path, err)
			}
		}
		pipe := filepath.Join(t.TempDir(), "pipe")
		if err := syscall.Mkfifo(pipe, 0o600); err != nil {
			t.Fatal(err)
		}
		done := feed(pipe, test.data)
		if err := try(pipe); err != nil {
			t.Errorf("%s of a named pipe: %v", test.name, err)
		}
		<-done
	}
}

// feed writes data to a named pipe once somebody reads it, and closes it.
func feed(pipe string, data []byte) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		if f, err := os.OpenFile(pipe, os.O_WRONLY, 0); err == nil { // waits for a reader
			_, _ = f.Write(data)
			_ = f.Close()
		}
	}()
	return done
}

// A named pipe can be read once, so it is not read again when a minute is over or after a 401.
func TestANamedPipeIsReadOnce(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	done := feed(pipe, []byte("piped-token"))
	s, err := newTokenSource(&Config{BearerTokenFile: pipe, Logger: quiet(), secrets: new(secrets)})
	if err != nil {
		t.Fatal(err)
	}
	<-done
	if got := s.token(true); got != "piped-token" || s.file != "" {
		t.Errorf("%q, from %q", got, s.file)
	}
	if (TLSConfig{CAFile: pipe}).usesFiles() || !(TLSConfig{CAFile: "missing"}).usesFiles() {
		t.Error("a named pipe is read again, or a file is not")
	}
}
