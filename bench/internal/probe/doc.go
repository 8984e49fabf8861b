// Package probe is the part of the bench that every runner has in common. A runner is a process
// with one informer of one library. It reads commands line by line, carries them out, and answers
// with the measurements.
//
// A runner's main function calls [Main] with a function that makes its [Subject]: the library's
// informer behind a few methods. This package makes all measurements, with the same code for every
// library, and imports none of the libraries.
//
// # The protocol
//
// The bench writes one command a line, and the runner answers each with one line of JSON, in order:
//
//	sync                          start the informer; answer Synced when its handler has all objects
//	heap                          collect garbage twice; answer Heap
//	mark                          start a new count of the handler's calls, and take the time
//	record                        as mark, and record the time of each call
//	told VERSION                  wait until the handler has all changes up to that resourceVersion; answer Told
//	receptions                    answer Receptions: the versions and times of the calls since record
//	index NAME                    add a custom index of the pods by spec.nodeName; answer {}
//	read WHAT PATTERN LABEL       read the cache; answer Read. See [What] and [Pattern]
//	quit                          end; answer Done
//
// Times are in nanoseconds, sizes in bytes. An error is {"error": "…"}, after which the runner
// cannot be used further. A runner ends with its input, so none outlives a bench that is killed.
package probe
