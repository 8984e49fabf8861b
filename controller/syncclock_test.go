package controller

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/skiff-k8s/skiff/informer"
)

// scripted is an informer whose status is scripted, and which is in sync after a time.
type scripted struct {
	informer.Untyped
	status func(since time.Duration) informer.Status
	begin  time.Time
	synced time.Duration // negative means never
}

func (s *scripted) Status() informer.Status { return s.status(time.Since(s.begin)) }

func (s *scripted) WaitForSync(ctx context.Context) error {
	var synced <-chan time.Time
	if s.synced >= 0 {
		synced = time.After(s.synced - time.Since(s.begin))
	}
	select {
	case <-synced:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// The bound of SyncTimeout: a server that answers all the time is given exactly that time.
func TestSyncTimeoutIsExact(t *testing.T) {
	const timeout = 10 * time.Second
	for _, tt := range []struct {
		name   string
		synced time.Duration
		ends   time.Duration // 0 means that Run goes on
	}{
		{"in sync before", timeout - time.Millisecond, 0},
		{"in sync after", timeout + time.Millisecond, timeout},
		{"never in sync", -1, timeout},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t)
				begin := time.Now()
				cache := &scripted{Untyped: s.secrets(), begin: begin, synced: tt.synced,
					status: func(time.Duration) informer.Status {
						return informer.Status{State: "streaming", AnsweredAt: time.Now()}
					}}
				c := New("test", noop, For(s.configMaps()), Reads(cache), SyncTimeout(timeout), s.logger())
				stop, ended := start(func(ctx context.Context) error { return Run(ctx, s.factory, c) })
				time.Sleep(tt.ends)
				synctest.Wait()
				select {
				case err := <-ended:
					if tt.ends == 0 || err == nil {
						t.Errorf("Run returned %v", err)
					}
				default:
					if tt.ends != 0 {
						t.Errorf("Run goes on after %v", tt.ends)
					}
					time.Sleep(time.Hour)
					if err := stop(); err != nil {
						t.Error(err)
					}
				}
			})
		})
	}
}

// The clock, look by look, a second each: the pause after an answer counts, that after a failure to
// get one does not, and the time of a request counts when an answer to it has come.
func TestTheClockOfSyncTimeout(t *testing.T) {
	// In a script, each letter is a second: 'p' pauses, 'r' waits for the answer of a request, 'a'
	// brings an answer and pauses, 's' brings a part of one, 'f' is a failure to get one, 'i' runs
	// nothing.
	for script, want := range map[string]int{
		"":               0,
		"ppp":            0, // nothing has been tried yet
		"iii":            3,
		"appp":           4,
		"fppp":           0,
		"rrr":            0,
		"rrra":           4,
		"rrrf":           0,
		"rrrfppprra":     3,
		"apprrrrrfpppap": 3 + 2,
		"ssss":           4,
		"srrrs":          5,
		"srrrfp":         1,
		"apfpppppappp":   2 + 4,
		"fpfpfpapp":      3,
	} {
		s := newStage(t)
		status := informer.Status{}
		w := &syncWait{cache: &scripted{Untyped: s.configMaps(), status: func(time.Duration) informer.Status { return status }}}
		now := time.Now()
		for _, step := range script {
			now = now.Add(time.Second)
			switch step {
			case 'p':
				status.State = informer.StateWaiting
			case 'r':
				status.State = "paging"
			case 'a': // an error status is an answer and an error
				status.State, status.AnsweredAt, status.LastErrorAt = informer.StateWaiting, now, now
			case 's':
				status.State, status.AnsweredAt = "streaming", now
			case 'f':
				status.State, status.LastErrorAt = informer.StateWaiting, now
			case 'i':
				status.State = informer.StateIdle
			}
			w.look(time.Second)
		}
		if got := int(w.answered / time.Second); got != want {
			t.Errorf("%q: the server has answered for %d s, want %d", script, got, want)
		}
	}
}

