package discovery

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/version"

	"github.com/skiff-k8s/skiff/rest"
)

const (
	// DefaultTTL is how long the disk cache is used: 6 hours, as kubectl's.
	DefaultTTL = 6 * time.Hour

	// diskFile is the file in the cache's directory. diskFormat is its format: files of another
	// format are ignored.
	diskFile   = "catalog.json"
	diskFormat = 1

	// maxDiskFile limits how much is read. The catalog of a cluster with thousands of custom
	// resources takes some megabytes.
	maxDiskFile = 64 << 20
)

// disk is the source that keeps the catalog of the next source in a file.
type disk struct {
	next source
	file string
	ttl  time.Duration // negative: no cache

	mu         sync.Mutex // guards generation
	generation int        // counts calls of invalidate
}

// document is the content of the file.
type document struct {
	Format  int      `json:"format"`
	Catalog *Catalog `json:"catalog"`
}

// NewDisk returns a client that keeps the catalog of d in a file in dir, for this process and
// others. Several processes may use dir at the same time. dir belongs to one server; [CacheDir]
// returns one for each. It is made when it is needed.
//
// ttl is how long the file is used. 0 means DefaultTTL; negative means no cache: no file is read or
// written.
//
// A file that is missing, expired, damaged or of another format is no error: the server is asked,
// and the file is written again. If it cannot be written, that is logged to slog.Default at debug
// level. A partial answer is returned and not kept.
//
// Every call reads the file. A process that makes several calls puts a memory cache in front:
// NewMemory(NewDisk(…)).
func NewDisk(d Interface, dir string, ttl time.Duration) *Client {
	if ttl == 0 {
		ttl = DefaultTTL
	}
	return &Client{source: &disk{next: sourceOf(d), file: filepath.Join(dir, diskFile), ttl: ttl}}
}

// CacheDir returns the directory to give NewDisk for the server that c speaks to, in the user's
// cache directory. It does not make the directory. It depends on the server only, and not on the
// credentials, because discovery answers every user the same.
//
// The error is that of os.UserCacheDir: the environment names no home directory.
func CacheDir(c *rest.Client) (string, error) {
	base, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("discovery: find the cache directory: %w", err)
	}
	return filepath.Join(base, "skiff", "discovery", hostDir(c.Config().Host)), nil
}

// hostDir returns a directory name for a host. Its hash distinguishes hosts whose names become
// equal.
func hostDir(host string) string {
	_, name, ok := strings.Cut(host, "://")
	if !ok {
		name = host
	}
	name = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '.', r == '-':
			return r
		}
		return '_'
	}, name)
	if len(name) > 100 {
		name = name[:100]
	}
	return fmt.Sprintf("%s-%x", name, sha256.Sum256([]byte(host)))[:len(name)+1+12]
}

func (d *disk) serverVersion(ctx context.Context) (*version.Info, error) {
	return d.next.serverVersion(ctx)
}

// invalidate removes the file.
func (d *disk) invalidate() {
	d.mu.Lock()
	d.generation++
	if err := os.Remove(d.file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		slog.Debug("discovery: remove the cache", "file", d.file, "err", err)
	}
	d.mu.Unlock()
	d.next.invalidate()
}

func (d *disk) catalogAfter(ctx context.Context, after time.Time) (*Catalog, error) {
	if d.ttl < 0 {
		return d.next.catalogAfter(ctx, after)
	}
	if c, err := d.read(); err == nil && c.Fetched.After(after) {
		return c, nil
	}
	d.mu.Lock()
	generation := d.generation
	d.mu.Unlock()

	c, err := d.next.catalogAfter(ctx, after)
	if err != nil {
		return c, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.generation == generation { // otherwise c may be older than the call of invalidate
		if err := d.write(c); err != nil {
			slog.Debug("discovery: write the cache", "file", d.file, "err", err)
		}
	}
	return c, nil
}

// read returns the catalog in the file, or an error if the file is not to be used.
func (d *disk) read() (*Catalog, error) {
	info, err := os.Stat(d.file)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxDiskFile {
		return nil, fmt.Errorf("%s is not a cache: %v, %d bytes", d.file, info.Mode(), info.Size())
	}
	data, err := os.ReadFile(d.file)
	if err != nil {
		return nil, err
	}
	var doc document
	if err := json.Unmarshal(data, &doc); err != nil {
		return nil, err
	}
	if doc.Format != diskFormat || doc.Catalog == nil {
		return nil, fmt.Errorf("%s is of another format", d.file)
	}
	// A time in the future means that a clock was wrong: the age is unknown.
	if age := time.Since(doc.Catalog.Fetched); age < 0 || age > d.ttl {
		return nil, fmt.Errorf("%s has expired", d.file)
	}
	return doc.Catalog, nil
}

// write replaces the file atomically, so that a reader sees either the old or the new one. Only the
// user can read it, because the names of resources tell what a cluster is used for.
func (d *disk) write(c *Catalog) error {
	data, err := json.Marshal(document{Format: diskFormat, Catalog: c})
	if err != nil {
		return err
	}
	dir := filepath.Dir(d.file)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, diskFile+".*") // made with mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err == nil {
		err = os.Rename(f.Name(), d.file)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}
