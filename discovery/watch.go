package discovery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/skiff-k8s/skiff/rest"
	"github.com/skiff-k8s/skiff/wire"
)

const (
	// firstWatchPause and maxWatchPause are the pauses before a watch is opened again. A watch that
	// lasted longer than maxWatchPause makes the pause the first one again.
	firstWatchPause = time.Second
	maxWatchPause   = time.Minute
)

// settling is how long after a change the caches are dropped. The server's discovery follows a
// change a moment later; for an aggregated API server it asks that server first.
var settling = []time.Duration{0, time.Second, 5 * time.Second, 30 * time.Second}

// watched are the objects that decide what a server serves.
var watched = []schema.GroupVersionResource{
	{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"},
	{Group: "apiregistration.k8s.io", Version: "v1", Resource: "apiservices"},
}

// Watch calls d.Invalidate whenever a CustomResourceDefinition or an APIService of the server that c
// speaks to changes: at once, and again 1, 5 and 30 seconds after the last change, because the
// server's discovery follows it later. d is usually a memory cache.
//
// It reads the objects' metadata only, and needs the permission to list and watch both. If a watch
// breaks off, it is opened again after a pause that grows from a second to a minute, and the log
// (rest.Config.Logger) has a line with the cause. If changes may have been missed, d is invalidated.
//
// Watch returns when ctx ends, with an error that wraps ctx's. Its goroutines have ended then.
func Watch(ctx context.Context, c *rest.Client, d Interface) error {
	log := c.Config().Logger
	if log == nil {
		log = slog.Default()
	}
	changed := make(chan struct{}, 1)
	var wg sync.WaitGroup
	for _, gvr := range watched {
		w := &watcher{rest: c, gvr: gvr, log: log, changed: changed}
		wg.Go(func() { w.run(ctx) })
	}
	settle(ctx, changed, d.Invalidate)
	wg.Wait()
	return ended(ctx)
}

// settle calls drop at the times after a change that settling holds, until ctx ends.
func settle(ctx context.Context, changed <-chan struct{}, drop func()) {
	timer := time.NewTimer(time.Hour)
	timer.Stop()
	defer timer.Stop()
	step := 0
	for {
		select {
		case <-ctx.Done():
			return
		case <-changed:
			step = 0
		case <-timer.C:
		}
		drop()
		if step++; step < len(settling) {
			timer.Reset(settling[step] - settling[step-1])
		}
	}
}

// watcher watches one resource.
type watcher struct {
	rest    *rest.Client
	gvr     schema.GroupVersionResource
	log     *slog.Logger
	changed chan<- struct{}

	version string // the last resourceVersion; "" if it is not known
	lost    bool   // changes may have been missed
}

func (w *watcher) tell() {
	select {
	case w.changed <- struct{}{}:
	default: // one is on its way
	}
}

func (w *watcher) run(ctx context.Context) {
	for pause := firstWatchPause; ; pause = min(2*pause, maxWatchPause) {
		began := time.Now()
		err := w.watch(ctx)
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) > maxWatchPause {
			pause = firstWatchPause
		}
		if err != nil {
			w.log.Warn("discovery: watch "+w.gvr.GroupResource().String(), "err", err,
				"again in", pause)
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

// request returns a request for the metadata of all objects.
func (w *watcher) request(as string) *rest.Request {
	return w.rest.Get().GroupVersion(w.gvr.GroupVersion()).Resource(w.gvr.Resource).
		SetHeader("Accept", "application/json;as="+as+";g=meta.k8s.io;v=v1")
}

// watch tells changes until the watch ends. Its error is nil if the server ended it, as it regularly
// does.
func (w *watcher) watch(ctx context.Context) error {
	if w.version == "" {
		data, err := w.request("PartialObjectMetadataList").Param("limit", "1").DoRaw(ctx)
		if err != nil {
			w.lost = true
			return err
		}
		var list struct {
			Metadata struct {
				ResourceVersion string `json:"resourceVersion"`
			} `json:"metadata"`
		}
		if err := json.Unmarshal(data, &list); err != nil {
			w.lost = true
			return w.rest.Redact(unreadable(w.gvr.String(), err))
		}
		if list.Metadata.ResourceVersion == "" {
			w.lost = true
			return errors.New("the list has no resourceVersion")
		}
		w.version = list.Metadata.ResourceVersion
		if w.lost {
			w.lost = false
			w.tell()
		}
	}
	stream, err := w.request("PartialObjectMetadata").Param("resourceVersion", w.version).
		Param("allowWatchBookmarks", "true").Watch(ctx, wire.Options{})
	if err != nil {
		return w.broken(err)
	}
	defer stream.Close()
	for {
		event, err := stream.Next()
		switch {
		case err != nil:
			return w.broken(err)
		case event.Type == wire.Error:
			status, err := event.Status()
			if err != nil {
				return w.broken(err)
			}
			w.version, w.lost = "", true
			return fmt.Errorf("the server ended the watch: %s", status.Message)
		}
		w.version = strings.Clone(event.Object.Meta.ResourceVersion)
		if event.Type != wire.Bookmark {
			w.tell()
		}
	}
}

// broken returns why a watch ended, nil if the server ended it. After a refusal the next one begins
// anew.
func (w *watcher) broken(err error) error {
	var refused apierrors.APIStatus
	switch {
	case errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
		return nil
	case errors.As(err, &refused):
		w.version, w.lost = "", true
	}
	return err
}
