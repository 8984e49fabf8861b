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
	// DefaultTTL is how long Disk keeps a catalog: as long as kubectl does.
	DefaultTTL = 6 * time.Hour

	// diskFile is the file in the directory of the cache; diskFormat changes when what is in it
	// does, and makes files of other formats nobody's.
	diskFile   = "catalog.json"
	diskFormat = 1

	// maxDiskFile bounds what is read: a cluster with thousands of custom resources has some
	// megabytes.
	maxDiskFile = 64 << 20
)

// Disk keeps the catalog of another Interface in a directory, for this process and others. It is
// safe for concurrent use, also by several processes.
//
// A file that is missing, expired, damaged or of another format is no error: the server is asked,
// and the file written anew. Nor is it one if it cannot be written; that goes to slog.Default, at
// debug level. A partial answer is returned and not kept.
type Disk struct {
	lookups
	next Interface
	file string
	ttl  time.Duration

	mu         sync.Mutex // guards what follows
	generation int        // counts Invalidate
}

// document is what the file holds.
type document struct {
	Format  int      `json:"format"`
	Catalog *Catalog `json:"catalog"`
}

// NewDisk returns a cache of d in a directory of its own, which is made when needed and belongs to
// one server: [CacheDir] has one for each. ttl is how long the cache counts, 0 for DefaultTTL.
//
// Each call reads the file. A process that makes several puts a Memory before it.
func NewDisk(d Interface, dir string, ttl time.Duration) *Disk {
	if ttl <= 0 {
		ttl = DefaultTTL
	}
	out := &Disk{next: d, file: filepath.Join(dir, diskFile), ttl: ttl}
	out.renewer = out
	return out
}

// CacheDir returns the directory for the cache of the server that c speaks to, in the user's cache
// directory. Two users of a server share it if they share a home: what a server serves does not
// depend on who asks.
func CacheDir(c *rest.Client) (string, error) {
	base, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("discovery: no directory to cache in: %w", err)
	}
	return filepath.Join(base, "skiff", "discovery", hostDir(c.Config().Host)), nil
}

// hostDir makes a file name of a host. The hash keeps those apart that look the same after it.
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

// ServerVersion is the version of the API server, asked each time.
func (d *Disk) ServerVersion(ctx context.Context) (*version.Info, error) {
	return d.next.ServerVersion(ctx)
}

// Invalidate removes the file, and what the Interface behind it has cached.
func (d *Disk) Invalidate() {
	d.mu.Lock()
	d.generation++
	if err := os.Remove(d.file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		slog.Debug("discovery: the cache cannot be removed", "file", d.file, "err", err)
	}
	d.mu.Unlock()
	d.next.Invalidate()
}

func (d *Disk) catalogAfter(ctx context.Context, after time.Time) (*Catalog, error) {
	if c, err := d.read(); err == nil && c.Fetched.After(after) {
		return c, nil
	}
	d.mu.Lock()
	generation := d.generation
	d.mu.Unlock()

	c, err := renew(ctx, d.next, after)
	if err != nil {
		return c, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.generation == generation { // otherwise c may be what Invalidate was called for
		if err := d.write(c); err != nil {
			slog.Debug("discovery: the cache cannot be written", "file", d.file, "err", err)
		}
	}
	return c, nil
}

// read returns the catalog in the file, if it counts.
func (d *Disk) read() (*Catalog, error) {
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
	// A file from the future tells that a clock was wrong, and nothing of its age.
	if age := time.Since(doc.Catalog.Fetched); age < 0 || age > d.ttl {
		return nil, fmt.Errorf("%s has expired", d.file)
	}
	return doc.Catalog, nil
}

// write replaces the file at once, so that who reads it sees the old one or the new one. Nobody but
// the user can read it: the names of resources tell what a cluster is used for.
func (d *Disk) write(c *Catalog) error {
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
