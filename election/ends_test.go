package election_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/skiff-k8s/skiff/election"
	"github.com/skiff-k8s/skiff/faults"
)

// The token of a term is greater than those of all terms before, also if the Lease was deleted.
func TestToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := faults.NewStore()
		layer := faults.NewLayer(store)
		srv := faults.Start(t, layer, faults.Options{})
		var last uint64
		for n, identity := range []string{"a", "b", "a", "c"} {
			if n == 2 {
				store.Remove(leaseKind, "ns", "lock")
			}
			r := run(t, configOf(srv, faults.NewLog()), options(identity))
			if s := r.Status(); s.Token != 0 && !s.Leading {
				t.Errorf("%s has a token before it leads: %+v", identity, s)
			}
			<-r.leads
			token := r.Status().Token
			if token <= last {
				t.Errorf("term %d of %s: the token %d, after %d", n, identity, token, last)
			}
			last = token
			time.Sleep(time.Minute)
			if now := r.Status().Token; now != token {
				t.Errorf("term %d of %s: the token %d became %d", n, identity, token, now)
			}
			if err := r.end(); err != nil || r.Status().Token != 0 {
				t.Errorf("after the term: %v, %+v", err, r.Status())
			}
		}
		layer.SetRules(faults.Rule{Do: faults.All(opaqueInBodies, faults.OpaqueVersions())})
		r := run(t, configOf(srv, faults.NewLog()), options("d"))
		time.Sleep(time.Minute)
		if s := r.Status(); s.Token != 0 || !s.Leading {
			t.Errorf("versions that are no numbers: %+v", s)
		}
		_ = r.end()
	})
}

// opaqueInBodies takes back in bodies what OpaqueVersions makes.
var opaqueInBodies = faults.NewFault("opaque versions in bodies", func(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		body = bytes.ReplaceAll(body, []byte(`"opaque-`), []byte(`"`))
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		next.ServeHTTP(w, r)
	})
})

// asTheServer refuses an update of a Lease without a resourceVersion, as kube-apiserver does.
var asTheServer = faults.NewFault("422 without a version", func(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || !bytes.Contains(body, []byte(`"resourceVersion"`)) {
			faults.Status(422).Handler(nil).ServeHTTP(w, r)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		next.ServeHTTP(w, r)
	})
})

// The Lease is released also if the answer to its creation was lost just before.
func TestReleaseOfALeaseThatWasCreatedUnheard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := faults.NewStore()
		layer := faults.NewLayer(store)
		srv := faults.Start(t, layer, faults.Options{})
		log := faults.NewLog()
		r := run(t, configOf(srv, log), options("a"))
		<-r.leads
		layer.SetRules(faults.Rule{On: faults.Create, Times: 1, Do: faults.CloseAfter()},
			faults.Rule{On: faults.Update, Do: asTheServer})
		store.Remove(leaseKind, "ns", "lock")
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if l := storedLease(t, store); holderOf(l) != "a" || r.Status().Err == nil {
			t.Fatalf("the Lease was not created unheard: %+v, %+v", l, r.Status())
		}
		if err := r.end(); err != nil || holderOf(storedLease(t, store)) != "" {
			t.Errorf("%v, %+v\n%s", err, storedLease(t, store).Spec, log)
		}
	})
}

