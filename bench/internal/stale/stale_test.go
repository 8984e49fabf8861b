package stale

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/faults"
)

func TestMain(m *testing.M) { controlplane.Main(m) }

// A controller on client-go's parts doubles children; the same one on skiff does what is needed. A second
// side that did nothing more than that would mean that the delay does not work.
func TestOwnWrites(t *testing.T) {
	controlplane.Binary(t)
	clientGo := sides[0].name
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	b := &Bench{Parents: 2, Lag: 500 * time.Millisecond, Progress: t.Output(), only: []string{clientGo, "skiff"}}
	if err := b.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if missed := b.Missed(); len(missed) > 0 {
		t.Errorf("%s", strings.Join(missed, "\n"))
	}
	text := b.Section("a machine", time.Now())
	for _, r := range b.Results {
		if r.Side == clientGo && r.Up.Created <= first*b.Parents {
			t.Errorf("client-go created %d children: the watch was not delayed", r.Up.Created)
		}
		if !strings.Contains(text, r.row()) {
			t.Errorf("the section has no row of %s:\n%s", r.Side, text)
		}
	}
	if len(b.Results) != 2 {
		t.Errorf("%d results", len(b.Results))
	}
}

// What was not needed is found, in each figure.
func TestMissed(t *testing.T) {
	good := Result{"skiff", Phase{2, 0, time.Second, true}, Phase{0, 1, time.Second, true}}
	for name, change := range map[string]func(*Result){
		"":              func(*Result) {},
		"one more":      func(r *Result) { r.Up.Created++ },
		"a deletion":    func(r *Result) { r.Up.Deleted++ },
		"a creation":    func(r *Result) { r.Down.Created++ },
		"one less":      func(r *Result) { r.Down.Deleted-- },
		"no rest":       func(r *Result) { r.Up.AtRest = false },
		"no rest, then": func(r *Result) { r.Down.AtRest = false },
	} {
		r := good
		change(&r)
		b := &Bench{Parents: 1, Results: []Result{{Side: "another"}, r}}
		if got := len(b.Missed()); (got == 1) != (name != "") {
			t.Errorf("%s: %d missed", name, got)
		}
	}
}

// Each piece comes the delay after it was sent, and the delays do not add up.
func TestLag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := faults.Start(t, lag(time.Second).Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			for range 3 {
				_, _ = io.WriteString(w, "x")
				_ = http.NewResponseController(w).Flush()
				time.Sleep(100 * time.Millisecond)
			}
			<-r.Context().Done()
		})), faults.Options{})
		transport := server.Transport()
		defer transport.CloseIdleConnections()
		began := time.Now()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL(), nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := transport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range []time.Duration{1000, 1100, 1200} {
			if _, err := resp.Body.Read(make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
			if got := time.Since(began); got != at*time.Millisecond {
				t.Errorf("a piece came after %s, want %d ms", got, at)
			}
		}
		_ = resp.Body.Close()
	})
}
