package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/faults"
	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/rest"
)

var configMaps, _ = kind.Of[corev1.ConfigMap]()

// follower takes in what Follow yields, and checks that it makes sense.
type follower struct {
	t      *testing.T
	has    map[string]string // name to uid and version
	events []string
	end    error
}

func (f *follower) take(e client.Event[corev1.ConfigMap]) {
	o := e.Object
	now := string(o.UID) + "@" + o.ResourceVersion
	was, ok := f.has[o.Name]
	f.events = append(f.events, fmt.Sprintf("%s %s %s", e.Type, o.Name, now))
	if o.Kind != "ConfigMap" || o.APIVersion != "v1" || o.Name == "" || e.InitialEventsEnd() {
		f.t.Errorf("the event is %+v", o)
	}
	switch e.Type {
	case client.Added:
		if ok {
			f.t.Errorf("%s was added twice: %q", o.Name, f.events)
		}
		f.has[o.Name] = now
	case client.Modified:
		if uid, _, _ := strings.Cut(was, "@"); !ok || was == now || uid != string(o.UID) {
			f.t.Errorf("%s was modified from %q to %q: %q", o.Name, was, now, f.events)
		}
		f.has[o.Name] = now
	case client.Deleted:
		if uid, _, _ := strings.Cut(was, "@"); !ok || uid != string(o.UID) {
			f.t.Errorf("%s was deleted, and was %q: %q", o.Name, was, f.events)
		}
		delete(f.has, o.Name)
	default:
		f.t.Errorf("an event of type %s", e.Type)
	}
}

// follow follows the config maps of a namespace until the test ends, or stop is called.
func follow(t *testing.T, c *rest.Client, opts metav1.ListOptions) (f *follower, stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	f = &follower{t: t, has: map[string]string{}}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for e, err := range client.Of[corev1.ConfigMap](c).In("ns").Follow(ctx, opts) {
			if f.end = err; err == nil {
				f.take(e)
			}
		}
	}()
	return f, func() { cancel(); <-done }
}

func put(t *testing.T, s *faults.Store, name, uid, value string) {
	t.Helper()
	must(s.Put(&corev1.ConfigMap{TypeMeta: configMapType, ObjectMeta: objectMeta("ns", name, uid), Data: map[string]string{"k": value}}))(t)
}

// Whatever happens to the server, in the end what Follow has told is what the server has.
func TestFollowConverges(t *testing.T) {
	for seed := range uint64(40) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := rand.New(rand.NewPCG(seed, 7))
				store := faults.NewStore()
				for i := range r.IntN(20) {
					put(t, store, fmt.Sprint("m", i), fmt.Sprint("u", i), "0")
				}
				srv := faults.Start(t, store, faults.Options{})
				c := must(rest.NewClient(&rest.Config{Host: srv.URL(), Dial: srv.Dial, Logger: faults.NewLog().Logger()}))(t)
				f, stop := follow(t, c, metav1.ListOptions{Limit: int64(r.IntN(4))})
				backup := store.Snapshot()
				for step := range 60 {
					name := fmt.Sprint("m", r.IntN(20))
					switch r.IntN(14) {
					case 0, 1, 2, 3:
						put(t, store, name, "", fmt.Sprint(step))
					case 4, 5:
						store.Remove(configMaps, "ns", name)
					case 6: // another object of the name
						if store.Remove(configMaps, "ns", name) {
							put(t, store, name, fmt.Sprint("again", step), fmt.Sprint(step))
						}
					case 7:
						store.EndWatches()
					case 8:
						store.Compact()
					case 9:
						store.Restart()
					case 10:
						srv.Disconnect()
					case 11:
						backup = store.Snapshot()
					case 12:
						if r.IntN(3) == 0 {
							store.Restore(backup)
							time.Sleep(2 * time.Minute) // so that it is behind when Follow is back
						}
					case 13:
						srv.Refuse(true)
						time.Sleep(time.Duration(r.IntN(20)) * time.Second)
						srv.Refuse(false)
					}
					if r.IntN(3) == 0 {
						time.Sleep(time.Duration(r.IntN(30)) * time.Second)
					}
				}
				time.Sleep(20 * time.Minute)
				synctest.Wait()
				stop()
				want := map[string]string{}
				for _, data := range store.Objects(configMaps) {
					var o corev1.ConfigMap
					if err := json.Unmarshal(data, &o); err != nil {
						t.Fatal(err)
					}
					want[o.Name] = string(o.UID) + "@" + o.ResourceVersion
				}
				if got, want := fmt.Sprint(f.has), fmt.Sprint(want); got != want {
					t.Errorf("Follow told\n%s, and the server has\n%s:\n%s", got, want, strings.Join(f.events, "\n"))
				}
				if !errors.Is(f.end, context.Canceled) {
					t.Errorf("it ended with %v", f.end)
				}
			})
		})
	}
}

func TestFollowAcrossWhatTheServerHasForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := faults.NewScript(t)
		srv := faults.Start(t, s, faults.Options{})
		log := faults.NewLog()
		c := must(rest.NewClient(&rest.Config{Host: srv.URL(), Dial: srv.Dial, MaxRetries: -1, Logger: log.Logger()}))(t)
		f, stop := follow(t, c, metav1.ListOptions{})
		told := func(want ...string) {
			t.Helper()
			synctest.Wait()
			if got := strings.Join(f.events, ", "); got != strings.Join(want, ", ") {
				t.Fatalf("told is %q, want %q", got, want)
			}
			f.events = nil
		}
		m := faults.ConfigMap
		s.Expect("page most recent").List("10", "next", m("a", "ua", "1"), m("b", "ub", "2"))
		s.Expect("page continue next").List("10", "", m("c", "uc", "3"))
		w := s.Expect("watch 10").Watch()
		told("ADDED a ua@1", "ADDED b ub@2", "ADDED c uc@3")
		w.Say(faults.Event("MODIFIED", m("a", "ua", "11")) + faults.Event("MODIFIED", m("a", "ua", "11")) + // repeated
			faults.Event("DELETED", m("nobody", "un", "12")) + faults.Bookmark("v1", "ConfigMap", "15"))
		told("MODIFIED a ua@11")
		w.Say(faults.ErrorOf(http.StatusGone))
		// While nobody watched: a changed, b went, c was replaced, d came. Without a pause.
		at := time.Now()
		s.Expect("page most recent").List("30", "", m("a", "ua", "21"), m("c", "uc2", "22"), m("d", "ud", "23"))
		if time.Since(at) != 0 {
			t.Errorf("the first list after a 410 came after %v", time.Since(at))
		}
		w = s.Expect("watch 30").Watch()
		told("MODIFIED a ua@21", "DELETED c uc@3", "ADDED c uc2@22", "ADDED d ud@23", "DELETED b ub@2")

		// A clean end in good time needs no list. After an early one the version is checked.
		w.Say(faults.Event("DELETED", m("d", "ud", "31")))
		w.End()
		s.Expect("page most recent").List("31", "next", m("a", "ua", "21"))
		w = s.Expect("watch 31").Watch()
		told("DELETED d ud@31")
		w.Cut()
		// A server restored from a backup is behind.
		s.Expect("page most recent").List("20", "next", m("a", "ua", "11"))
		s.Expect("page most recent").List("20", "", m("a", "ua", "11"), m("b", "ub", "2"))
		w = s.Expect("watch 20").Watch()
		told("MODIFIED a ua@11", "ADDED b ub@2", "DELETED c uc2@22")

		// A refused request is tried ever more rarely; after a success the pauses are short again.
		w.Say(faults.Event("DELETED", m("b", "ub", "21")))
		told("DELETED b ub@21")
		time.Sleep(10 * time.Second) // a watch that lives for a while is a success
		w.Cut()
		var pauses []time.Duration
		for range 8 {
			last := time.Now()
			s.Expect("page most recent").Status(http.StatusForbidden)
			pauses = append(pauses, time.Since(last))
		}
		if pauses[7] < 20*time.Second || pauses[7] > time.Minute || pauses[0] > 2*time.Second {
			t.Errorf("the pauses are %v", pauses)
		}
		s.Expect("page most recent").List("21", "")
		w = s.Expect("watch 21").Watch(faults.Event("MODIFIED", m("a", "ua", "22")))
		told("MODIFIED a ua@22")
		stop()
		<-w.Gone()
		if n := len(log.Lines()); n < 12 || !strings.Contains(log.String(), "restored from a backup") || !strings.Contains(log.String(), "configmaps") {
			t.Errorf("%d lines:\n%s", n, log)
		}
	})
}

