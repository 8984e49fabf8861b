package controller

import (
	"slices"
	"time"

	"github.com/skiff-k8s/skiff/informer"
)

// cutOffDelay is the pause between the tries of a key whose retries are used up during an outage.
// It is short, so that the key is reconciled soon after the outage.
const cutOffDelay = 5 * time.Second

// cutOff reports whether one of the controller's informers cannot reach the API server.
func (c *Controller) cutOff() bool {
	return slices.ContainsFunc(c.sources, source.cutOff) || slices.ContainsFunc(c.reads, cutOff)
}

// cutOff reports whether an informer has lost the API server and has not reached it since.
func cutOff(cache informer.Untyped) bool { return cache.Status().Failures > 0 }
