package probe

import "time"

// Span is the time that an operation took.
type Span struct {
	Wall    time.Duration `json:"wall"`
	CPU     time.Duration `json:"cpu"`     // of the whole process, user and system
	GCShare float64       `json:"gcShare"` // what of 1 the garbage collector took of it, as the Go runtime estimates it
}

// Synced answers "sync": the time from before the informer was made until its handler had every
// object.
type Synced struct {
	Span
	Objects int   `json:"objects"`
	PeakRSS int64 `json:"peakRSS"` // the most that was ever resident, up to now
}

// Heap answers "heap": the live heap after two collections.
type Heap struct {
	Alloc   int64 `json:"alloc"` // of the heap's objects, above what there was before the informer
	Inuse   int64 `json:"inuse"` // of the heap's spans, all of it
	Sys     int64 `json:"sys"`   // obtained from the system
	RSS     int64 `json:"rss"`   // resident
	PeakRSS int64 `json:"peakRSS"`
	Objects int   `json:"objects"` // in the cache
}

// Told answers "told". Wall is the time from the first call of the handler after the mark to its
// last. CPU and GCShare are of the whole time since the mark.
type Told struct {
	Span
	Calls int   `json:"calls"` // of the handler; fewer than there were events if a library merges them
	RSS   int64 `json:"peakRSS"`
}

// Receptions answers "receptions": the versions that the handler was called with, and when.
type Receptions struct {
	Versions []uint64 `json:"versions"`
	At       []int64  `json:"at"` // Unix time in nanoseconds, by the index of Versions
}

// Read answers "read".
type Read struct {
	Span
	Ops     int `json:"ops"`     // Gets, or Lists
	Objects int `json:"objects"` // in the results of all of them
}

// Done answers "quit".
type Done struct {
	PeakRSS int64 `json:"peakRSS"`
}

// failure is the answer to a command that failed.
type failure struct {
	Error string `json:"error"`
}
