package faults_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skiff-k8s/skiff/faults"
)

// seen is what a plain client sees of an exchange.
type seen struct {
	code   int
	header http.Header
	proto  string
	body   string // at most 1 MiB of it
	err    error  // of the request, or of the body
	took   time.Duration
}

// see sends a GET whose client gives up after a minute.
func see(t *testing.T, c *http.Client, url string) (s seen) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	began := time.Now()
	defer func() { s.took = time.Since(began) }()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer s3cret+/token")
	resp, err := c.Do(req)
	if err != nil {
		return seen{err: err}
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	return seen{code: resp.StatusCode, header: resp.Header, proto: resp.Proto, body: string(body), err: err}
}

const (
	list      = maps + "?limit=500"
	watch     = maps + "?watch=true&timeoutSeconds=30"
	watchList = maps + "?watch=true&timeoutSeconds=40&allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan"
)

// Each fault does what it says to what a plain client of net/http sees: in memory and on a port, on
// HTTP/1.1 and HTTP/2 where it can.
func TestEachFaultOnTheWire(t *testing.T) {
	timeout := func(s seen) bool { return errors.Is(s.err, context.DeadlineExceeded) && s.took == time.Minute }
	broken := func(s seen) bool {
		return s.err != nil && !errors.Is(s.err, context.DeadlineExceeded) && s.took < time.Minute
	}
	has := func(code int, texts ...string) func(seen) bool {
		return func(s seen) bool {
			for _, text := range texts {
				if !strings.Contains(s.body, text) {
					return false
				}
			}
			return s.err == nil && s.code == code
		}
	}
	lacks := func(texts ...string) func(seen) bool {
		return func(s seen) bool {
			for _, text := range texts {
				if strings.Contains(s.body, text) {
					return false
				}
			}
			return s.err == nil && s.code == 200 && s.body != ""
		}
	}
	both := func(checks ...func(seen) bool) func(seen) bool {
		return func(s seen) bool {
			for _, check := range checks {
				if !check(s) {
					return false
				}
			}
			return true
		}
	}
	header := func(key, value string) func(seen) bool {
		return func(s seen) bool { return s.header.Get(key) == value }
	}
	for _, c := range []struct {
		fault faults.Fault
		ask   string
		right func(seen) bool
	}{
		{faults.Fault{}, list, has(200, `"kind":"ConfigMapList"`, `"name":"a"`)},
		{faults.Hold(), list, timeout},
		{faults.Hold(), watch, timeout},
		{faults.Freeze(), list, timeout},
		{faults.Stall(0), list, func(s seen) bool { return timeout(s) && s.code == 200 && s.body == "" }},
		{faults.Stall(10), list, func(s seen) bool { return timeout(s) && s.body == `{"kind":"C` }},
		{faults.Stall(1 << 20), list, has(200, `"name":"a"`)},
		{faults.Stall(150), watch, func(s seen) bool { return timeout(s) && len(s.body) == 150 }},
		{faults.Delay(20 * time.Second), list, both(has(200, `"name":"a"`), func(s seen) bool { return s.took == 20*time.Second })},
		{faults.Close(), list, func(s seen) bool { return broken(s) && s.code == 0 }},
		{faults.CloseAfter(), list, func(s seen) bool { return broken(s) && s.code == 0 }},
		{faults.Reset(), list, func(s seen) bool { return broken(s) && s.code == 0 }},
		{faults.Cut(0), list, func(s seen) bool { return broken(s) && s.body == "" }},
		{faults.Cut(10), list, func(s seen) bool { return broken(s) && s.body == `{"kind":"C` }},
		{faults.Cut(1 << 20), list, has(200, `"name":"a"`)},
		{faults.Cut(150), watch, func(s seen) bool { return broken(s) && len(s.body) == 150 }},
		{faults.GoAway(), list, has(200, `"name":"a"`)},
		{faults.HTTP10(), list, both(has(200, `"name":"a"`), func(s seen) bool { return s.proto == "HTTP/1.0" })},
		{faults.HTTP10(), watch, both(has(200, `"name":"b"`), func(s seen) bool { return s.took == 30*time.Second })},
		{faults.All(faults.HTTP10(), faults.Cut(10)), list, func(s seen) bool { return s.body == `{"kind":"C` && s.took == 0 }},
		{faults.Repeat(2), watch, func(s seen) bool { return strings.Count(s.body, `"name":"a"`) == 2 }},
		{faults.Repeat(2), list, func(s seen) bool { return strings.Count(s.body, "ConfigMapList") == 2 }},
		{faults.Endless("application/json", `{"kind":"`, "x"), list, func(s seen) bool { return len(s.body) == 1<<20 }},
		{faults.Trickle("application/json", " ", time.Second), list, func(s seen) bool { return timeout(s) && strings.Trim(s.body, " ") == "" && len(s.body) >= 59 }},
		{faults.Gzip(), list, both(header("Content-Encoding", "gzip"), lacks("ConfigMap"))},
		{faults.Gzip(), watch, both(header("Content-Encoding", "gzip"), lacks("ConfigMap"))},
		{faults.Bomb("application/json", "{", 1<<26), list, func(s seen) bool { return s.err == nil && len(s.body) < 1<<17 && len(s.body) > 1<<15 }},
		{faults.Page(503, "Retry-After", "86400"), list, both(has(503, "<html>"), header("Retry-After", "86400"), header("Content-Type", "text/html; charset=utf-8"))},
		{faults.Status(429, faults.RetryAfter(7)), list, both(has(429, `"reason":"TooManyRequests"`, `"retryAfterSeconds":7`), header("Retry-After", "7"))},
		{faults.Status(504, faults.TooLarge()), list, has(504, `"reason":"ResourceVersionTooLarge"`)},
		{faults.Status(500, faults.Reason(""), faults.Message("odd")), list, both(has(500, `"message":"odd"`), func(s seen) bool { return !strings.Contains(s.body, "reason") })},
		{faults.ErrorEvent(410), watch, has(200, `{"type":"ERROR","object":{`, `"code":410`)},
		{faults.Answer(200, "application/json", "null", "X-A", "b"), list, both(has(200, "null"), header("X-A", "b"))},
		{faults.Inject(0, "{}"), watch, func(s seen) bool { return strings.HasPrefix(s.body, `{}{"type":"ADDED"`) }},
		{faults.Inject(1, "{}\n"), watch, has(200, "}\n{}\n{")},
		{faults.NoVersion(), list, both(has(200, `"name":"a"`), func(s seen) bool { return strings.Contains(s.body, `"metadata":{}}`) })},
		{faults.SameContinue("x"), list, has(200, `"continue":"x"`)},
		{faults.NoBookmarks(), watchList, both(has(200, `"name":"a"`), lacks("BOOKMARK"))},
		{faults.NoListEnd(), watchList, both(has(200, "BOOKMARK"), lacks("initial-events-end"))},
		{faults.ListEndWithoutVersion(), watchList, both(has(200, `"BOOKMARK"`), func(s seen) bool {
			return strings.Contains(s.body, `"metadata":{"annotations":{"k8s.io/initial-events-end":"true"}}`)
		})},
		{faults.NoNames(), list, both(has(200, `"items":[{`), lacks(`"name"`))},
		{faults.NoNames(), watch, both(has(200, "ADDED"), lacks(`"name"`))},
		{faults.WrongKind("v1", "Secret"), list, both(has(200, `"kind":"Secret"`), lacks(`"kind":"ConfigMap"`))},
		{faults.WrongKind("v1", "Secret"), watch, both(has(200, `"kind":"Secret"`), lacks(`"kind":"ConfigMap"`))},
		{faults.OpaqueVersions(), list, has(200, `"resourceVersion":"opaque-101"`)},
		{faults.OpaqueVersions(), watch + "&resourceVersion=opaque-101", both(has(200, `"resourceVersion":"opaque-102"`), lacks(`"name":"a"`))},
	} {
		for how, o := range map[string]faults.Options{"HTTP1": {}, "HTTP2": {TLS: true}} {
			if strings.Contains(c.fault.String(), "HTTP/1.0") && o.TLS {
				continue
			}
			t.Run(fmt.Sprintf("%s/%s/%s", c.fault, how, faultsVerb(c.ask)), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					store := faults.NewStore()
					for _, name := range []string{"a", "b"} {
						if _, err := store.Put(faults.ConfigMap(name, "", "")); err != nil {
							t.Fatal(err)
						}
					}
					layer := faults.NewLayer(store, faults.Rule{Do: c.fault})
					server := faults.Start(t, layer, o)
					client := &http.Client{Transport: server.Transport()}
					if s := see(t, client, server.URL()+c.ask); !c.right(s) {
						t.Errorf("a plain client saw %d after %s, %v, %v:\n%.2000s", s.code, s.took, s.header, s.err, s.body)
					}
					if got := layer.Requests(); len(got) == 0 || got[0].Fault != c.fault.String() && c.fault.String() != "none" {
						t.Errorf("recorded were %v", got)
					}
					layer.SetRules() // health
					if s := see(t, client, server.URL()+list); c.fault.String() != "freeze" && !has(200, `"name":"b"`)(s) {
						t.Errorf("without the fault it is %d, %v:\n%.2000s", s.code, s.err, s.body)
					}
				})
			})
		}
	}
}