// A process that is ended while it takes the Lease does not keep it, whether it hears of that or not.
func TestTheEndWhileTheLeaseIsTaken(t *testing.T) {
	for name, test := range map[string]struct {
		verb   faults.Verb
		do     faults.Fault
		after  time.Duration // the end
		within time.Duration // Run returns
		keep   bool
		holder string
	}{
		"a slow answer":             {faults.Create, faults.Delay(3 * time.Second), time.Second, 2 * time.Second, false, ""},
		"a slow answer, kept":       {faults.Create, faults.Delay(3 * time.Second), time.Second, 2 * time.Second, true, "a"},
		"a slow answer to a change": {faults.Update, faults.Delay(3 * time.Second), time.Second, 2 * time.Second, false, ""},
		"no answer":                 {faults.Create, faults.Hold(), time.Second, 4 * time.Second, false, ""},
		"an answer that is lost":    {faults.Create, faults.CloseAfter(), time.Millisecond, time.Second, false, ""},
		"a lost one of a change":    {faults.Update, faults.CloseAfter(), time.Millisecond, time.Second, false, ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			store := faults.NewStore()
			if test.verb == faults.Update {
				must(store.Put(`{"apiVersion":"coordination.k8s.io/v1","kind":"Lease","metadata":{"namespace":"ns","name":"lock"}}`))(t)
			}
			layer := faults.NewLayer(store, faults.Rule{On: test.verb, Times: 1, Do: test.do})
			srv := faults.Start(t, layer, faults.Options{})
			log := faults.NewLog()
			o := options("a")
			o.KeepLease = test.keep
			r := run(t, configOf(srv, log), o)
			time.Sleep(test.after)
			began := time.Now()
			if err := r.end(); err != nil || time.Since(began) > test.within {
				t.Errorf("%s: Run ended after %v: %v", name, time.Since(began), err)
			}
			select {
			case <-r.leads:
				t.Errorf("%s: the leading function was called", name)
			default:
			}
			if l := storedLease(t, store); holderOf(l) != test.holder {
				t.Errorf("%s: %+v\n%s", name, l, log)
			}
			time.Sleep(time.Minute) // a request that is given up
		})
	}
}

// A process that has taken the Lease by a request whose answer was lost, and whose next request is
// refused, gives it back when it is ended then.
func TestTheEndAfterALostAnswerAndARefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := faults.NewStore()
		must(store.Put(`{"apiVersion":"coordination.k8s.io/v1","kind":"Lease","metadata":{"namespace":"ns","name":"lock"}}`))(t)
		layer := faults.NewLayer(store, faults.Rule{On: faults.Update, Times: 1, Do: faults.CloseAfter()},
			faults.Rule{On: faults.Update, Times: 1, Do: faults.Status(500)})
		srv := faults.Start(t, layer, faults.Options{})
		log := faults.NewLog()
		r := run(t, configOf(srv, log), options("a"))
		time.Sleep(2300 * time.Millisecond) // the second request comes after 0.9 to 2 s, a third after 2.7
		if l := storedLease(t, store); holderOf(l) != "a" {
			t.Fatalf("the first request was not carried out: %+v", l)
		}
		if err := r.end(); err != nil {
			t.Error(err)
		}
		if l := storedLease(t, store); holderOf(l) != "" {
			t.Errorf("%+v\n%s", l, log)
		}
		time.Sleep(time.Minute)
	})
}

// A request that is carried out after its process has given it up and sent another makes that process
// lead, by the one or the other.
func TestARequestThatIsCarriedOutLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := faults.NewStore()
		must(store.Put(`{"apiVersion":"coordination.k8s.io/v1","kind":"Lease","metadata":{"namespace":"ns","name":"lock"}}`))(t)
		// Carries a request out, whether its client still waits or not.
		late := func(after time.Duration) faults.Fault {
			return faults.NewFault("late", func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					body, err := io.ReadAll(r.Body)
					if err != nil {
						t.Error(err)
					}
					r = r.WithContext(context.WithoutCancel(r.Context()))
					r.Body = io.NopCloser(bytes.NewReader(body))
					time.Sleep(after)
					next.ServeHTTP(w, r)
				})
			})
		}
		layer := faults.NewLayer(store, faults.Rule{On: faults.Update, Times: 1, Do: late(6 * time.Second)},
			faults.Rule{On: faults.Update, Times: 1, Do: late(2 * time.Second)})
		srv := faults.Start(t, layer, faults.Options{})
		log := faults.NewLog()
		r := run(t, configOf(srv, log), options("a"))
		began := time.Now()
		<-r.leads
		if took := time.Since(began); took > 12*time.Second {
			t.Errorf("it leads after %v\n%s", took, log)
		}
		if err := r.end(); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Minute)
	})
}

