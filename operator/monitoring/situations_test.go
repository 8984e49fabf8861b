package monitoring

import (
	"fmt"
	"net/http"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/skiff-k8s/skiff/controller"
	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/faults"
	"github.com/skiff-k8s/skiff/informer"
)

// seen are the alerts that some test saw firing.
var seen alertSet

type alertSet struct {
	mu  sync.Mutex
	all map[string]bool
}

func (s *alertSet) add(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = map[string]bool{}
	}
	s.all[name] = true
}

func TestMain(m *testing.M) { controlplane.Main(m) }

// busy changes an object at each scrape.
func (w *world) busy() func(int) {
	return func(n int) { w.put(fmt.Sprint("app-", n%20)) }
}

const (
	secretsPath = "/api/v1/secrets"
	mapsPath    = "/api/v1/configmaps"
	leasesPath  = "/apis/coordination.k8s.io/"
	lists       = faults.List | faults.Watch | faults.WatchList
	anyWatch    = faults.Watch | faults.WatchList
)

// A healthy operator of two replicas has an upgrade, an API server that is away for some seconds, a key
// that fails once, one that is not valid, writes of its own, and a resource that cannot be watched. No
// alert fires.
func healthy(t *testing.T) *database {
	return situation(t, func(w *world) {
		w.also = func(f *informer.Factory) { informer.For[corev1.Secret](f) }
		w.layer.SetRules(faults.Rule{On: anyWatch, Path: secretsPath, Do: faults.Status(405)})
		w.start()
		w.start()
		w.run(2*time.Hour, func(n int) {
			w.busy()(n)
			w.put("writes-1")
			switch n {
			case 20:
				w.put("unlucky")
				w.put("invalid")
			case 40:
				w.store.EndWatches()
			case 60:
				w.server.Refuse(true)
				w.store.Restart()
				w.server.Disconnect()
				time.AfterFunc(6*time.Second, func() { w.server.Refuse(false) })
			case 120:
				w.start()
			case 122:
				w.end(w.replicas[0])
				w.db.gone(w.replicas[0].name)
				w.replicas = w.replicas[1:]
			}
		})
	})
}

func TestNoAlertFiresOnAHealthyOperator(t *testing.T) {
	db := healthy(t)
	db.wantFiring(t)
	db.wantPanels(t)
	db.wantRules(t, "SkiffCertificateExpires") // of webhooks, which this operator has none of
}

