package election_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/election"
	"github.com/skiff-k8s/skiff/faults"
	"github.com/skiff-k8s/skiff/rest"
)

// A leader whose renewals fail writes until RenewDeadline after it sent the last one, not a
// nanosecond longer; its context ends then.
func TestTheFenceFallsAtRenewDeadline(t *testing.T) {
	for _, test := range []struct {
		age  time.Duration
		sent bool
	}{{10*time.Second - 1, true}, {10 * time.Second, false}, {10*time.Second + 1, false}} {
		synctest.Test(t, func(t *testing.T) {
			layer := faults.NewLayer(faults.NewStore())
			srv := faults.Start(t, layer, faults.Options{})
			log := faults.NewLog()
			r := run(t, configOf(srv, log), options("a"))
			leading := <-r.leads
			renewed := r.Status().Renewed
			layer.SetRules(faults.Rule{Path: "/apis/coordination", Do: faults.Status(500)})
			time.Sleep(time.Until(renewed.Add(test.age)))
			err := r.create()
			var refused *election.NotLeadingError
			if test.sent && err != nil || !test.sent && !errors.As(err, &refused) {
				t.Errorf("at %v: %v", test.age, err)
			}
			if !test.sent && (refused.Lease != "ns/lock" || refused.Age != test.age && refused.Age != 0 || refused.RenewDeadline != 10*time.Second ||
				strings.Contains(err.Error(), "may have carried out") || strings.Contains(err.Error(), "sent 4 times")) {
				t.Errorf("%+v: %v", refused, err)
			}
			if err := r.Leading(); (err == nil) != test.sent {
				t.Errorf("Leading at %v: %v", test.age, err)
			}
			synctest.Wait()
			if ended := leading.Err() != nil; ended == test.sent {
				t.Errorf("at %v the leading context has ended: %v", test.age, ended)
			}
			var lost *election.LostError
			if err := r.end(); (errors.As(err, &lost)) == test.sent {
				t.Errorf("Run: %v", err)
			} else if !test.sent && (context.Cause(leading) != lost || lost.Err == nil || lost.Age < 10*time.Second || lost.Holder != "") {
				t.Errorf("%+v, and the context's cause is %v", lost, context.Cause(leading))
			}
		})
	}
}

// Before and after its term a process writes nothing; what changes nothing passes at any time.
func TestWhatTheFenceRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := faults.NewStore()
		layer := faults.NewLayer(store)
		srv := faults.Start(t, layer, faults.Options{})
		cfg := configOf(srv, faults.NewLog())
		e := must(election.New(cfg, options("a")))(t)
		c := must(rest.NewClient(e.Fence(cfg)))(t)
		defer c.CloseIdleConnections()
		body := configMap("x")
		for _, test := range []struct {
			name    string
			request *rest.Request
			refused bool
		}{
			{"get", c.Get().Namespace("ns").Resource("configmaps").Name("a"), false},
			{"list", c.Get().Namespace("ns").Resource("configmaps"), false},
			{"head", c.Verb("HEAD").Resource("nodes"), false},
			{"create", c.Post().Namespace("ns").Resource("configmaps").Body(body), true},
			{"update", c.Put().Namespace("ns").Resource("configmaps").Name("a").Body(body), true},
			{"patch", c.Patch(types.MergePatchType).Namespace("ns").Resource("configmaps").Name("a").Body([]byte("{}")), true},
			{"delete", c.Delete().Namespace("ns").Resource("configmaps").Name("a"), true},
			{"delete all", c.Delete().Namespace("ns").Resource("configmaps"), true},
			{"any method", c.Verb("MERGE").Resource("nodes"), true},
			{"another path", c.Post().AbsPath("/elsewhere"), true},
			{"through a proxy", c.Post().Namespace("ns").Resource("services").Name("a").SubResource("proxy", "x"), true},
			{"a Lease", c.Put().AbsPath("/apis/coordination.k8s.io/v1/namespaces/ns/leases/other").Body([]byte("{}")), true},
			{"a token", c.Post().Namespace("ns").Resource("serviceaccounts").Name("a").SubResource("token").Body([]byte("{}")), true},
			{"TokenReview", c.Post().AbsPath("/apis/authentication.k8s.io/v1/tokenreviews").Body([]byte("{}")), false},
			{"SubjectAccessReview", c.Post().AbsPath("/apis/authorization.k8s.io/v1/subjectaccessreviews").Body([]byte("{}")), false},
		} {
			before := len(layer.Requests())
			err := test.request.Do(t.Context()).Error()
			var refused *election.NotLeadingError
			if errors.As(err, &refused) != test.refused || (len(layer.Requests()) == before) != test.refused {
				t.Errorf("%s: %v", test.name, err)
			}
			if test.refused && !strings.Contains(err.Error(), "this process does not hold the Lease ns/lock") {
				t.Error(err)
			}
		}
		if _, err := c.Get().Namespace("ns").Resource("pods").Name("a").SubResource("exec").Upgrade(t.Context(), http.Header{"Connection": {"Upgrade"}, "Upgrade": {"SPDY/3.1"}}); !errors.As(err, new(*election.NotLeadingError)) {
			t.Errorf("exec: %v", err)
		}
	})
}

