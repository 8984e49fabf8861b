package rest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// fetcher counts its calls. answer is what the next ones return.
type fetcher struct {
	mu     sync.Mutex
	calls  int
	takes  time.Duration
	ended  int // by their context
	answer func(n int) (*Credentials, error)
}

func (f *fetcher) fetch(ctx context.Context) (*Credentials, error) {
	f.mu.Lock()
	f.calls++
	n := f.calls
	f.mu.Unlock()
	if !sleep(ctx, f.takes) {
		f.mu.Lock()
		f.ended++
		f.mu.Unlock()
		return nil, ctx.Err()
	}
	return f.answer(n)
}

func numbered(n int) (*Credentials, error) {
	return &Credentials{Token: fmt.Sprintf("token-%d", n)}, nil
}

func TestOneFetchServesAllThatWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fetcher{takes: time.Second, answer: numbered}
		s := CacheCredentials(f.fetch)
		var all sync.WaitGroup
		for i := range 100 {
			all.Go(func() {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if i%2 == 0 { // these go away; the first of them started the fetch, perhaps
					time.AfterFunc(500*time.Millisecond, cancel)
				}
				got, err := s.Credentials(ctx, nil)
				if i%2 == 0 && !errors.Is(err, context.Canceled) || i%2 == 1 && (err != nil || got.Token != "token-1") {
					t.Errorf("request %d: %v, %v", i, got, err)
				}
			})
		}
		all.Wait()
		if f.calls != 1 || f.ended != 0 {
			t.Errorf("%d calls, %d canceled", f.calls, f.ended)
		}
		began := time.Now()
		if got, err := s.Credentials(t.Context(), nil); err != nil || got.Token != "token-1" || time.Since(began) != 0 {
			t.Errorf("later: %v, %v", got, err)
		}
	})
}

// A fetch that nobody waits for is canceled. One whose requests have run out of time goes on.
func TestAFetchThatNobodyWaitsFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fetcher{takes: time.Minute, answer: numbered}
		s := CacheCredentials(f.fetch)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		if _, err := s.Credentials(ctx, nil); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		synctest.Wait()
		if f.ended != 1 {
			t.Error("the fetch goes on")
		}
		ctx, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := s.Credentials(ctx, nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if got, err := s.Credentials(t.Context(), nil); err != nil || got.Token != "token-2" || f.calls != 2 || f.ended != 1 {
			t.Errorf("%v, %v after %d calls, %d canceled", got, err, f.calls, f.ended)
		}
	})
}

func TestCredentialsAreFetchedAgainWhenTheyExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		leaf := newAuthority(t, "x").pair(t, "joe")
		leaf.Leaf.NotAfter = time.Now().Add(3 * time.Hour)
		f := &fetcher{answer: func(n int) (*Credentials, error) {
			c, _ := numbered(n)
			switch n {
			case 1:
				c.Expires = time.Now().Add(time.Hour)
			case 2:
				c.Certificate = &leaf
			}
			return c, nil
		}}
		s := CacheCredentials(f.fetch)
		want := func(after time.Duration, token string) {
			t.Helper()
			time.Sleep(after)
			if got, err := s.Credentials(t.Context(), nil); err != nil || got.Token != token {
				t.Errorf("%v, %v; not %s", got, err, token)
			}
		}
		want(0, "token-1")
		want(time.Hour-1, "token-1")
		want(1, "token-2")
		want(2*time.Hour-1, "token-2")
		want(1, "token-3")
		want(1000*time.Hour, "token-3")
	})
}

// pauses returns when fetch is called in an hour in which a request comes every 100 ms.
func pauses(t *testing.T, s CredentialSource, f *fetcher, refuse bool) []time.Duration {
	t.Helper()
	var at []time.Duration
	began, calls := time.Now(), 0
	for time.Since(began) < time.Hour {
		got, err := s.Credentials(t.Context(), nil)
		if refuse {
			if err != nil {
				t.Fatal(err)
			}
			if again, err := s.Credentials(t.Context(), got); err != nil || again == nil {
				t.Fatalf("%v, %v", again, err)
			}
		}
		for ; calls < f.calls; calls++ {
			at = append(at, time.Since(began).Round(100*time.Millisecond))
		}
		time.Sleep(100 * time.Millisecond)
	}
	return at
}

// What does not help is repeated at once, and then after pauses that double up to a minute.
func TestFetchesThatDoNotHelpArePaused(t *testing.T) {
	for name, test := range map[string]struct {
		answer func(n int) (*Credentials, error)
		refuse bool
	}{
		"failures": {func(int) (*Credentials, error) { return nil, errors.New("no login") }, false},
		"refusals": {numbered, true},
		"expired ones": {func(n int) (*Credentials, error) {
			return &Credentials{Expires: time.Now()}, nil
		}, false},
		"nothing": {func(int) (*Credentials, error) { return nil, nil }, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			f := &fetcher{answer: test.answer}
			at := pauses(t, CacheCredentials(f.fetch), f, test.refuse)
			if len(at) < 60 || len(at) > 70 {
				t.Fatalf("%s: %d fetches in an hour", name, len(at))
			}
			for i, want := range []time.Duration{0, 1, 2, 4, 8, 16, 32, 60, 60, 60} {
				gap := at[i+1] - at[i]
				if want *= time.Second; gap < want || gap > want+200*time.Millisecond {
					t.Errorf("%s: pause %d is %v, not %v", name, i, gap, want)
				}
			}
		})
	}
}

func TestTheErrorOfAPauseSaysWhenItEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cause := errors.New("no login")
		f := &fetcher{answer: func(int) (*Credentials, error) { return nil, cause }}
		s := CacheCredentials(f.fetch)
		for i := range 3 {
			_, err := s.Credentials(t.Context(), nil)
			if !errors.Is(err, cause) || (i == 2) != strings.HasSuffix(err.Error(), "no login; it is tried again in 1s at the earliest") {
				t.Errorf("error %d: %v", i, err)
			}
		}
		// A while later, the failures do not count.
		f.answer = numbered
		time.Sleep(fetchCalm)
		got, err := s.Credentials(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := s.Credentials(t.Context(), got); err != nil || again == got {
			t.Errorf("after the first refusal: %v, %v", again, err)
		}
	})
}

// Requests that were refused the same credentials share the next fetch, late ones too.
func TestALateRefusalDoesNotFetchAgain(t *testing.T) {
	f := &fetcher{answer: numbered}
	s := CacheCredentials(f.fetch)
	first, _ := s.Credentials(t.Context(), nil)
	for range 5 {
		if got, err := s.Credentials(t.Context(), first); err != nil || got.Token != "token-2" {
			t.Errorf("%v, %v", got, err)
		}
	}
	if f.calls != 2 {
		t.Errorf("%d calls", f.calls)
	}
}