// Each alert fires in its situation, and those that are another symptom of it.
func TestEachAlertFiresInItsSituation(t *testing.T) {
	for _, s := range []struct {
		name string
		want []string
		play func(w *world)
	}{
		{"the lists and watches of a resource fail, and the rest works", []string{"SkiffCacheIsBehind"}, func(w *world) {
			w.start()
			w.run(5*time.Minute, nil)
			w.layer.SetRules(faults.Rule{On: lists, Path: mapsPath, Do: faults.Status(503)})
			w.store.EndWatches()
			w.run(30*time.Minute, nil)
		}},
		{"the API server is gone, and with it the leader", []string{"SkiffCacheIsBehind", "SkiffNobodyLeads", "SkiffRequestsFail"}, func(w *world) {
			w.start()
			w.start()
			w.run(5*time.Minute, nil)
			w.server.Refuse(true)
			w.server.Disconnect()
			w.run(30*time.Minute, nil)
		}},
		{"a right is missing from the start", []string{"SkiffCacheIsBehind", "SkiffCacheIsNotSynced", "SkiffRightIsMissing"}, func(w *world) {
			w.also = func(f *informer.Factory) { informer.For[corev1.Secret](f) }
			w.layer.SetRules(faults.Rule{On: lists, Path: secretsPath, Do: faults.Status(403)})
			w.start()
			w.run(40*time.Minute, w.busy())
		}},
		{"the server forgets versions all the time", []string{"SkiffCacheIsListedAgain"}, func(w *world) {
			w.start()
			w.run(time.Hour, func(n int) {
				w.busy()(n)
				if n%10 == 0 {
					w.store.Restart()
				}
			})
		}},
		{"all reconciles fail", []string{"SkiffReconcilesFail", "SkiffKeyFails"}, func(w *world) {
			for i := range 20 {
				w.store.Remove(mapKind(w.t), "apps", fmt.Sprint("app-", i))
			}
			w.put("bad-1")
			w.put("bad-2")
			w.start()
			w.run(40*time.Minute, nil)
		}},
		{"a key fails for ever", []string{"SkiffKeyFails"}, func(w *world) {
			w.put("bad-1")
			w.start()
			w.run(40*time.Minute, w.busy())
		}},
		{"a reconcile panics once", []string{"SkiffReconcilePanics"}, func(w *world) {
			w.start()
			w.run(30*time.Minute, func(n int) {
				if w.busy()(n); n == 20 {
					w.put("panics")
				}
			})
		}},
		{"a reconcile is not done in its time once", []string{"SkiffReconcilesTimeOut"}, func(w *world) {
			w.controllers = []controller.Option{controller.ReconcileTimeout(10 * time.Second)}
			w.start()
			w.run(30*time.Minute, func(n int) {
				if w.busy()(n); n == 20 {
					w.put("late")
				}
			})
		}},
		{"the watch is late", []string{"SkiffWritesAreNotSeen"}, func(w *world) {
			w.controllers = []controller.Option{controller.WriteTimeout(time.Second)}
			w.layer.SetRules(faults.Rule{On: anyWatch, Path: mapsPath, Do: faults.EditEvents("late", func(map[string]any) bool {
				time.Sleep(5 * time.Second)
				return true
			})})
			w.start()
			w.run(30*time.Minute, func(int) { w.put("writes-1") })
		}},
		{"reconciles are too slow for what comes", []string{"SkiffKeysWait"}, func(w *world) {
			for i := range 10 {
				w.put(fmt.Sprint("slow-", i))
			}
			w.controllers = []controller.Option{controller.Workers(1)}
			w.start()
			w.run(30*time.Minute, nil)
		}},
		{"a reconcile never returns", []string{"SkiffWorkerIsStuck"}, func(w *world) {
			w.put("stuck")
			w.controllers = []controller.Option{controller.Workers(5)}
			w.start()
			w.run(30*time.Minute, w.busy())
		}},
		{"the Lease cannot be written", []string{"SkiffNobodyLeads", "SkiffRequestsFail"}, func(w *world) {
			w.layer.SetRules(faults.Rule{Path: leasesPath, Do: faults.Status(500)})
			w.start()
			w.start()
			w.run(30*time.Minute, nil)
		}},
		{"two operators have Leases of one name", []string{"SkiffTwoLead"}, func(w *world) {
			w.leases = []string{"web", "elsewhere"}
			w.start()
			w.start()
			w.run(10*time.Minute, nil)
		}},
		{"each fifth request fails", []string{"SkiffRequestsFail"}, func(w *world) {
			var n atomic.Int64
			w.layer.SetRules(faults.Rule{Path: leasesPath, Do: faults.Status(500),
				If: func(*http.Request) bool { return n.Add(1)%5 == 0 }})
			w.start()
			w.run(30*time.Minute, nil)
		}},
		{"the memory limit is less than what is used", []string{"SkiffMemoryIsShort"}, func(w *world) {
			w.start()
			defer debug.SetMemoryLimit(debug.SetMemoryLimit(16 << 20))
			w.run(20*time.Minute, nil)
		}},
	} {
		t.Run(s.name, func(t *testing.T) { situation(t, s.play).wantFiring(t, s.want...) })
	}
}

// Every rule was seen firing. It is the last test of the file, and needs the others.
func TestEachAlertWasSeen(t *testing.T) {
	if testing.Short() || strings.Contains(strings.Join(os.Args, " "), "-test.run") {
		t.Skip("some tests were left out")
	}
	for _, rule := range alerts(t) {
		if !seen.all[rule.Alert] {
			t.Errorf("no test sees %s fire", rule.Alert)
		}
	}
}
