package remote

import (
	"sync"
	"time"
)

// deadline is the deadline of one direction of a connection. It is safe for concurrent use.
type deadline struct {
	missed func() // called when it is over

	mu      sync.Mutex // guards the fields below
	timer   *time.Timer
	expired chan struct{} // closed by the timer
}

func newDeadline(missed func()) *deadline {
	return &deadline{missed: missed, expired: make(chan struct{})}
}

// set sets the deadline. The zero time removes it.
func (d *deadline) set(t time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.timer != nil && !d.timer.Stop() {
		<-d.expired // the timer has fired, and closes it
	}
	d.timer = nil
	if isClosed(d.expired) {
		d.expired = make(chan struct{})
	}
	if t.IsZero() {
		return
	}
	expired := d.expired
	d.timer = time.AfterFunc(time.Until(t), func() {
		close(expired)
		d.missed()
	})
}

// over returns a channel that is closed when the deadline is over.
func (d *deadline) over() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.expired
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
