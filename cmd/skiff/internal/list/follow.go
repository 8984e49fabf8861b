package list

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/cmd/skiff/internal/cli"
	"github.com/skiff-k8s/skiff/cmd/skiff/internal/table"
	"github.com/skiff-k8s/skiff/wire"
)

const (
	// A watch is asked to last for five to ten minutes, so that watches spread over the servers.
	minWatch = 5 * time.Minute
	maxWatch = 10 * time.Minute
	// The pause after a fault begins at firstPause, doubles up to longestPause, and is spread up to
	// twice that.
	firstPause   = 800 * time.Millisecond
	longestPause = 15 * time.Second
	// healthyAfter is how long a watch without events lives until it counts as a success.
	healthyAfter = 5 * time.Second
)

// A Change is what Follow tells of one object.
type Change struct {
	// Type is Added, Modified or Deleted; or Bookmark, without an object, when every object that
	// exists has been told of.
	Type wire.EventType
	// Initial reports whether a list found the object, before any watch.
	Initial bool
	Columns []table.Column // of Row
	Row     table.Row      // with tables
	Object  wire.Object    // without tables; of a deletion that was not seen, the metadata
}

// A Follower tells the changes of the objects of a Query: those that exist first, then by watch. It
// watches again when the server ends the watch, and lists again when the server has forgotten the
// version that it has reached (410 Gone). It remembers the version of what it has told, so each
// change is told once, and a deletion that it has not seen, too.
type Follower struct {
	Query
	// Table asks for tables. Include must not be None.
	Table bool
	// Tell is called with each change; its error ends Run.
	Tell func(Change) error

	known   map[string]seen // by key
	round   uint64          // lists so far
	version string          // where the next watch begins; "" if a list is next
	columns []table.Column
	// received reports whether the last watch had an event.
	received bool
	stopped  error // of Tell
}

// seen is what is remembered of an object.
type seen struct {
	uid, version string
	round        uint64   // the last list that had it
	cells        [][]byte // with tables
}

// Run follows until ctx ends, Tell returns an error, or the server refuses. Other faults are told to
// Warn, and after a growing pause Run goes on.
func (f *Follower) Run(ctx context.Context) error {
	f.known = map[string]seen{}
	if f.Name != "" {
		selectors := []string{"metadata.name=" + f.Name}
		if f.Fields != "" {
			selectors = append(selectors, f.Fields)
		}
		f.Fields, f.Name = strings.Join(selectors, ","), ""
	}
	for failures := 0; ; {
		began := time.Now()
		what, err := f.step(ctx)
		switch healthy := what == "watch" && time.Since(began) >= healthyAfter; {
		case f.stopped != nil:
			return f.stopped
		case ctx.Err() != nil:
			return fmt.Errorf("%s %s: %w", what, f.Kind.GVR().GroupResource(), ctx.Err())
		case err != nil && refused(err):
			return err
		case err == nil && (what == "list" || healthy):
			if healthy {
				failures = 0
			}
			continue
		case healthy:
			failures = 0
		case f.received:
			failures = min(failures, 1) // it works, and still there is a pause
		}
		if err := f.failed(ctx, what, err, &failures); err != nil {
			return err
		}
	}
}

// step lists or watches, and returns which.
func (f *Follower) step(ctx context.Context) (string, error) {
	if f.version == "" {
		return "list", f.list(ctx)
	}
	return "watch", f.watch(ctx)
}

// refused reports whether the same request would fail again.
func refused(err error) bool {
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return errors.As(err, new(*wire.KindError))
	}
	switch code := status.Status().Code; code {
	case http.StatusRequestTimeout, http.StatusConflict, http.StatusGone,
		http.StatusTooManyRequests:
		return false
	default:
		return 400 <= code && code < 500
	}
}

// forgotten reports whether the server cannot watch from the version: it is too old, or newer than
// all that a restored server has.
func forgotten(err error) bool {
	return apierrors.IsResourceExpired(err) || apierrors.IsGone(err) ||
		apierrors.HasStatusCause(err, metav1.CauseTypeResourceVersionTooLarge)
}

