package faults_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/skiff-k8s/skiff/faults"
)

const secret = "s3cret+/token"

// bad are scenarios that have to fail, each with a part of the message.
var bad = map[string]struct {
	scenario faults.Scenario
	test     func(r *faults.Run)
	message  string
}{
	"too many requests": {faults.Scenario{Requests: 1}, func(r *faults.Run) {
		ask(r)
		time.Sleep(time.Minute)
		ask(r)
	}, "2 requests, the limit is 1"},
	"too many in a second": {faults.Scenario{}, func(r *faults.Run) {
		for range 11 {
			ask(r)
		}
	}, "11 requests within a second, the limit is 10"},
	"too much memory": {faults.Scenario{Memory: 1 << 20}, func(r *faults.Run) {
		held = make([]byte, 8<<20)
		for range 20 { // long enough to be seen on the real clock; the bubble's stands still
			held[0] = sha256.Sum256(held)[0]
		}
	}, "the limit is 1048576"},
	"two lines a fault": {faults.Scenario{Rules: []faults.Rule{{Do: faults.Close()}}}, func(r *faults.Run) {
		ask(r)
		r.Log.Logger().Warn("one")
		r.Log.Logger().Warn("two")
	}, "2 lines of the log, the limit is 1"},
	"not said": {faults.Scenario{Says: []string{"retry in"}}, func(r *faults.Run) {}, `"retry in" is in 0 lines`},
	"said twice": {faults.Scenario{Says: []string{"retry in"}, Lines: 2}, func(r *faults.Run) {
		r.Log.Logger().Info("retry in 1s")
		r.Log.Logger().Info("failed", "then", "retry in 2s")
	}, `"retry in" is in 2 lines`},
	"a secret in the log": {faults.Scenario{Secrets: []string{secret}}, func(r *faults.Run) {
		r.Log.Logger().Debug("sent", "header", slog.GroupValue(slog.String("Authorization", "Bearer s3cret%2B%2Ftoken")))
	}, "the secret, as"},
	"a secret in an error": {faults.Scenario{Secrets: []string{secret}}, func(r *faults.Run) {
		r.Found(fmt.Errorf("ask: %w", errors.New("not with "+secret)))
	}, "the secret, as"},
	"a secret in a field": {faults.Scenario{Secrets: []string{secret}}, func(r *faults.Run) {
		r.Found(struct{ token string }{secret})
	}, "the secret, as"},
	"a goroutine in a bubble": {faults.Scenario{}, func(r *faults.Run) {
		go func() { select {} }()
	}, "blocked goroutines remain"},
	"a goroutine in real time": {faults.Scenario{RealTime: true}, func(r *faults.Run) {
		go func() { select {} }()
	}, "goroutines are left"},
}

var held []byte

func ask(r *faults.Run) {
	s := see(r.T, &http.Client{Transport: r.Server.Transport()}, r.Server.URL()+list)
	r.Found(s.err)
}

// Each limit of a scenario fails the test that passes it. The failing tests run in a process of their
// own.
func TestAScenarioFails(t *testing.T) {
	if name := os.Getenv("FAULTS_BAD"); name != "" {
		s := bad[name].scenario
		s.Server = faults.NewStore()
		s.Run(t, bad[name].test)
		return
	}
	for name, c := range bad {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command(os.Args[0], "-test.run=^TestAScenarioFails$", "-test.timeout=60s")
			cmd.Env = append(os.Environ(), "FAULTS_BAD="+name)
			out, err := cmd.CombinedOutput()
			if err == nil || !strings.Contains(string(out), c.message) {
				t.Errorf("%v, want a failure that says %q:\n%s", err, c.message, out)
			}
		})
	}
}

// A scenario within its limits passes, in a bubble and in real time, for every place that a server can
// echo a credential in.
func TestAScenarioPasses(t *testing.T) {
	for _, f := range append(faults.Echoes(), faults.EchoesEncoded()...) {
		faults.Scenario{
			Server: faults.NewStore(), Rules: []faults.Rule{{Do: f}}, Says: []string{"it failed"}, Secrets: []string{secret},
		}.Run(t, func(r *faults.Run) {
			s := see(r.T, &http.Client{Transport: r.Server.Transport(), CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}, r.Server.URL()+list)
			all := fmt.Sprint(s.body, s.header, s.err)
			echoed := false
			for _, form := range faults.Forms(secret) {
				echoed = echoed || strings.Contains(all, form)
			}
			if !echoed {
				r.T.Errorf("%s: nothing is echoed: %s", f, all)
			}
			r.Log.Logger().With("fault", f.String()).WithGroup("g").Warn("it failed", "code", s.code)
		})
	}
	faults.Scenario{Server: faults.NewStore(), RealTime: true, Options: faults.Options{Loopback: true, TLS: true}}.Run(t, func(r *faults.Run) {
		transport := r.Server.Transport()
		if s := see(r.T, &http.Client{Transport: transport}, r.Server.URL()+list); s.code != 200 {
			r.T.Errorf("%d, %v", s.code, s.err)
		}
		transport.CloseIdleConnections()
	})
}

// A rule chooses by verb, path, time, number and a condition of the test's own; the first one wins.
func TestRulesChoose(t *testing.T) {
	faults.Scenario{Server: faults.NewStore(), PerSecond: 20, Rules: []faults.Rule{
		{On: faults.List, Path: maps, Skip: 1, Times: 2, Do: faults.Status(500)},
		{On: faults.List | faults.Get, After: time.Minute, Until: 2 * time.Minute, Do: faults.Status(501)},
		{If: func(r *http.Request) bool { return r.URL.Query().Has("limit") }, Path: "/api/v1/pods", Do: faults.Status(502)},
	}}.Run(t, func(r *faults.Run) {
		client := &http.Client{Transport: r.Server.Transport()}
		codes := func(want string, paths ...string) {
			r.T.Helper()
			var got []string
			for _, path := range paths {
				got = append(got, fmt.Sprint(see(r.T, client, r.Server.URL()+path).code))
			}
			if s := strings.Join(got, " "); s != want {
				r.T.Errorf("the codes are %s, want %s", s, want)
			}
		}
		codes("200 500 500 200 404", maps, maps, maps, maps, maps+"/a")
		codes("200 502", "/api/v1/pods", "/api/v1/pods?limit=1")
		time.Sleep(time.Minute)
		codes("501 501 502", maps, maps+"/a", "/api/v1/pods?watch=true&timeoutSeconds=1&limit=1")
		time.Sleep(time.Minute)
		codes("200 404", maps, maps+"/a")
		want := []string{"0s list " + maps + ": 200", "0s list " + maps + ": 500 (status 500)"}
		for i, q := range r.Layer.Requests()[:2] {
			if q.String() != want[i] {
				r.T.Errorf("request %d is %s, want %s", i, q, want[i])
			}
		}
	})
}
