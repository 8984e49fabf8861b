package controller

import (
	"time"

	"github.com/skiff-k8s/skiff/workqueue"
)

// Key names the object that a reconcile is about: one of the kind that the controller is For.
// Namespace is empty for a cluster-scoped object.
type Key = workqueue.Key

// Result is what a reconcile without an error asks for.
type Result struct {
	// RequeueAfter has the key reconciled again after this time, even if nothing
	// changes until then. 0 is not to ask.
	RequeueAfter time.Duration
}
