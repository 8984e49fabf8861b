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

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/version"

	"github.com/skiff-k8s/skiff/rest"
)

const (
	// DefaultTTL is how long the disk cache is used: 6 hours, as kubectl's.
	DefaultTTL = 6 * time.Hour

	// diskFile is the file in the cache's directory. diskFormat is its format: files of another
	// format are ignored. Format 1 had no failed group versions.
	diskFile   = "catalog.json"
	diskFormat = 2

	// maxDiskFile limits how much is read and written, in bytes. The catalog of a cluster with
	// thousands of custom resources takes some megabytes.
	maxDiskFile = 64 << 20
)

// disk is the source that keeps the catalog of the next source in a file.
type disk struct {
	next  source
	file  string
	ttl   time.Duration // negative: no cache
	limit int64         // maxDiskFile

	mu         sync.Mutex // guards generation
	generation int        // counts calls of invalidate
}

// document is the content of the file.
type document struct {
	Format  int       `json:"format"`
	Catalog *Catalog  `json:"catalog"`
	Failed  []failure `json:"failed,omitempty"`
}

// failure is a group version of a PartialError. In the catalog it has no resources, or outdated
// ones.
type failure struct {
	Group   string `json:"group"`
	Version string `json:"version"`
	Cause   string `json:"cause"`
}

// failuresOf returns the group versions of a PartialError; nil if there is none.
func failuresOf(partial *PartialError) (out []failure) {
	if partial == nil {
		return nil
	}
	for gv, err := range partial.Failed {
		out = append(out, failure{Group: gv.Group, Version: gv.Version, Cause: err.Error()})
	}
	return out
}

// partialOf returns the PartialError of group versions, or nil if there are none. Its causes have
// the text of the original ones; ErrStale is itself.
func partialOf(failed []failure) error {
	if len(failed) == 0 {
		return nil
	}
	e := &PartialError{Failed: map[schema.GroupVersion]error{}}
	for _, f := range failed {
		cause := ErrStale
		if f.Cause != ErrStale.Error() {
			cause = errors.New(f.Cause)
		}
		e.Failed[schema.GroupVersion{Group: f.Group, Version: f.Version}] = cause
	}
	return e
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
// level.
//
// A partial answer is kept with its [*PartialError], whose causes then have their text only, and
// ErrStale. ttl is how long it is used for a lookup whose match cannot be in what is missing. For
// everything else it is used for 30 seconds, or ttl if that is shorter.
//
// Every call reads the file. A process that makes several calls puts a memory cache in front:
// NewMemory(NewDisk(…)).
func NewDisk(d Interface, dir string, ttl time.Duration) *Client {
	if ttl == 0 {
		ttl = DefaultTTL
	}
	return &Client{source: &disk{
		next: sourceOf(d), file: filepath.Join(dir, diskFile), ttl: ttl, limit: maxDiskFile,
	}}
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

func (d *disk) catalog(ctx context.Context, n need) (*Catalog, error) {
	if d.ttl < 0 {
		return d.next.catalog(ctx, n)
	}
	if c, partial, err := d.read(); err == nil && n.met(c, partial) {
		return c, partial
	}
	d.mu.Lock()
	generation := d.generation
	d.mu.Unlock()

	c, err := d.next.catalog(ctx, n)
	partial, whole := asPartial(err)
	if !whole {
		return c, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.generation == generation { // otherwise c may be older than the call of invalidate
		if err := d.write(c, partial); err != nil {
			slog.Debug("discovery: write the cache", "file", d.file, "err", err)
		}
	}
	return c, err
}

// read returns the catalog in the file and the PartialError beside it, or an error if the file is
// not to be used.
func (d *disk) read() (c *Catalog, partial, err error) {
	data, err := readFile(d.file, d.limit)
	if err != nil {
		return nil, nil, err
	}
	var doc document
	if err := json.Unmarshal(data, &doc); err != nil {
		return nil, nil, err
	}
	if doc.Format != diskFormat || doc.Catalog == nil {
		return nil, nil, fmt.Errorf("%s is of another format", d.file)
	}
	// A time in the future means that a clock was wrong: the age is unknown.
	if age := time.Since(doc.Catalog.Fetched); age < 0 || age > d.ttl {
		return nil, nil, fmt.Errorf("%s has expired", d.file)
	}
	return doc.Catalog, partialOf(doc.Failed), nil
}

// write replaces the file.
func (d *disk) write(c *Catalog, partial *PartialError) error {
	data, err := json.Marshal(document{
		Format: diskFormat, Catalog: c, Failed: failuresOf(partial),
	})
	if err != nil {
		return err
	}
	if int64(len(data)) > d.limit {
		return fmt.Errorf("the catalog is %d bytes, and the limit is %d", len(data), d.limit)
	}
	return replaceFile(d.file, data)
}
