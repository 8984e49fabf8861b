package rest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/skiff-k8s/skiff/internal/ctxerr"
)

// How long CacheCredentials pauses before it fetches again after what did not help. The first
// repetition comes at once: the credentials may have been withdrawn a moment ago.
const (
	firstFetchPause = time.Second
	maxFetchPause   = time.Minute
	// fetchCalm is the time after which earlier failures do not count.
	fetchCalm = 2 * maxFetchPause
)

// CacheCredentials returns a source that calls fetch for credentials, and keeps them until they
// expire or the server refuses them.
//
// All requests that wait for credentials share one call of fetch. If some of them end, the call
// goes on for the others. If all have been canceled, fetch's context ends. If all have run into
// their deadlines, the call goes on: its result is for the next request. fetch therefore needs a
// limit of its own.
//
// fetch is called again at once after its first failure, and after the first refusal of what it
// returned. From then on there is a pause, of one second at first and one minute at most. During
// the pause requests fail with the last error, or are sent with what the server refused. An error
// that is kept must not change.
//
// fetch runs in a goroutine of its own, which ends with it.
func CacheCredentials(
	fetch func(ctx context.Context) (*Credentials, error),
) CredentialSource {
	return &cache{fetch: fetch}
}

type cache struct {
	fetch func(context.Context) (*Credentials, error)

	mu      sync.Mutex // guards the fields below
	have    *Credentials
	err     error     // of the last fetch
	stale   bool      // the last fetch returned credentials that had expired
	ended   time.Time // when the last fetch ended
	useless int       // how many fetches in a row were repeated because the one before did not help
	running *fetching
}

// fetching is a call of fetch that is under way.
type fetching struct {
	done    chan struct{} // closed at its end; the results are not written afterwards
	cancel  context.CancelFunc
	waiting int // requests; guarded by cache.mu
	got     *Credentials
	err     error
}

// Credentials implements CredentialSource.
func (s *cache) Credentials(ctx context.Context, refused *Credentials) (*Credentials, error) {
	s.mu.Lock()
	f := s.running
	if f == nil {
		now := time.Now()
		if s.have != nil && s.have != refused && !s.have.expired(now) {
			defer s.mu.Unlock()
			return s.have, nil
		}
		if pause := s.pause(refused, now); pause > 0 {
			defer s.mu.Unlock()
			if s.err != nil {
				return nil, fmt.Errorf("%w; it is tried again in %v at the earliest", s.err,
					pause.Round(time.Millisecond))
			}
			return s.have, nil
		}
		f = s.start()
	}
	f.waiting++
	s.mu.Unlock()
	select {
	case <-f.done:
		return f.got, f.err
	case <-ctx.Done():
		s.leave(f, errors.Is(ctx.Err(), context.DeadlineExceeded))
		return nil, ctxerr.Of(ctx)
	}
}

// pause returns how long no fetch may start, 0 if one may. It then counts the fetch that starts.
func (s *cache) pause(refused *Credentials, now time.Time) time.Duration {
	since := now.Sub(s.ended)
	if s.ended.IsZero() || since >= fetchCalm ||
		s.err == nil && !s.stale && s.have != refused {
		s.useless = 0
		return 0
	}
	if s.useless > 0 {
		//mutants:tuning[6,8] from the seventh on the pause is the longest
		pause := min(firstFetchPause<<min(s.useless-1, 7), maxFetchPause)
		if since < pause {
			return pause - since
		}
	}
	s.useless++
	return 0
}

// start starts a fetch. The caller holds s.mu.
func (s *cache) start() *fetching {
	ctx, cancel := context.WithCancel(context.Background())
	f := &fetching{done: make(chan struct{}), cancel: cancel}
	s.running, s.have = f, nil // what it replaces has expired, or was refused
	go func() {
		defer cancel()
		got, err := s.fetch(ctx)
		if err == nil && got == nil {
			err = errors.New("there are none: the source returned nil")
		}
		f.got, f.err = got, err
		s.mu.Lock()
		defer s.mu.Unlock()
		close(f.done)
		if s.running != f {
			return // canceled, and perhaps replaced
		}
		s.running, s.ended, s.err = nil, time.Now(), err
		if err == nil {
			s.have, s.stale = got, got.expired(s.ended)
		}
	}()
	return f
}

// leave is called by a request that waits no longer for f.
func (s *cache) leave(f *fetching, late bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.waiting--; f.waiting == 0 && !late {
		f.cancel()
		if s.running == f {
			s.running = nil
		}
	}
}
