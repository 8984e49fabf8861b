package controller

import (
	"sync"
	"time"
)

// recent keeps when the last reconciles ended, for MinInterval: of each key whose last reconcile ended
// less than the interval before the latest one of all.
type recent[K comparable] struct {
	interval time.Duration // 0 means that nothing is kept

	mu    sync.Mutex // guards what follows
	ended map[K]time.Time
	order []endedAt[K] // oldest first; an entry whose key has ended again since is stale
}

type endedAt[K comparable] struct {
	key K
	at  time.Time
}

// end notes that a reconcile of key has ended, and drops what is older than the interval.
func (r *recent[K]) end(key K) {
	if r.interval == 0 {
		return
	}
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended == nil {
		r.ended = map[K]time.Time{}
	}
	r.ended[key] = now
	r.order = append(r.order, endedAt[K]{key, now})
	for len(r.order) > 0 && now.Sub(r.order[0].at) >= r.interval {
		if first := r.order[0]; r.ended[first.key].Equal(first.at) {
			delete(r.ended, first.key)
		}
		r.order = r.order[1:]
	}
}

// left returns how long key has to wait for its next reconcile.
func (r *recent[K]) left(key K) time.Duration {
	if r.interval == 0 {
		return 0
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	at, ok := r.ended[key]
	if !ok {
		return 0
	}
	return r.interval - time.Since(at)
}

// early reports whether key comes before its MinInterval is over. It then waits for the rest.
func (l *loop[K]) early(key K) bool {
	left := l.recent.left(key)
	if left <= 0 {
		return false
	}
	if l.queue.IsLow(key) {
		l.queue.AddLowAfter(key, left)
	} else {
		l.queue.AddAfter(key, left)
	}
	return true
}

// ended notes the end of a reconcile of key.
func (l *loop[K]) ended(key K) { l.recent.end(key) }
