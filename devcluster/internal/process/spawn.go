package process

import (
	"runtime"
	"sync"
)

// spawner runs functions on one thread that lives as long as the process. Linux ties a child's
// death signal to the thread that forked it, not to the process, and Go ends threads as it likes.
var spawner struct {
	once sync.Once
	work chan func()
}

// Spawn runs start on a thread that outlives the child. start forks a child with a parent death
// signal.
func Spawn(start func() error) error {
	spawner.once.Do(func() {
		spawner.work = make(chan func())
		go func() {
			runtime.LockOSThread()
			for f := range spawner.work {
				f()
			}
		}()
	})
	done := make(chan error)
	spawner.work <- func() { done <- start() }
	return <-done
}
