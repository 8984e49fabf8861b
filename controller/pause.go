package controller

import (
	"errors"
	"fmt"

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
// is over. The error is that of a lister: the controller's caches are not in sync, or have stopped.
// Then some of the keys may be queued.
func (c *Controller) ReconcileAll(filter func(informer.Meta) bool) error {
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
