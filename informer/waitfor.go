package informer

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/internal/ctxerr"
	"github.com/skiff-k8s/skiff/wire"
)

// ResourceVersion returns the newest version that the cache contains: every change of the
// informer's objects up to it is in the store. Events and bookmarks move it on; a restore of the
// server from a backup moves it back. It is empty before the initial list.
func (s *shared) ResourceVersion() string { return s.feeds.version() }

// Contains reports, without waiting, whether the cache contains everything up to that version,
// which may come from any object, list or bookmark of the same resource (KEP-5504: versions of
// one resource are ordered). If the version is not such a number (aggregated servers may have
// their own), Contains returns true, because it cannot be known and nobody should wait for it
// forever. Before the initial list it returns false.
func (s *shared) Contains(resourceVersion string) bool { return s.feeds.contain(resourceVersion) }

// WaitFor waits until the cache contains everything up to that version: after it, the lister
// returns the write that returned the version. If ctx ends first, it returns an error that wraps
// ctx's. If the version cannot be compared, it returns an *OpaqueVersionError at once. If the
// informer stops or cannot run, it returns what Err returns.
//
// If the version was lost because the server was restored from a backup, WaitFor returns a
// *RestoredError. If the restore was before WaitFor was called, that takes some seconds, up to a
// minute if the same version is waited for again: the server's answer has to exclude that the
// version was written since.
//
// A write of an object of this informer arrives as an event. If no event comes (the version is of
// another namespace, or a list's), the informer asks the server how far it is, so that WaitFor
// takes seconds even if nothing changes.
func (s *shared) WaitFor(ctx context.Context, resourceVersion string) error {
	return s.feeds.waitFor(ctx, resourceVersion)
}

func (all feeds) waitFor(ctx context.Context, resourceVersion string) error {
	if err := all[0].informer.Err(); err != nil {
		return err
	}
	waits := make([]*waiter, 0, 1)
	for _, f := range all { // which are asked all at once
		w := f.progress.wait(resourceVersion)
		defer f.progress.leave(w)
		waits = append(waits, w)
	}
	for i, f := range all {
		if why := f.absent.Load(); why != nil { // after wait, which absent would end
			return *why
		}
		if err := f.waitFor(ctx, waits[i]); err != nil {
			return err
		}
	}
	return nil
}

func (f *feed) waitFor(ctx context.Context, w *waiter) error {
	result := func(err error) error {
		if err != nil {
			return fmt.Errorf("informer %s: waiting for a version: %w", f, err)
		}
		return nil
	}
	timer := time.NewTimer(sayAfter)
	defer timer.Stop()
	for {
		select {
		case err := <-w.done:
			return result(err)
		default:
		}
		select {
		case err := <-w.done:
			return result(err)
		case <-f.informer.life.Done():
			return f.informer.Err()
		case <-ctx.Done():
			return f.missing(w.version, ctxerr.Of(ctx))
		case <-timer.C:
			timer.Reset(sayEvery)
			f.informer.config.logger.Warn(f.missing(w.version, errStill).Error())
		}
	}
}

// WaitForNow waits until the cache contains everything that the server has when WaitForNow is called.
// It lists the objects, and returns that request's error, or what WaitFor returns. It is for tests: a
// controller knows the version of what it wrote.
func (s *shared) WaitForNow(ctx context.Context) error {
	if s.life.Err() != nil {
		return s.Err()
	}
	there := 0
	newest := make([]*waiter, 0, 1)
	for _, f := range s.feeds {
		ask := requests{client: s.client, kind: s.kind, namespace: f.namespace, format: wire.JSON,
			labelSelector: s.config.labelSelector, fieldSelector: s.config.fieldSelector}
		var list metav1.PartialObjectMetadataList
		answer, err := ask.selected().Do(ctx).Raw()
		if err == nil {
			err = json.Unmarshal(answer, &list)
		}
		if err != nil {
			return fmt.Errorf("informer %s: list what the server has: %w", f, err)
		}
		there += len(list.Items)
		last := uint64(0)
		for _, item := range list.Items {
			if version, err := strconv.ParseUint(item.ResourceVersion, 10, 64); err == nil {
				last = max(last, version)
			}
		}
		if last > 0 {
			changed := f.progress.wait(strconv.FormatUint(last, 10))
			defer f.progress.leave(changed)
			if err := f.waitFor(ctx, changed); err != nil {
				return err
			}
		}
		w := f.progress.wait(list.ResourceVersion)
		defer f.progress.leave(w)
		newest = append(newest, w)
	}
	// What happened since the last change of an object that is there was deletions only. So if the
	// cache has as many objects, it has these. Waiting for the list's version may take seconds.
	for i, f := range s.feeds {
		for pause := time.Millisecond; s.cache.Load().Len() != there; pause = min(2*pause, maxCountPause) {
			waited, stop := context.WithTimeout(ctx, pause)
			err := f.waitFor(waited, newest[i])
			due := waited.Err() != nil && ctx.Err() == nil
			stop()
			if err != nil && !due {
				return err
			}
			if err == nil {
				break
			}
		}
	}
	return nil
}

// maxCountPause is the longest pause of WaitForNow between two looks at the number of objects.
const maxCountPause = 50 * time.Millisecond

// missing returns an error that names the version that is waited for, and wraps why and the
// stream's last error.
func (f *feed) missing(resourceVersion string, why error) error {
	return f.informer.client.Redact(fmt.Errorf("informer %s: waiting for resourceVersion %s, at %q: %w%w",
		f, resourceVersion, f.progress.current(), why, f.health.because()))
}

// OnProgress calls f each time that the cache has moved on, with the version that it contains now:
// the store has been updated already, and handlers have the events in their queues. f is called
// from the stream's own goroutine and must not block. It is not called for the past. After stop
// returns, f is not called again, unless a call is about to be made.
func (s *shared) OnProgress(f func(resourceVersion string)) (stop func()) {
	return s.feeds.onProgress(f)
}

func (all feeds) onProgress(f func(resourceVersion string)) (stop func()) {
	h := &hook{func() {
		if version := all.version(); version != "" {
			all[0].informer.contain(func() { f(version) }, func() string { return "OnProgress at " + version })
		}
	}}
	for _, f := range all {
		f.progress.hook(h)
	}
	return func() {
		for _, f := range all {
			f.progress.unhook(h)
		}
	}
}