// A write without a limit, such as one through a proxy to a Service, is waited for as long as another
// write may take, not longer. Until then it may have its answer.
func TestReleaseDoesNotWaitForEver(t *testing.T) {
	for _, test := range []struct {
		answer time.Duration // after the end
		kept   time.Duration // the Lease, after the end
		fails  bool
	}{{5*time.Second - 1, 5*time.Second - 1, false}, {time.Hour, 10 * time.Second, true}} {
		synctest.Test(t, func(t *testing.T) {
			store := faults.NewStore()
			layer := faults.NewLayer(store)
			srv := faults.Start(t, layer, faults.Options{})
			r := run(t, configOf(srv, faults.NewLog()), options("a"))
			<-r.leads
			layer.SetRules(faults.Rule{Path: "/api/v1/namespaces/ns/services", Do: faults.All(faults.Delay(test.answer), faults.JSON("{}"))})
			answered := make(chan error, 1)
			go func() {
				answered <- r.client.Post().Namespace("ns").Resource("services").Name("a").SubResource("proxy").
					MaxRetries(-1).Do(context.Background()).Error()
			}()
			synctest.Wait()
			stopped := time.Now()
			if err := r.end(); err != nil || time.Since(stopped) != test.kept || holderOf(storedLease(t, store)) != "" {
				t.Errorf("Run ended after %v: %v, %+v", time.Since(stopped), err, storedLease(t, store).Spec)
			}
			var refused *election.NotLeadingError
			if err := <-answered; errors.As(err, &refused) != test.fails || !test.fails && err != nil {
				t.Errorf("answered after %v: %v", test.answer, err)
			}
			time.Sleep(2 * time.Hour) // the server's handler
		})
	}
}

// While a machine is suspended its monotonic clock stands still, and the wall clock does not. Writes are
// refused then until a renewal has succeeded. A wall clock that is set forward costs as much, and one
// that is set back nothing.
func TestTheWallClock(t *testing.T) {
	for _, test := range []struct {
		jump    time.Duration
		refused bool
	}{{-time.Hour, false}, {8*time.Second - 1, false}, {8 * time.Second, true}, {24 * time.Hour, true}} {
		synctest.Test(t, func(t *testing.T) {
			store := faults.NewStore()
			srv := faults.Start(t, store, faults.Options{})
			e := must(election.New(configOf(srv, faults.NewLog()), options("a")))(t)
			var offset atomic.Int64
			e.SetWall(func() time.Time { return time.Now().Add(time.Duration(offset.Load())) })
			r := runElector(t, configOf(srv, faults.NewLog()), e)
			leading := <-r.leads
			layer := time.Until(r.Status().Renewed.Add(2*time.Second - 1)) // just before the next renewal
			time.Sleep(layer)
			offset.Store(int64(test.jump))
			offset.Add(1)
			err := r.create()
			var refused *election.NotLeadingError
			if errors.As(err, &refused) != test.refused || !test.refused && err != nil {
				t.Fatalf("the wall clock jumps by %v: %v", test.jump, err)
			}
			if test.refused && (refused.Age != 2*time.Second+test.jump || refused.Ended || !strings.Contains(err.Error(), "was renewed")) {
				t.Errorf("%+v: %v", refused, err)
			}
			if s := r.Status(); s.Leading == test.refused || leading.Err() != nil || e.Check(0) != nil {
				t.Errorf("%+v, %v, %v", s, leading.Err(), e.Check(0))
			}
			time.Sleep(time.Nanosecond)
			synctest.Wait() // the renewal
			if err := r.create(); err != nil || leading.Err() != nil {
				t.Errorf("after a renewal: %v, %v", err, leading.Err())
			}
			if err := r.end(); err != nil {
				t.Error(err)
			}
		})
	}
}

// An OnNewLeader that keeps what it was called with.
type heard struct {
	mu  sync.Mutex
	all []string
}

func (h *heard) note(identity string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all = append(h.all, identity)
}

func (h *heard) String() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return strings.Join(h.all, " ")
}
