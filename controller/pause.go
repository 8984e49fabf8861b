package controller

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/skiff-k8s/skiff/informer"
)

// Pause makes the controller take no more keys, until Resume. The reconciles that are running go on,
// and everything that names a key is kept: it is reconciled after Resume. Stats shows the pause, and
// the log has a line. Pause may be called before Run, and again. It ends neither Run nor the caches.
func (c *Controller) Pause() { c.setPaused(true, "paused: no key is reconciled until Resume") }

// Resume ends a Pause.
func (c *Controller) Resume() { c.setPaused(false, "resumed") }

func (c *Controller) setPaused(paused bool, says string) {
	c.pausing.Lock() // so that the queue is left as the last caller wants it
	defer c.pausing.Unlock()
	if c.paused.Swap(paused) == paused {
		return
	}
	c.loop.setPaused(paused)
	c.log.Info(says, "queued", c.loop.stats().Depth)
}

// ReconcileAll queues the keys of all objects of the controller's For for which filter returns true; a
// nil filter means all. In a controller of NewKeyed they are the keys that the objects of all of its
// sources name. An object that a function of Where excludes names none. The keys have low priority:
// live events go before them.
//
// It is for what no event tells: a configuration that has changed, a fault outside of the cluster that
// is over. The error is an *informer.NotSyncedError if a cache of the controller is not in sync, with no
// key queued; that of a cache that has stopped; or that Run has ended. If a cache stops or Run ends
// meanwhile, some of the keys may be queued. Run waits for the functions of ReconcileAll that are
// running.
func (c *Controller) ReconcileAll(filter func(informer.Meta) bool) error {
	if !c.all.begin() {
		return fmt.Errorf("reconcile all of controller %q: %w", c.name, errEnded)
	}
	defer c.all.done()
	if err := notSynced(c.caches()); err != nil {
		return fmt.Errorf("reconcile all of controller %q: %w", c.name, err)
	}
	var errs []error
	for _, s := range c.sources {
		if c.keyed || s.isFor() {
			errs = append(errs, s.nameAll(filter))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("reconcile all of controller %q: %w", c.name, err)
	}
	return nil
}

var errEnded = errors.New("its Run has ended")

// notSynced returns an error if one of the caches is not in sync.
func notSynced(caches []informer.Untyped) error {
	for _, cache := range caches {
		if err := mistakeOf(cache); err != nil {
			return err
		}
		if !cache.HasSynced() {
			status := cache.Status()
			return &informer.NotSyncedError{Informer: cache.String(),
				Started: status.State != informer.StateIdle, LastError: status.LastError}
		}
	}
	return nil
}

// calls are calls from outside that may come at any time, also one within another. None begins after the
// end of Run, which waits for those that are running.
type calls struct {
	over atomic.Bool // written with mu held

	mu      sync.Mutex // held to begin, and to end
	running sync.WaitGroup
}

// begin reports whether a call may go on. If so it is followed by done.
func (c *calls) begin() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over.Load() {
		return false
	}
	c.running.Add(1)
	return true
}

func (c *calls) done() { c.running.Done() }

// end waits for the calls that are running.
func (c *calls) end() {
	c.mu.Lock()
	c.over.Store(true)
	c.mu.Unlock()
	c.running.Wait()
}
