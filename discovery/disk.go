package discovery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/version"
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

	mu          sync.Mutex // guards the fields below
	generation  int        // counts calls of invalidate
	invalidated time.Time  // the last one
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

// NewDisk returns a client that keeps the catalog of d in files in dir, for this process and others.
// Several processes may use dir at the same time. dir belongs to one server; [CacheDir] returns one
// for each. It is made when it is needed.
//
// The catalog is in catalog.json, with the group versions that failed. Beside it are the files of
// kubectl 1.37 (servergroups.json, <group>/<version>/serverresources.json), which kubectl reads. If
// there is no catalog.json that counts, lookups that find something use kubectl's files. kubectl
// leaves out groups that failed, so Catalog, Resources and lookups that find nothing do not.
// Invalidate removes catalog.json and servergroups.json.
//
// ttl is how long a file is used. 0 means DefaultTTL; negative means no cache: no file is read or
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

func (d *disk) serverVersion(ctx context.Context) (*version.Info, error) {
	return d.next.serverVersion(ctx)
}

// invalidate removes the file.
func (d *disk) invalidate() {
	d.mu.Lock()
	d.generation++
	d.invalidated = time.Now()
	for _, file := range []string{d.file, filepath.Join(filepath.Dir(d.file), groupsFile)} {
		if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			slog.Debug("discovery: remove the cache", "file", file, "err", err)
		}
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
	generation, invalidated := d.generation, d.invalidated
	d.mu.Unlock()
	if c, partial, err := d.readKubectl(); err == nil && c.Fetched.After(invalidated) &&
		n.met(c, partial) {
		return c, partial
	}

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
		d.keepForKubectl(c, partial)
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