// failed decides how to go on, and pauses. A watch that the server ended is no fault (err is nil),
// but if that happens at once, time after time, there is a pause, too.
func (f *Follower) failed(ctx context.Context, what string, err error, failures *int) error {
	next := what + " again"
	if err != nil && forgotten(err) {
		f.version = ""
		next = "list again"
	}
	var pause time.Duration
	if *failures > 0 || err != nil && !forgotten(err) {
		pause = min(firstPause<<min(*failures, 6), longestPause)
		pause += rand.N(pause)
	}
	if seconds, ok := apierrors.SuggestsClientDelay(err); err != nil && ok && seconds > 0 {
		pause = max(pause, min(time.Duration(seconds)*time.Second, time.Minute))
	}
	*failures++
	if err != nil && f.Warn != nil {
		in := "at once"
		if pause > 0 {
			in = "in " + pause.Round(100*time.Millisecond).String()
		}
		f.Warn(fmt.Sprintf("%v; next: %s %s", err, next, in))
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("watch %s: %w", f.Kind.GVR().GroupResource(), ctx.Err())
	}
}

// list tells what has changed since the last list.
func (f *Follower) list(ctx context.Context) error {
	f.received = false
	f.round++
	version := ""
	read := f.readObjects
	if f.Table {
		read = f.readTable
	}
	err := f.pages(ctx, func(opts metav1.ListOptions) (position, error) {
		at, err := read(ctx, opts)
		if version == "" {
			version = at.version
		}
		at.stop = f.stopped != nil
		return at, err
	})
	switch {
	case f.stopped != nil:
		return f.stopped
	case err != nil:
		return err
	}
	for key, was := range f.known {
		if was.round != f.round {
			if err := f.gone(key, was); err != nil {
				return err
			}
		}
	}
	if version == "" {
		return errors.New("the list has no resourceVersion to watch from")
	}
	f.version = version
	return f.tell(Change{Type: wire.Bookmark})
}

func (f *Follower) readTable(ctx context.Context, opts metav1.ListOptions) (position, error) {
	page, err := f.tablePage(ctx, opts)
	if err != nil {
		return position{}, err
	}
	if len(page.Columns) > 0 {
		f.columns = page.Columns
	}
	for _, row := range page.Rows {
		if err := f.set(metaOf(row.Object), Change{Row: row, Initial: true}); err != nil {
			break // f.stopped
		}
	}
	return position{next: page.Continue, version: page.Version, count: len(page.Rows)}, nil
}

func (f *Follower) readObjects(ctx context.Context, opts metav1.ListOptions) (position, error) {
	return f.objectPage(ctx, opts, func(o wire.Object) bool {
		m := meta{o.Meta.Key(), o.Meta.UID, o.Meta.ResourceVersion}
		return f.set(m, Change{Object: withType(o), Initial: true}) == nil
	})
}

// meta is what identifies a state of an object.
type meta struct{ key, uid, version string }

func metaOf(object []byte) meta {
	m := table.ReadMeta(object)
	return meta{m.Key(), m.UID, m.Version}
}

// watch tells what changes until the watch ends.
func (f *Follower) watch(ctx context.Context) error {
	f.received = false
	seconds := int64((minWatch + rand.N(maxWatch-minWatch)) / time.Second)
	opts := metav1.ListOptions{LabelSelector: f.Labels, FieldSelector: f.Fields,
		ResourceVersion: f.version, AllowWatchBookmarks: true, TimeoutSeconds: &seconds}
	req := f.request("PartialObjectMetadata").VersionedParams(&opts)
	if f.Table {
		req = f.asTable(req)
	}
	w, err := req.Watch(ctx, f.options())
	if err != nil {
		return cli.Describe("watch", f.Kind, "", err)
	}
	defer func() { _ = w.Close() }()
	for {
		event, err := w.Next()
		if err == io.EOF {
			return nil
		}
		f.received = f.received || err == nil && event.Type != wire.Error
		if err == nil && event.Type == wire.Error {
			err = cli.Describe("watch", f.Kind, "", statusOf(event))
		}
		if err == nil && f.Table {
			err = f.tableEvent(event)
		} else if err == nil {
			m := meta{event.Object.Meta.Key(), event.Object.Meta.UID, event.Object.Meta.ResourceVersion}
			err = f.event(event.Type, m, Change{Object: withType(event.Object)})
		}
		if err != nil {
			return err
		}
	}
}

