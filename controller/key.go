package controller

import (
	"time"

	"github.com/skiff-k8s/skiff/workqueue"
)

// Key names the object that a reconcile is about, of the kind that the controller is For. Namespace
// is empty for a cluster-scoped object. [workqueue.ParseKey] reads one from its text.
type Key = workqueue.Key

// Result is what a reconcile that returns no error asks for.
type Result struct {
	// RequeueAfter is the time after which the key is reconciled again even if nothing changes.
	// 0, or a negative time, means not to.
	RequeueAfter time.Duration
}
