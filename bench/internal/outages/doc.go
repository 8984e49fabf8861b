// Package outages runs an informer of skiff and one of client-go against the same server while that
// server fails in the same way, and notes what each of them does. The table in docs/faults.md is its
// output:
//
//	make faults
//
// The server is a store in memory behind a layer of faults (package faults), reached over
// HTTP in memory. Everything runs under the clock of testing/synctest, so an hour takes less than a
// second, and the times are those that the libraries' own pauses give.
package outages