// Outages of each kind between answers: the clock stands still for them.
func TestSyncTimeoutDoesNotCountOutages(t *testing.T) {
	outages := map[string]answer{
		"connection refused": refuses,
		"no answer":          hangs,
		"a broken connection": func(*fakeServer, *http.Request) (*http.Response, error) {
			return nil, io.ErrUnexpectedEOF
		},
	}
	for name, away := range outages {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t)
				s.server.set("configmaps", fails(403, "Forbidden"))
				var r record
				c := New("test", r.reconcile, For(s.configMaps()), s.logger())
				stop, ended := start(func(ctx context.Context) error { return Run(ctx, s.factory, c) })
				// The pause that runs when an outage begins counts, because the server answered before
				// it: 13 s at most in the first round, a minute in the second. With the two times of
				// answering this stays below the two minutes of the default.
				for _, answering := range []time.Duration{10 * time.Second, 10 * time.Second} {
					time.Sleep(answering)
					s.server.set("configmaps", away)
					time.Sleep(time.Hour)
					s.server.set("configmaps", fails(403, "Forbidden"))
				}
				select {
				case err := <-ended:
					t.Fatalf("Run returned %v", err)
				default:
				}
				s.server.set("configmaps", lists(configMap("n", "a", 5)))
				time.Sleep(15 * time.Minute) // a request that hangs, and the longest pause
				if got := r.taken(); got != "n/a" {
					t.Errorf("reconciled %q", got)
				}
				if err := stop(); err != nil {
					t.Error(err)
				}
			})
		})
		t.Run(name+", and then answers for too long", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t)
				s.server.set("configmaps", fails(403, "Forbidden"))
				c := New("test", noop, For(s.configMaps()), s.logger())
				_, ended := start(func(ctx context.Context) error { return Run(ctx, s.factory, c) })
				time.Sleep(10 * time.Second) // and a pause of 13 s at most counts
				s.server.set("configmaps", away)
				time.Sleep(time.Hour)
				s.server.set("configmaps", fails(403, "Forbidden"))
				begin := time.Now()
				err := <-ended
				if took := time.Since(begin); took < 90*time.Second || took > 15*time.Minute {
					t.Errorf("Run ended %v after the server was back", took)
				}
				if !apierrors.IsForbidden(err) {
					t.Errorf("Run returns %v", err)
				}
			})
		})
	}
}

// While the server cannot be reached one line a minute says what is waited for, which informers, and
// their last error, however many informers there are.
func TestOneLineAMinuteSaysThatTheServerIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.server.set("configmaps", refuses)
		s.server.set("secrets", refuses)
		c := New("test", noop, For(s.configMaps()), Owns(s.secrets()), s.logger())
		stop, _ := start(func(ctx context.Context) error { return Run(ctx, s.factory, c) })
		for n, at := range []time.Duration{syncLogAfter - 1, 2 * time.Second, syncLogEvery, syncLogEvery, syncLogEvery} {
			time.Sleep(at)
			synctest.Wait()
			if got := s.log.count("cannot be reached"); got != n {
				t.Errorf("after step %d: %d lines", n, got)
			}
		}
		line := `msg="waiting for the API server, which cannot be reached" controller=test informer="configmaps, secrets" error=`
		if n := s.log.count(line); n != 4 {
			t.Errorf("%d lines are as wanted:\n%s", n, &s.log.buf)
		}
		if n := s.log.count("connection refused"); n != 4 {
			t.Errorf("%d lines have the last error", n)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// The error of a missing CustomResourceDefinition names the informer once.
func TestTheErrorOfSyncTimeoutNamesTheInformerOnce(t *testing.T) {
	registerWidget(t)
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.server.set("widgets", fails(404, "NotFound"))
		err := Run(t.Context(), s.factory, New("test", noop, For(informer.For[widget](s.factory)), s.logger()))
		if err == nil || strings.Count(err.Error(), "informer widgets.example.com") != 1 {
			t.Errorf("Run returns %v", err)
		}
		var status apierrors.APIStatus
		if !errors.As(err, &status) || !apierrors.IsNotFound(err) {
			t.Errorf("the error does not wrap the server's: %v", err)
		}
	})
}