func faultsVerb(url string) string {
	r, _ := http.NewRequest(http.MethodGet, url, nil)
	return faults.VerbOf(r).String()
}

// A reset is one to net/http, in memory and on a port.
func TestAResetIsOne(t *testing.T) {
	for _, loopback := range []bool{false, true} {
		server := faults.Start(t, faults.NewLayer(faults.NewStore(), faults.Rule{Do: faults.Reset()}), faults.Options{Loopback: loopback})
		if s := see(t, &http.Client{Transport: server.Transport()}, server.URL()+list); !errors.Is(s.err, syscall.ECONNRESET) {
			t.Errorf("loopback %t: %v", loopback, s.err)
		}
	}
}

// What a network does to a server, done to all connections at once.
func TestTheNetwork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := faults.Start(t, faults.NewStore(), faults.Options{TLS: true})
		client := &http.Client{Transport: server.Transport()}
		well := func() {
			t.Helper()
			if s := see(t, client, server.URL()+list); s.err != nil || s.code != 200 {
				t.Fatalf("%d, %v", s.code, s.err)
			}
		}
		well()
		server.Refuse(true)
		synctest.Wait() // the client has noticed that its connection is gone
		if s := see(t, client, server.URL()+list); !errors.Is(s.err, syscall.ECONNREFUSED) {
			t.Errorf("refused: %v", s.err)
		}
		server.Refuse(false)
		well()
		server.Freeze(true)
		if s := see(t, client, server.URL()+list); !errors.Is(s.err, context.DeadlineExceeded) {
			t.Errorf("frozen: %v", s.err)
		}
		server.Freeze(false)
		well()
		server.Disconnect()
		synctest.Wait()
		well()
	})
}
