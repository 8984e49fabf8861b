// Package probe is a runner's half of the bench: a process that holds one informer of one library,
// is told line by line what to do, and says what it cost.
//
// A runner is a main function that hands [Main] a way to make its [Subject], the informer of its
// library behind a few methods. Everything that is measured is measured here, by the same code for
// every library, and this package imports none of them.
//
// # The protocol
//
// The bench writes a line, the runner answers with one line of JSON, one after the other:
//
//	sync                          start the informer; answer Synced when its handler knows all that there is
//	heap                          collect garbage twice; answer Heap
//	mark                          forget what the handler was told so far, and take the time
//	record                        as mark, and note when each call comes
//	told VERSION                  wait until the handler knows everything up to that resourceVersion; answer Told
//	receptions                    answer Receptions: when which version was told, since record
//	index NAME                    add a custom index of the pods by spec.nodeName; answer {}
//	read WHAT PATTERN LABEL       read the cache; answer Read. See [What] and [Pattern]
//	quit                          end; answer Done
//
// Times are nanoseconds, sizes are bytes. What goes wrong is {"error": "…"}; after that a runner is of
// no further use. A runner ends with its input, so none is left behind by a bench that dies.
package probe