// Each write tells the server how long it has, and is given up then. Reads are as they were.
func TestWritesHaveAnEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		layer := faults.NewLayer(faults.NewStore())
		srv := faults.Start(t, layer, faults.Options{})
		r := run(t, configOf(srv, faults.NewLog()), options("a"))
		<-r.leads
		c := r.client
		timeout := func(rq *rest.Request) string {
			t.Helper()
			_ = rq.Do(t.Context()).Error()
			all := layer.Requests()
			return all[len(all)-1].Query.Get("timeout")
		}
		maps := func(rq *rest.Request) *rest.Request {
			return rq.Namespace("ns").Resource("configmaps")
		}
		for _, test := range []struct {
			request *rest.Request
			want    string
		}{
			{maps(c.Post()).Body(configMap("x")), "5s"},
			{maps(c.Post()).Body(configMap("x")).Timeout(time.Minute), "5s"},
			{maps(c.Post()).Body(configMap("x")).Timeout(5*time.Second + 1), "5s"},
			{maps(c.Post()).Body(configMap("x")).Timeout(5 * time.Second), "5s"},
			{maps(c.Post()).Body(configMap("x")).Timeout(5*time.Second - 1), "4.999999999s"},
			{maps(c.Post()).Body(configMap("x")).Param("timeout", "0"), "5s"},
			{maps(c.Post()).Body(configMap("x")).Param("timeout", "x"), "5s"},
			{maps(c.Delete()).Name("a"), "5s"},
			{maps(c.Get()).Name("a"), ""},
			{c.Post().AbsPath("/elsewhere"), ""},
			{c.Post().Namespace("ns").Resource("services").Name("a").SubResource("proxy"), ""},
		} {
			if got := timeout(test.request); got != test.want {
				t.Errorf("%v: timeout=%s, want %s", must(test.request.URL())(t), got, test.want)
			}
		}

		layer.SetRules(faults.Rule{On: faults.Create, Path: "/api/v1", Do: faults.Hold()})
		began := time.Now()
		err := r.create()
		if took := time.Since(began); took != 5*time.Second || !errors.Is(err, context.DeadlineExceeded) ||
			!strings.Contains(err.Error(), "within 5s, which a write of a leader has") || !strings.Contains(err.Error(), "may have carried out") {
			t.Errorf("after %v: %v", took, err)
		}
		// What the server has not answered, it may carry out for as long again: until then the
		// Lease is kept.
		stopped := time.Now()
		if err := r.end(); err != nil || time.Since(stopped) != 5*time.Second {
			t.Errorf("Run ended after %v: %v", time.Since(stopped), err)
		}
	})
}

// A write that is under way keeps the Lease; one that was answered does not.
func TestReleaseWaitsForWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := faults.NewStore()
		layer := faults.NewLayer(store)
		srv := faults.Start(t, layer, faults.Options{})
		r := run(t, configOf(srv, faults.NewLog()), options("a"))
		<-r.leads
		layer.SetRules(faults.Rule{On: faults.Create, Path: "/api/v1", Do: faults.Delay(3 * time.Second)})
		go func() {
			if err := r.create(); err != nil {
				t.Error(err)
			}
		}()
		synctest.Wait()
		stopped := time.Now()
		r.stop()
		synctest.Wait()
		if err := r.create(); !errors.As(err, new(*election.NotLeadingError)) {
			t.Errorf("a write after the end: %v", err)
		} else if !strings.Contains(err.Error(), "the term of this process has ended: it gives the Lease ns/lock up") {
			t.Errorf("the text of a write's error while the Lease is given up: %v", err)
		}
		time.Sleep(3*time.Second - 1)
		if holderOf(storedLease(t, store)) != "a" {
			t.Error("released while a write is under way")
		}
		if err := <-r.ended; err != nil || time.Since(stopped) != 3*time.Second || holderOf(storedLease(t, store)) != "" {
			t.Errorf("after %v: %v, %+v", time.Since(stopped), err, storedLease(t, store).Spec)
		}
	})
}

