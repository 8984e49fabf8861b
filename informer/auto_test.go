package informer

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// call is a request that an automatic server got.
type call struct {
	at   time.Duration // since the beginning
	name string
}

// auto is a server that answers by a function, and what it was asked.
type auto struct {
	*script
	began time.Time
	calls []call
}

// serve lets a reflector run against a server that answers by a function, for a time of synctest's
// clock, and then calls check. A reflector never sends more than ten requests in a second.
func serve(t *testing.T, lasts time.Duration, answer func(a *auto, r *scripted, name string), check func(a *auto)) {
	t.Helper()
	serveChanged(t, lasts, nil, answer, check)
}

func serveChanged(
	t *testing.T, lasts time.Duration, change func(*reflector), answer func(a *auto, r *scripted, name string), check func(a *auto),
) {
	t.Helper()
	play(t, change, func(s *script) {
		a := &auto{script: s, began: time.Now()}
		end := time.After(lasts)
		for {
			select {
			case r := <-s.requests:
				name := r.String()
				a.calls = append(a.calls, call{time.Since(a.began), name})
				answer(a, r, name)
				continue
			case <-end:
			}
			break
		}
		synctest.Wait()
		for i := 10; i < len(a.calls); i++ {
			if d := a.calls[i].at - a.calls[i-10].at; d < time.Second {
				t.Fatalf("eleven requests within %v: %v", d, a.calls[i-10:i+1])
			}
		}
		check(a)
	})
}

// now returns how long the server has been up.
func (a *auto) now() time.Duration { return time.Since(a.began) }

// count returns how many requests began with a text, up to a time.
func (a *auto) count(begin string, until time.Duration) (n int) {
	for _, c := range a.calls {
		if c.at < until && strings.HasPrefix(c.name, begin) {
			n++
		}
	}
	return n
}

// syncedAt fails the test unless the sink got a complete list as of a version.
func (a *auto) syncedAt(version string) {
	a.t.Helper()
	want := strings.TrimSpace("end " + version)
	for _, d := range a.deltas() {
		if d == want {
			return
		}
	}
	a.t.Errorf("no list as of %q was completed: %q after %v", version, a.deltas(), a.calls)
}

// wrote fails the test unless one reported error contains all of the texts.
func (a *auto) wrote(texts ...string) {
	a.t.Helper()
	for _, err := range a.errors() {
		all := true
		for _, text := range texts {
			all = all && strings.Contains(err.Error(), text)
		}
		if all {
			return
		}
	}
	a.t.Errorf("no error contains %q: %v", texts, a.errors())
}

// healthy answers a request as a server does that is at a version.
func healthy(r *scripted, name, version string) {
	switch {
	case name == "watch-list":
		r.watch(saidMap("ADDED", "a", "5"), saidListEnd(version))
	case strings.Contains(name, "watch"):
		r.watch()
	default:
		r.list(version, "", mapOf("a", "5"))
	}
}

func statusOfCode(code int, reason string) string {
	return fmt.Sprintf(`{"kind":"Status","code":%d,"apiVersion":"v1","status":"Failure","reason":%q}`, code, reason)
}

// answers are all that a server may say in place of what it was asked for: each status with a Status
// and with the page of a proxy, and bodies that are none.
func answers() map[string]func(*scripted) {
	all := map[string]func(*scripted){
		"HTML with 200":        func(r *scripted) { r.replyAs(200, "text/html", "<html>Welcome</html>") },
		"an empty body":        func(r *scripted) { r.replyAs(200, "application/json", "") },
		"garbage":              func(r *scripted) { r.replyAs(200, "application/json", "}{") },
		"garbage as protobuf":  func(r *scripted) { r.replyAs(200, "application/vnd.kubernetes.protobuf", "k9s!") },
		"JSON of another kind": func(r *scripted) { r.replyAs(200, "application/json", `{"kind":"APIVersions","versions":["v1"]}`) },
		"a Status with 200":    func(r *scripted) { r.replyAs(200, "application/json", statusOfCode(500, "InternalError")) },
		"no answer":            func(r *scripted) { r.hangUp() },
	}
	for code := 400; code <= 599; code++ {
		all[fmt.Sprint("status ", code)] = func(r *scripted) { r.replyAs(code, "application/json", statusOfCode(code, "Scripted")) }
		all[fmt.Sprint("page ", code)] = func(r *scripted) { r.replyAs(code, "text/html", "<html>Sorry</html>") }
	}
	return all
}
