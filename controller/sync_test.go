package controller

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/kind"
)

// widget is a custom type without a CustomResourceDefinition.
type widget struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
}

func registerWidget(t *testing.T) {
	err := kind.Register[widget](kind.Info{Group: "example.com", Version: "v1", Kind: "Widget", Resource: "widgets", Namespaced: true})
	if err != nil {
		t.Fatal(err)
	}
}

// Q4: a cache that does not come into sync while the server answers ends Run.
func TestSyncTimeout(t *testing.T) {
	registerWidget(t)
	for _, tt := range []struct {
		name    string
		answer  answer
		options []Option
		after   time.Duration // when Run ends
		says    []string
	}{
		{"no right to list", fails(403, "Forbidden"), nil, DefaultSyncTimeout,
			[]string{`controller "test"`, "informer widgets.example.com", "scripted Forbidden"}},
		{"no such resource", fails(404, "NotFound"), nil, DefaultSyncTimeout,
			[]string{"informer widgets.example.com", "scripted NotFound", "is the CustomResourceDefinition widgets.example.com installed"}},
		{"not logged in", fails(401, "Unauthorized"), nil, DefaultSyncTimeout, []string{"scripted Unauthorized"}},
		{"always an error", fails(500, "InternalError"), nil, DefaultSyncTimeout, []string{"scripted InternalError"}},
		{"another time", fails(403, "Forbidden"), []Option{SyncTimeout(time.Hour)}, time.Hour, []string{"within 1h0m0s"}},
		{"a short time", fails(403, "Forbidden"), []Option{SyncTimeout(time.Second)}, time.Second, []string{"within 1s"}},
		{"0 is the default", fails(403, "Forbidden"), []Option{SyncTimeout(0)}, DefaultSyncTimeout, []string{"within 2m0s"}},
		{"a list without an end", endless, nil, DefaultSyncTimeout, []string{"informer widgets.example.com"}},
		{"no list in the answer", func(_ *fakeServer, req *http.Request) (*http.Response, error) {
			return respond(req, 200, strings.NewReader("<html>")), nil
		}, nil, DefaultSyncTimeout, []string{"informer widgets.example.com"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t)
				s.server.set("widgets", tt.answer)
				c := New("test", noop, append(tt.options, For(s.configMaps()), Owns(informer.For[widget](s.factory)), s.logger())...)
				begin := time.Now()
				err := Run(t.Context(), s.factory, c)
				if took := time.Since(begin); took < tt.after || took > tt.after+tt.after/10+time.Second {
					t.Errorf("Run took %v, want %v", took, tt.after)
				}
				if err == nil {
					t.Fatal("Run returns no error")
				}
				for _, part := range tt.says {
					if !strings.Contains(err.Error(), part) {
						t.Errorf("the error does not say %q: %v", part, err)
					}
				}
				if strings.Contains(err.Error(), "configmaps") {
					t.Errorf("the error names the informer that is in sync: %v", err)
				}
				if tt.name != "no such resource" && strings.Contains(err.Error(), "CustomResourceDefinition") {
					t.Errorf("the error asks about a CustomResourceDefinition: %v", err)
				}
				if tt.name == "no right to list" && !apierrors.IsForbidden(err) {
					t.Errorf("the error does not wrap the server's: %v", err)
				}
			})
		})
	}
}

// endless answers with a watch-list that goes on and on.
func endless(_ *fakeServer, req *http.Request) (*http.Response, error) {
	pr, pw := io.Pipe()
	context.AfterFunc(req.Context(), func() { pr.CloseWithError(req.Context().Err()) })
	go func() {
		for i := 0; ; i++ {
			_, err := fmt.Fprintf(pw, `{"type":"ADDED","object":{"kind":"Widget","apiVersion":"example.com/v1",`+
				`"metadata":{"namespace":"n","name":"w-%d","uid":"u-%[1]d","resourceVersion":"%[2]d"}}}`+"\n", i, i+1)
			if err != nil {
				return
			}
			select {
			case <-time.After(5 * time.Second):
			case <-req.Context().Done():
				return
			}
		}
	}()
	return respond(req, 200, pr), nil
}

func TestSyncTimeoutNegativeWaitsForever(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.server.set("configmaps", fails(403, "Forbidden"))
		var r record
		c := New("test", r.reconcile, For(s.configMaps()), SyncTimeout(-1), s.logger())
		stop, ended := start(func(ctx context.Context) error { return Run(ctx, s.factory, c) })
		time.Sleep(24 * time.Hour)
		select {
		case err := <-ended:
			t.Fatalf("Run returned %v", err)
		default:
		}
		s.server.set("configmaps", lists(configMap("n", "a", 5)))
		time.Sleep(10 * time.Minute)
		if got := r.taken(); got != "n/a" {
			t.Errorf("reconciled %q", got)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// A server that cannot be reached is waited for, and the log says so once a minute.
func TestSyncTimeoutStandsStillWhileTheServerIsAway(t *testing.T) {
	for name, away := range map[string]answer{"connection refused": refuses, "no answer": hangs} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t)
				s.server.set("configmaps", away)
				c := New("test", noop, For(s.configMaps()), s.logger())
				begin := time.Now()
				_, ended := start(func(ctx context.Context) error { return Run(ctx, s.factory, c) })
				time.Sleep(time.Hour)
				select {
				case err := <-ended:
					t.Fatalf("Run returned after %v: %v", time.Since(begin), err)
				default:
				}
				if n := s.log.count("cannot be reached"); n < 59 || n > 61 {
					t.Errorf("%d lines in an hour say that the server cannot be reached, want one a minute", n)
				}
				if s.log.count("informer=configmaps") == 0 {
					t.Errorf("the log does not name the informer:\n%s", &s.log.buf)
				}
				s.server.set("configmaps", fails(403, "Forbidden"))
				begin = time.Now()
				err := <-ended
				// The informer notices when its request that hangs, or its longest pause, is over.
				if took := time.Since(begin); took < DefaultSyncTimeout || took > DefaultSyncTimeout+15*time.Minute {
					t.Errorf("Run ended %v after the server had come back", took)
				}
				if !apierrors.IsForbidden(err) {
					t.Errorf("Run returns %v", err)
				}
			})
		})
	}
}

func TestStopWhileWaitingForSync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.server.set("configmaps", refuses)
		c := New("test", noop, For(s.configMaps()), s.logger())
		stop, _ := start(func(ctx context.Context) error { return Run(ctx, s.factory, c) })
		time.Sleep(time.Minute)
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}