// The look is directly before the send: a connection that takes long to be made, another wrapper
// that waits and a body that is slow do not let a write pass.
func TestTheLookIsTheLastStep(t *testing.T) {
	for name, spoil := range map[string]func(cfg *rest.Config, wait func()){
		"a wrapper": func(cfg *rest.Config, wait func()) {
			cfg.Wrap(func(next http.RoundTripper) http.RoundTripper {
				return roundTripper(func(req *http.Request) (*http.Response, error) {
					if req.Method != http.MethodGet {
						wait()
					}
					return next.RoundTrip(req)
				})
			})
		},
		"a connection": func(cfg *rest.Config, wait func()) {
			dial := cfg.Dial
			cfg.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
				wait()
				return dial(ctx, network, addr)
			}
		},
		"a rate limiter": func(cfg *rest.Config, wait func()) { cfg.RateLimiter = limiter(wait) },
	} {
		for _, verb := range []string{"create", "delete"} {
			for _, http2 := range []bool{false, true} {
				synctest.Test(t, func(t *testing.T) {
					layer := faults.NewLayer(faults.NewStore())
					srv := faults.Start(t, layer, faults.Options{TLS: http2})
					cfg := configOf(srv, faults.NewLog())
					r := run(t, cfg, options("a"))
					<-r.leads
					renewed := r.Status().Renewed
					spoiled := cfg.Copy()
					spoil(spoiled, func() { time.Sleep(time.Until(renewed.Add(10*time.Second + time.Millisecond))) })
					c := must(rest.NewClient(r.Fence(spoiled)))(t)
					defer c.CloseIdleConnections()
					layer.SetRules(faults.Rule{Path: "/apis/coordination", Do: faults.Status(500)})
					time.Sleep(8 * time.Second)
					var err error
					if maps := client.Of[corev1.ConfigMap](c).In("ns"); verb == "create" {
						_, err = maps.Create(context.Background(), configMap("x"), metav1.CreateOptions{})
					} else {
						err = maps.Delete(context.Background(), "x", metav1.DeleteOptions{})
					}
					if !errors.As(err, new(*election.NotLeadingError)) {
						t.Errorf("%s, %s: %v", name, verb, err)
					}
					for _, rq := range layer.Requests() {
						if strings.HasPrefix(rq.Path, "/api/v1") && rq.Code/100 == 2 {
							t.Errorf("%s, %s: sent: %v", name, verb, rq)
						}
					}
					r.end()
					time.Sleep(time.Second) // connections that are reset wait for an alert
				})
			}
		}
	}
}

type limiter func()

func (l limiter) Wait(context.Context) error { l(); return nil }

// The fence is below the wrappers of the configuration, however its Host is written, and does not
// change the configuration that it copies.
func TestFenceKeepsTheConfig(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		layer := faults.NewLayer(faults.NewStore())
		srv := faults.Start(t, http.StripPrefix("/clusters/a", layer), faults.Options{})
		cfg := configOf(srv, faults.NewLog())
		cfg.Host += "/clusters/a/"
		wrapped := 0
		cfg.Wrap(func(next http.RoundTripper) http.RoundTripper {
			return roundTripper(func(req *http.Request) (*http.Response, error) {
				wrapped++
				return next.RoundTrip(req)
			})
		})
		e := must(election.New(cfg, options("a")))(t)
		c := must(rest.NewClient(e.Fence(cfg)))(t)
		defer c.CloseIdleConnections()
		for _, rq := range []*rest.Request{
			c.Post().Namespace("ns").Resource("configmaps").Body(configMap("x")),
			c.Post().AbsPath("/apis/authentication.k8s.io/v1/tokenreviews").Body([]byte("{}")),
		} {
			_ = rq.Do(t.Context()).Error()
		}
		if wrapped != 2 || len(layer.Requests()) != 1 {
			t.Errorf("%d requests passed the wrapper, and came: %v", wrapped, layer.Requests())
		}
		plain := must(rest.NewClient(cfg))(t)
		defer plain.CloseIdleConnections()
		if err := plain.Post().Namespace("ns").Resource("configmaps").Body(configMap("x")).Do(t.Context()).Error(); err != nil {
			t.Errorf("the client that is not fenced: %v", err)
		}
	})
	e := must(election.New(&rest.Config{Host: "server.example"}, options("a")))(t)
	if _, err := rest.NewClient(e.Fence(&rest.Config{Host: "%"})); err == nil {
		t.Errorf("a Host that is none: %v", err)
	}
}
