//go:build unix

package controlplane

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// folder holds the keys, the data and the logs of one control plane.
type folder struct {
	run    string   // temporary, with the sockets
	data   string   // run, or a folder that is kept
	lock   *os.File // of a folder that is kept
	keeper *keeper
}

const (
	// marker is the file in a folder that this package may write to: the API server's port.
	marker = "apiserver.port"
	// maxSocket is the longest path of a Unix socket (macOS: 104 bytes with the final NUL).
	maxSocket = 103
)

// openFolder makes the folder. A folder to keep is new, empty, or one of an earlier control plane.
func openFolder(keep string) (*folder, error) {
	f := &folder{}
	var err error
	for _, parent := range []string{"", "/tmp"} { // $TMPDIR may be too long
		if f.run, err = os.MkdirTemp(parent, "skiff-controlplane-"); err != nil {
			return nil, err
		}
		if len(f.socket()) <= maxSocket {
			break
		}
		_ = os.Remove(f.run)
	}
	f.data = f.run
	if keep != "" {
		if f.data, err = openKept(keep); err == nil {
			f.lock, err = lock(f.data)
		}
		if err != nil {
			_ = os.Remove(f.run)
			return nil, err
		}
	}
	if f.keeper, err = newKeeper(f.run); err != nil {
		_ = os.Remove(f.run)
		_ = f.lock.Close()
		return nil, err
	}
	for _, dir := range []string{f.file("pki"), f.logs()} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, errors.Join(err, f.close())
		}
	}
	return f, nil
}

func openKept(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	if len(entries) == 0 {
		return dir, os.WriteFile(filepath.Join(dir, marker), nil, 0o600)
	}
	if _, err := os.Stat(filepath.Join(dir, marker)); err != nil {
		return "", fmt.Errorf("the folder of WithData, %s, has %s and is not of such a control plane: it has no %s",
			dir, entries[0].Name(), marker)
	}
	return dir, nil
}

func (f *folder) file(path ...string) string {
	return filepath.Join(append([]string{f.data}, path...)...)
}

func (f *folder) logs() string { return f.file("logs") }

// socket returns the path of etcd's socket.
func (f *folder) socket() string { return filepath.Join(f.run, "etcd.sock") }

func (f *folder) close() error {
	_ = f.lock.Close() // of nil it is an error
	return f.keeper.end()
}

// keepPort writes down the port, for the next control plane of a folder that is kept.
func (f *folder) keepPort(port int) error {
	return os.WriteFile(f.file(marker), []byte(strconv.Itoa(port)), 0o600)
}

// The ports that are tried are below those that systems give to outgoing connections (32768 on Linux,
// 49152 elsewhere). While the API server is down, a client that dials its port could otherwise get
// that port for its own end, and be connected with itself.
const (
	firstPort = 20000
	lastPort  = 32000
)

// freePort returns a port of 127.0.0.1 that is free: that of the folder's last control plane, if there
// was one.
func (f *folder) freePort() (int, error) {
	text, _ := os.ReadFile(f.file(marker))
	port, _ := strconv.Atoi(strings.TrimSpace(string(text)))
	var err error
	for range 100 {
		if port == 0 {
			port = firstPort + rand.N(lastPort-firstPort)
		}
		var l net.Listener
		if l, err = net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port))); err == nil {
			return port, l.Close()
		}
		port = 0
	}
	return 0, fmt.Errorf("find a free port: %w", err)
}
