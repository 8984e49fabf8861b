package informer

import (
	"errors"
	"fmt"
)

// NotSyncedError is the error of a read before the initial list is in the cache. It is not a
// NotFound, because the object may exist. Wait with WaitForSync first.
type NotSyncedError struct {
	Informer  string // as its String method names it; of Namespaces, the part that is missing
	Started   bool   // whether its factory runs it
	LastError error  // the last error that it met; nil if it met none
}

// Error returns the informer's name, what it waits for and its last error.
//
// There is no Unwrap: the last error may be the server's 404 for the list, and a reader must not
// take that for the absence of an object.
func (e *NotSyncedError) Error() string {
	if !e.Started {
		return fmt.Sprintf("informer %s: not synced: not started (call Factory.Run or Start)",
			e.Informer)
	}
	return fmt.Sprintf("informer %s: not synced: waiting for its initial list%v", e.Informer,
		&reason{e.LastError})
}

// StoppedError is the error of using an informer that has stopped, or an Informer that was closed.
// Its cache has been freed.
type StoppedError struct {
	Informer string // as its String method names it
	Cause    error  // why it stopped: the context's error, or that it was closed
}

// Error returns the informer's name and the cause.
func (e *StoppedError) Error() string {
	return fmt.Sprintf("informer %s: stopped: %v", e.Informer, e.Cause)
}

// Unwrap returns the cause.
func (e *StoppedError) Unwrap() error { return e.Cause }

var errClosed = errors.New("it was closed (Informer.Close)")

// RestoredError is the error of a wait for a version that will not come: the server's data was
// restored from a backup, and is older than that version. What was written at it is lost, unless it
// was in the backup.
type RestoredError struct {
	ResourceVersion string // that was waited for
	Restored        string // that the cache contains now
}

// Error returns both versions.
func (e *RestoredError) Error() string {
	return fmt.Sprintf("resourceVersion %s is lost: the server was restored from a backup, to "+
		"resourceVersion %s", e.ResourceVersion, e.Restored)
}
