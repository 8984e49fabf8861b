package informer

import "time"

// Status says how an informer is, at one moment.
type Status struct {
	State           string    // what the reflector is doing: "listing", "paging", "watching", "waiting", "stopped"; "idle" before Start
	Synced          bool      // the initial list is in the cache
	Objects         int       // in the cache
	PackedBytes     int64     // what the objects' bytes take in the cache
	ResourceVersion string    // the newest that the cache contains
	Lists           int64     // lists completed
	Watches         int64     // watches opened
	Events          int64     // watch events received, bookmarks included
	LastError       error     // the last error met, nil if there was none yet; it may be long over
	LastErrorAt     time.Time // when
	Failures        int       // attempts that failed since the last one that worked; 0 is healthy
}

// OpaqueVersionError says that a resourceVersion cannot be compared with others: it is not the
// number that Kubernetes 1.35 and later promise for all that they serve themselves (KEP-5504).
type OpaqueVersionError struct{ ResourceVersion string }

// Error says which version it was.
func (e *OpaqueVersionError) Error() string {
	return "resourceVersion " + e.ResourceVersion + " is not comparable (a positive number is); wait for the object itself instead"
}
