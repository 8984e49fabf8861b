package operator_test

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/skiff-k8s/skiff/controller"
	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/operator"
	"github.com/skiff-k8s/skiff/rest"
)

// hooks is a server of webhooks that notes what is done with it.
type hooks struct {
	mu     sync.Mutex
	noted  []string // guarded by mu
	ready  bool     // guarded by mu
	listen error
	run    error
	atEnd  func(ctx context.Context) // nil: nothing
}

func (h *hooks) note(what string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.noted = append(h.noted, what)
}

func (h *hooks) all() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.noted)
}

func (h *hooks) Listen(context.Context) error { h.note("listen"); return h.listen }
func (h *hooks) Close()                       { h.note("close") }

func (h *hooks) Run(ctx context.Context) error {
	h.note("run")
	if h.run != nil {
		return h.run
	}
	<-ctx.Done()
	if h.atEnd != nil {
		h.atEnd(ctx)
	}
	h.note("stopped")
	return nil
}

func (h *hooks) Check(context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.ready {
		return errors.New("not yet")
	}
	return nil
}

func (h *hooks) Register(r prometheus.Registerer) error {
	return r.Register(prometheus.NewCounter(prometheus.CounterOpts{Name: "hooks_total", Help: "of a test"}))
}

// Webhooks run on a replica that does not lead, from before the election until after it, and decide
// whether it is ready; their metrics are served.
func TestWebhooksRunOnAllReplicas(t *testing.T) {
	f, _ := inMemory(t)
	h := &hooks{}
	e := electorFunc(func(ctx context.Context, lead func(context.Context) error) error {
		h.note("election")
		<-ctx.Done()
		h.note("election stopped")
		return nil
	})
	r := start(t, operator.New(operator.Options{Settings: anyPort, Factories: []*informer.Factory{f}, Webhooks: h,
		Elector: e, Logger: logger(t), NoSignals: true}, controller.New("pods", nothing, controller.For(pods(f)))))
	r.until("the election runs", func() bool { return slices.Contains(h.all(), "election") && slices.Contains(h.all(), "run") })
	r.until("only the webhooks are not ready", func() bool {
		code, body := r.get(1, "/readyz")
		return code == 500 && strings.Count(body, "[-]") == 1 && strings.Contains(body, "[-]webhooks failed: not yet")
	})
	h.mu.Lock()
	h.ready = true
	h.mu.Unlock()
	r.until("it is ready", func() bool { code, _ := r.get(1, "/readyz"); return code == 200 })
	if _, body := r.get(0, "/metrics"); !strings.Contains(body, "hooks_total 0") {
		t.Error("/metrics has not those of the webhooks")
	}
	r.stop()
	if err := r.ends(); err != nil {
		t.Fatal(err)
	}
	got := h.all()
	slices.Sort(got[1:3]) // they are started at once
	if want := []string{"listen", "election", "run", "election stopped", "stopped"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

type electorFunc func(context.Context, func(context.Context) error) error

func (f electorFunc) Run(ctx context.Context, lead func(context.Context) error) error {
	return f(ctx, lead)
}

// A port that is taken is an error before anything runs, of the webhooks and of the servers beside
// them.
func TestWebhooksThatCannotListen(t *testing.T) {
	h := &hooks{listen: errors.New("address in use")}
	err := operator.Run(t.Context(), operator.Options{Settings: anyPort, Webhooks: h, Logger: logger(t), NoSignals: true})
	if err == nil || !strings.Contains(err.Error(), "run operator: address in use") || slices.Contains(h.all(), "run") {
		t.Errorf("%v, %q", err, h.all())
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	h = &hooks{}
	err = operator.Run(t.Context(), operator.Options{Webhooks: h, Logger: logger(t), NoSignals: true,
		Settings: operator.Settings{MetricsAddress: taken.Addr().String(), HealthAddress: operator.Off}})
	if err == nil || !slices.Equal(h.all(), []string{"listen", "close"}) {
		t.Errorf("%v, %q", err, h.all())
	}
}

// Webhooks that end with an error end the operator, and metrics that are there already are a
// mistake.
func TestWebhooksThatFail(t *testing.T) {
	h := &hooks{run: errors.New("broken")}
	err := operator.Run(t.Context(), operator.Options{Settings: anyPort, Webhooks: h, Logger: logger(t), NoSignals: true})
	if err == nil || !strings.Contains(err.Error(), "webhooks: broken") {
		t.Errorf("%v", err)
	}
	m := operator.NewMetrics(nil)
	if err := h.Register(m.Registry()); err != nil {
		t.Fatal(err)
	}
	err = operator.Run(t.Context(), operator.Options{Settings: anyPort, Metrics: m, Webhooks: &hooks{}, Logger: logger(t), NoSignals: true})
	if err == nil || !strings.Contains(err.Error(), "register the metrics of webhooks") {
		t.Errorf("%v", err)
	}
}

// Webhooks are ready without the caches: what the caches list may be converted by them, and while the
// API server is away they can answer. The checks of the caches are shown, and count if the program
// says so.
func TestWebhooksAreReadyWithoutTheCaches(t *testing.T) {
	f := informer.NewFactory(connect(t, &rest.Config{Host: "http://127.0.0.1:1"}, nil), informer.Logger(logger(t)))
	h := &hooks{ready: true}
	op := operator.New(operator.Options{Factories: []*informer.Factory{f}, Settings: anyPort, Webhooks: h, Logger: logger(t), NoSignals: true},
		controller.New("pods", nothing, controller.For(pods(f))))
	r := start(t, op)
	r.until("it is ready", func() bool { code, _ := r.get(1, "/readyz"); return code == 200 })
	if err := op.Health().Err(t.Context(), operator.Ready); err != nil {
		t.Error(err)
	}
	code, body := r.get(1, "/readyz?verbose")
	if code != 200 || !strings.Contains(body, "[!]informer-sync failed, which does not count: no initial list yet: pods (") ||
		!strings.Contains(body, "[+]webhooks ok\n") || !strings.HasSuffix(body, "readyz check passed\n") {
		t.Errorf("/readyz?verbose: %d %s", code, body)
	}
	if code, body := r.get(1, "/readyz/informer-sync"); code != 500 || !strings.HasPrefix(body, "[-]informer-sync failed: no initial list yet") {
		t.Errorf("/readyz/informer-sync: %d %s", code, body)
	}
	op.Check("informer-sync", operator.Ready, operator.NewCaches(0, f).Synced)
	if code, body := r.get(1, "/readyz"); code != 500 || strings.Count(body, "informer-sync") != 1 {
		t.Errorf("with the caches' check: %d %s", code, body)
	}
	if err := r.ends(); err != nil {
		t.Error(err)
	}
}

// The webhooks run from before the informers until after them, and know how long they have to stop.
func TestWebhooksStopAfterTheInformers(t *testing.T) {
	f, _ := inMemory(t)
	h := &hooks{ready: true}
	var left time.Duration
	h.atEnd = func(ctx context.Context) {
		for _, i := range f.Informers() {
			if s := i.Status().State; s != "stopped" {
				h.note("an informer is " + s)
			}
		}
		var stop interface{ DrainTimeout() time.Duration }
		if errors.As(context.Cause(ctx), &stop) {
			left = stop.DrainTimeout()
		}
		if !errors.Is(context.Cause(ctx), context.Canceled) {
			h.note("the cause is " + context.Cause(ctx).Error())
		}
	}
	settings := anyPort
	settings.GracePeriod = time.Hour
	r := start(t, operator.New(operator.Options{Settings: settings, Factories: []*informer.Factory{f}, Webhooks: h,
		Logger: logger(t), NoSignals: true}, controller.New("pods", nothing, controller.For(pods(f)))))
	r.until("the caches are synced", func() bool { code, _ := r.get(1, "/readyz/informer-sync"); return code == 200 })
	if err := r.ends(); err != nil {
		t.Fatal(err)
	}
	if got := h.all(); !slices.Equal(got, []string{"listen", "run", "stopped"}) {
		t.Errorf("%q", got)
	}
	if left < time.Duration(.87*float64(time.Hour)) || left > time.Duration(.97*float64(time.Hour)) {
		t.Errorf("it has %v", left)
	}
}
