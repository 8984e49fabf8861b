package monitoring

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/controller"
	"github.com/skiff-k8s/skiff/election"
	"github.com/skiff-k8s/skiff/faults"
	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/operator"
	"github.com/skiff-k8s/skiff/rest"
)

// world is an API server in memory with operators, in a bubble of synctest.
type world struct {
	t        *testing.T
	store    *faults.Store
	layer    *faults.Layer
	server   *faults.Server
	db       *database
	replicas []*replica
	began    time.Time

	// What the operators are made with. Set before the first start.
	leases      []string // the namespace of the Lease of each replica; the last one is that of the rest
	controllers []controller.Option
	also        func(*informer.Factory) // more informers
}

// replica is an operator.
type replica struct {
	name    string
	metrics http.Handler
	stop    context.CancelFunc
	done    chan error
	ended   bool
}

// situation runs operators under synctest's clock and returns what was scraped of them meanwhile.
func situation(t *testing.T, play func(w *world)) *database {
	t.Helper()
	db := newDatabase()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, db: db, store: faults.NewStore(), began: time.Now(), leases: []string{"web"},
			also: func(*informer.Factory) {}}
		w.layer = faults.NewLayer(w.store)
		w.server = faults.Start(t, w.layer, faults.Options{})
		for i := range 20 {
			w.put(fmt.Sprint("app-", i))
		}
		play(w)
		for _, r := range w.replicas {
			w.end(r)
		}
	})
	return db
}

// put creates or changes a ConfigMap. Its name says what its reconcile does.
func (w *world) put(name string) {
	w.t.Helper()
	_, err := w.store.Put(&corev1.ConfigMap{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"},
		ObjectMeta: metav1.ObjectMeta{Namespace: "apps", Name: name, UID: types.UID("uid of " + name)},
		Data:       map[string]string{"at": time.Now().String()},
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// config returns the configuration of a client of the server.
func (w *world) config(m *operator.Metrics) *rest.Config {
	return &rest.Config{Host: w.server.URL(), Dial: w.server.Dial, Metrics: m.REST(), JSONOnly: true, Logger: w.log()}
}

// log returns a logger of the test, which shows it if the test fails.
func (w *world) log() *slog.Logger { return slog.New(slog.NewTextHandler(w.t.Output(), nil)) }

// start starts one more operator.
func (w *world) start() *replica {
	w.t.Helper()
	m := operator.NewMetrics(nil)
	lease := w.leases[min(len(w.replicas), len(w.leases)-1)]
	r := &replica{name: fmt.Sprint("web-", len(w.replicas)), metrics: m.Handler(nil), done: make(chan error, 1)}
	e, err := election.New(w.config(m), election.Options{Namespace: lease, Name: "web", Identity: r.name, Metrics: m.Election()})
	if err != nil {
		w.t.Fatal(err)
	}
	c, err := rest.NewClient(e.Fence(w.config(m)))
	if err != nil {
		w.t.Fatal(err)
	}
	log := w.log()
	f := informer.NewFactory(c, informer.Logger(log))
	maps := informer.For[corev1.ConfigMap](f)
	w.also(f)
	reconcile := reconciler(client.Of[corev1.ConfigMap](c), maps)
	op := operator.New(operator.Options{Name: "web", Factories: []*informer.Factory{f}, Elector: e, Metrics: m, Logger: log,
		NoSignals: true, NoMemoryLimit: true,
		Settings: operator.Settings{MetricsAddress: operator.Off, HealthAddress: operator.Off}},
		controller.New("apps", reconcile, append([]controller.Option{controller.For(maps), controller.Logger(log)}, w.controllers...)...))
	ctx, stop := context.WithCancel(context.Background())
	r.stop = stop
	go func() { defer c.CloseIdleConnections(); r.done <- op.Run(ctx) }()
	w.replicas = append(w.replicas, r)
	synctest.Wait()
	return r
}

// end stops an operator.
func (w *world) end(r *replica) {
	r.stop()
	if !r.ended {
		<-r.done
	}
	r.ended = true
}

// run lets the operators run for a time. They are scraped, and each calls what happens with the count
// of the scrapes so far.
func (w *world) run(d time.Duration, happens func(n int)) {
	w.t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); {
		for _, r := range w.replicas {
			w.scrape(r)
		}
		if happens != nil {
			happens(len(w.db.times))
		}
		time.Sleep(scrapeEvery)
	}
}

func (w *world) scrape(r *replica) {
	w.t.Helper()
	select {
	case <-r.done:
		r.ended = true
	default:
	}
	var text []byte
	if !r.ended {
		rec := httptest.NewRecorder()
		r.metrics.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/metrics", nil))
		if rec.Code != http.StatusOK {
			w.t.Fatalf("/metrics: %d %s", rec.Code, rec.Body)
		}
		text = rec.Body.Bytes()
	}
	if err := w.db.scrape(time.Now(), r.name, text); err != nil {
		w.t.Fatal(err)
	}
}

var errBad = errors.New("bad")

// reconciler returns a function that does what the name of the object says.
func reconciler(writes *client.Client[corev1.ConfigMap], maps *informer.Informer[corev1.ConfigMap]) controller.Reconcile {
	var mu sync.Mutex
	times := map[string]int{}
	return func(ctx context.Context, k controller.Key) (done controller.Result, err error) {
		m, err := maps.Lister().Get(k.Namespace, k.Name)
		if err != nil {
			return done, client.IgnoreNotFound(err)
		}
		mu.Lock()
		times[k.Name]++
		n := times[k.Name]
		mu.Unlock()
		switch what, _, _ := strings.Cut(k.Name, "-"); what {
		case "bad":
			return done, errBad
		case "unlucky":
			if n == 1 {
				return done, errBad
			}
		case "invalid":
			return done, controller.Terminal(errBad)
		case "panics":
			if n == 1 {
				panic("!")
			}
		case "stuck":
			<-ctx.Done()
			return done, ctx.Err()
		case "late":
			if n == 1 {
				<-ctx.Done()
				return done, ctx.Err()
			}
		case "slow":
			time.Sleep(2 * time.Minute)
		case "writes":
			if m.Annotations["by"] != m.Data["at"] {
				m.Annotations = map[string]string{"by": m.Data["at"]}
				_, err = writes.In(k.Namespace).Update(ctx, m, metav1.UpdateOptions{})
			}
		}
		return done, err
	}
}

// mapKind is that of ConfigMaps.
func mapKind(t *testing.T) kind.Info {
	t.Helper()
	k, err := kind.Of[corev1.ConfigMap]()
	if err != nil {
		t.Fatal(err)
	}
	return k
}
