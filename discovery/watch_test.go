package discovery

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skiff-k8s/skiff/rest"
)

// dropped is an Interface that tells of Invalidate.
type dropped struct {
	Interface
	calls chan struct{}
}

func (d dropped) Invalidate() { d.calls <- struct{}{} }

func TestTheCacheIsDroppedWhileTheServerSettles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		changed := make(chan struct{}, 1)
		start := time.Now()
		var at []time.Duration
		var wg sync.WaitGroup
		wg.Go(func() { settle(ctx, changed, func() { at = append(at, time.Since(start)) }) })
		changed <- struct{}{}
		time.Sleep(3 * time.Second)
		changed <- struct{}{}
		time.Sleep(time.Hour)
		cancel()
		wg.Wait()
		var want []time.Duration
		for _, s := range []time.Duration{0, 1, 3, 4, 8, 33} {
			want = append(want, s*time.Second)
		}
		if !reflect.DeepEqual(at, want) {
			t.Errorf("dropped at %v, want %v", at, want)
		}
	})
}

// lines is a log.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// A watch that is refused may have missed changes, and one that is forbidden is in the log.
func TestWatchBeginsAnewAfterARefusal(t *testing.T) {
	var mu sync.Mutex
	watches := map[string]int{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if strings.HasSuffix(r.URL.Path, "apiservices") {
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","message":"not for you","reason":"Forbidden","code":403}`)
			return
		}
		if r.URL.Query().Get("watch") == "" {
			fmt.Fprint(w, `{"kind":"PartialObjectMetadataList","apiVersion":"meta.k8s.io/v1","metadata":{"resourceVersion":"7"},"items":[]}`)
			return
		}
		mu.Lock()
		watches[r.URL.Query().Get("resourceVersion")]++
		n := watches["7"]
		mu.Unlock()
		if n == 1 {
			fmt.Fprint(w, `{"type":"ERROR","object":{"kind":"Status","apiVersion":"v1","status":"Failure","message":"too old","reason":"Expired","code":410}}`)
			return
		}
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}))
	defer server.Close()
	log := new(lines)
	c, err := rest.NewClient(&rest.Config{Host: server.URL, Logger: slog.New(slog.NewTextHandler(log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	d := dropped{calls: make(chan struct{}, 10)}
	done := make(chan error, 1)
	go func() { done <- Watch(ctx, c, d) }()
	select {
	case <-d.calls:
	case <-time.After(time.Minute):
		t.Error("nothing was dropped after 410")
	}
	cancel(errors.New("enough"))
	if err := <-done; !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "enough") {
		t.Errorf("Watch ended with %v", err)
	}
	for _, want := range []string{"customresourcedefinitions", "too old", "apiservices", "not for you", "again in"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %q:\n%s", want, log)
		}
	}
}
