//go:build !linux

package guard

// adopt does nothing: only Linux lets a process adopt its orphaned descendants.
func adopt() {}

// descendants finds none: the command itself is killed, what it started is left to it.
func descendants() []int { return nil }
