package controller

import (
	"time"

	"github.com/skiff-k8s/skiff/client"
)

// demands returns what the caches must show before the key of these writes is reconciled again.
func (c *Controller) demands(writes []client.Write) []demand {
	var demands []demand
	for _, w := range writes {
		for _, s := range c.sources {
			if d, ok := s.demand(w); ok {
				demands = append(demands, d)
			}
		}
	}
	return demands
}

// holdEnded reports that a hold of key has ended.
func (c *Controller) holdEnded(key any, h Hold) {
	if !h.Seen && !h.Stopped {
		c.count.holdsExpired.Add(1)
	}
	if c.observed() {
		c.released(key, h)
	}
}

// writeUnseen logs that a hold ended by the WriteTimeout.
func (c *Controller) writeUnseen(key any, after time.Duration) {
	c.log.Warn("the caches have not seen this key's own write, reconciling it on what may be old data",
		"key", text(key), "waited", after)
}
