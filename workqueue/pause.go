package workqueue

// Pause makes Get hand out no keys until Resume. Keys are added, delayed and finished meanwhile as
// always, and nothing is lost. ShutDown ends the pause, so that what is queued can be drained.
func (q *Queue[K]) Pause() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.paused = true
}

// Resume ends a Pause.
func (q *Queue[K]) Resume() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.paused = false
	q.wake()
}