func statusOf(event wire.Event) error {
	status, err := event.Status()
	if err != nil {
		return err
	}
	return &apierrors.StatusError{ErrStatus: *status}
}

// tableEvent tells of an event whose object is a table of one row.
func (f *Follower) tableEvent(event wire.Event) error {
	page, err := table.Read(event.Object.Data)
	if err != nil {
		return err
	}
	if len(page.Columns) > 0 {
		f.columns = page.Columns
	}
	if event.Type == wire.Bookmark || len(page.Rows) == 0 {
		f.reach(page.Version)
		return nil
	}
	for _, row := range page.Rows {
		if err := f.event(event.Type, metaOf(row.Object), Change{Row: row}); err != nil {
			return err
		}
	}
	return nil
}

// event tells of an event, unless it is told already.
func (f *Follower) event(t wire.EventType, m meta, c Change) error {
	defer f.reach(m.version)
	switch t {
	case wire.Added, wire.Modified:
		return f.set(m, c)
	case wire.Deleted:
		if was, ok := f.known[m.key]; ok && was.uid == m.uid {
			delete(f.known, m.key)
			c.Type = wire.Deleted
			return f.tell(c)
		}
	}
	return nil
}

// reach notes the version that the watch has reached.
func (f *Follower) reach(version string) {
	if version != "" {
		f.version = strings.Clone(version)
	}
}

// set tells of an object that exists, if that is news.
func (f *Follower) set(m meta, c Change) error {
	was, ok := f.known[m.key]
	if ok && was.uid != m.uid {
		if err := f.gone(m.key, was); err != nil {
			return err
		}
		ok = false
	}
	if ok && was.version == m.version {
		was.round = f.round
		f.known[m.key] = was
		return nil
	}
	now := seen{strings.Clone(m.uid), strings.Clone(m.version), f.round, nil}
	for _, cell := range c.Row.Cells {
		now.cells = append(now.cells, append([]byte(nil), cell...))
	}
	f.known[strings.Clone(m.key)] = now
	c.Type = wire.Added
	if ok {
		c.Type = wire.Modified
	}
	c.Initial = c.Initial && f.round == 1
	return f.tell(c)
}

// gone tells of an object whose deletion was not seen, as it was told last.
func (f *Follower) gone(key string, was seen) error {
	delete(f.known, key)
	namespace, name, ok := strings.Cut(key, "/")
	if !ok {
		namespace, name = "", key
	}
	data := []byte(`{"apiVersion":` + strconv.Quote(f.Kind.APIVersion()) + `,"kind":` +
		strconv.Quote(f.Kind.Kind) + `,"metadata":{"name":` + strconv.Quote(name))
	if namespace != "" {
		data = append(data, `,"namespace":`+strconv.Quote(namespace)...)
	}
	data = append(data, `,"uid":`+strconv.Quote(was.uid)+`,"resourceVersion":`+
		strconv.Quote(was.version)+`}}`...)
	return f.tell(Change{Type: wire.Deleted, Row: table.Row{Cells: was.cells, Object: data},
		Object: wire.Object{Format: wire.JSON, Data: data, APIVersion: f.Kind.APIVersion(),
			Kind: f.Kind.Kind, Meta: wire.Meta{Namespace: namespace, Name: name, UID: was.uid,
				ResourceVersion: was.version}}})
}

// tell calls Tell, and keeps its error.
func (f *Follower) tell(c Change) error {
	c.Columns = f.columns
	f.stopped = f.Tell(c)
	return f.stopped
}
