package informer

import (
	"fmt"
	"runtime/debug"
)

// Callbacks are functions of the program that an informer calls: handlers, functions of indexes,
// OnProgress and OnError. They run under no lock. So they may read the informer, and add and remove
// handlers. A panic of one is reported once, and the informer goes on.

// contain calls a callback, and reports a panic of it as an error. what returns what was lost.
func (s *shared) contain(callback func(), what func() string) {
	defer func() {
		if r := recover(); r != nil {
			s.report(fmt.Errorf("informer %s: a callback panicked: %s: %v\n%s", s, what(), r,
				debug.Stack()))
		}
	}()
	callback()
}

// tellError calls OnError's function, and logs a panic of it together with the error.
func (s *shared) tellError(err error) {
	defer func() {
		if r := recover(); r != nil {
			s.config.logger.Error(fmt.Sprintf("informer %s: OnError panicked: %v\n%s", s, r,
				debug.Stack()), "err", err)
		}
	}()
	s.config.onError(err)
}
