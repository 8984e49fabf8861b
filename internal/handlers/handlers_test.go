package handlers

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

// serve sends a request, and reports whether it was served and not aborted.
func serve(g *Group) (served bool) {
	defer func() {
		if err := recover(); err != nil && err != http.ErrAbortHandler {
			panic(err)
		}
	}()
	g.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
	return true
}

// A handler that begins before Close is waited for, and one that begins later does not run, whenever
// that is.
func TestRequestsAtTheEnd(t *testing.T) {
	for range 2000 {
		synctest.Test(t, func(t *testing.T) {
			var running atomic.Int64
			g := New(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
				running.Add(1)
				running.Add(-1)
			}))
			for range 3 {
				go func() {
					serve(g)
					serve(g)
				}()
			}
			g.Close()
			if n := running.Load(); n != 0 {
				t.Errorf("%d handlers run after Close", n)
			}
			if serve(g) {
				t.Error("a request was served after Close")
			}
		})
	}
}

func TestCloseWaitsForTheLastHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		finish := make(chan struct{})
		g := New(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-finish }))
		for range 2 {
			go serve(g)
		}
		synctest.Wait()
		var closed atomic.Int64
		for range 2 {
			go func() {
				g.Close()
				closed.Add(1)
			}()
		}
		for left := 2; left > 0; left-- {
			synctest.Wait()
			if closed.Load() != 0 {
				t.Fatalf("Close returned while %d handlers run", left)
			}
			finish <- struct{}{}
		}
		synctest.Wait()
		if n := closed.Load(); n != 2 {
			t.Errorf("%d of 2 calls of Close returned when no handler runs", n)
		}
	})
}