func TestFollowEnds(t *testing.T) {
	for code, final := range map[int]bool{400: true, 401: true, 403: true, 404: true, 405: true, 422: true, 429: false, 500: false, 503: false, 410: false} {
		synctest.Test(t, func(t *testing.T) {
			layer := faults.NewLayer(faults.NewStore(), faults.Rule{Times: 1, Do: faults.Status(code)})
			srv := faults.Start(t, layer, faults.Options{})
			c := must(rest.NewClient(&rest.Config{Host: srv.URL(), Dial: srv.Dial, MaxRetries: -1, Logger: faults.NewLog().Logger()}))(t)
			f, stop := follow(t, c, metav1.ListOptions{})
			time.Sleep(time.Minute)
			synctest.Wait()
			if final != (f.end != nil) {
				t.Errorf("%d: %v", code, f.end)
			}
			stop()
		})
	}
	for _, opts := range []metav1.ListOptions{{ResourceVersion: "1"}, {Continue: "x"}, {ResourceVersionMatch: "Exact"}, {SendInitialEvents: new(true)}} {
		n := 0
		for _, err := range client.Of[corev1.ConfigMap](untouched(t)).Follow(t.Context(), opts) {
			if n++; !errors.As(err, new(*kind.MisuseError)) {
				t.Errorf("%v", err)
			}
		}
		if n != 1 {
			t.Errorf("%d errors", n)
		}
	}
	n := 0
	for _, err := range client.Of[unregistered](untouched(t)).Follow(t.Context(), metav1.ListOptions{}) {
		if n++; !errors.As(err, new(*kind.UnknownError)) {
			t.Error(err)
		}
	}
	if n != 1 {
		t.Errorf("%d errors", n)
	}
}

type unregistered struct {
	metav1.TypeMeta
	metav1.ObjectMeta
}

// A server that forgets in seconds, and a consumer that is slow.
func TestFollowOnAServerThatForgets(t *testing.T) {
	cluster := controlplane.New(t, controlplane.WithoutControllerManager(), controlplane.WithAPIServerArgs("--etcd-compaction-interval=1s"))
	c := must(rest.NewClient(cluster.Config()))(t)
	ctx := soon(t)
	maps := client.Of[corev1.ConfigMap](c).In("default")
	for i := range 5 {
		must(maps.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprint("m", i)}}, metav1.CreateOptions{}))(t)
	}
	f := &follower{t: t, has: map[string]string{}}
	for e, err := range maps.Follow(ctx, metav1.ListOptions{Limit: 2, LabelSelector: "!kubernetes.io/x"}) {
		if err != nil {
			t.Fatal(err)
		}
		f.take(e)
		switch len(f.events) {
		case 2: // the first page is over
			forget(ctx, t, maps)
			must(maps.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "late"}}, metav1.CreateOptions{}))(t)
			if err := maps.Delete(ctx, "m1", metav1.DeleteOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		if _, ok := f.has["late"]; ok && len(f.has) >= 5 && f.has["m1"] == "" && f.has["m4"] != "" {
			return
		}
	}
}

// A server that ends each watch after an event is asked more and more seldom, and every event is told.
func TestFollowOnAServerThatEndsEachWatchAfterAnEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, watches := faults.NewStore(), 0
		srv := faults.Start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Get("watch") != "" {
				watches++
				put(t, store, "a", "u", fmt.Sprint(watches))
				ctx, cancel := context.WithTimeout(r.Context(), time.Second)
				defer cancel()
				r = r.WithContext(ctx)
			}
			store.ServeHTTP(w, r)
		}), faults.Options{})
		c := must(rest.NewClient(&rest.Config{Host: srv.URL(), Dial: srv.Dial}))(t)
		f, stop := follow(t, c, metav1.ListOptions{})
		time.Sleep(10 * time.Minute)
		stop()
		if watches < 10 || watches > 30 {
			t.Errorf("%d watches in 10 minutes", watches)
		}
		if n := len(f.events); n != watches {
			t.Errorf("%d events of %d", n, watches)
		}
	})
}

func TestFollowWhoLeavesTheLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := faults.NewStore()
		put(t, store, "a", "u", "1")
		srv := faults.Start(t, store, faults.Options{})
		c := must(rest.NewClient(&rest.Config{Host: srv.URL(), Dial: srv.Dial}))(t)
		for e, err := range client.Of[corev1.ConfigMap](c).In("ns").Follow(t.Context(), metav1.ListOptions{}) {
			if err != nil || e.Object.Name != "a" {
				t.Error(e, err)
			}
			break
		}
	})
}
