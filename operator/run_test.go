package operator_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/controller"
	"github.com/skiff-k8s/skiff/faults"
	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/operator"
	"github.com/skiff-k8s/skiff/rest"
)

// anyPort are the settings of tests: ports that are free.
var anyPort = operator.Settings{MetricsAddress: "127.0.0.1:0", HealthAddress: "127.0.0.1:0", DebugAddress: "127.0.0.1:0"}

func logger(t *testing.T) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// inMemory returns a factory of an API server in memory, and that server.
func inMemory(t *testing.T, rules ...faults.Rule) (*informer.Factory, *faults.Store) {
	t.Helper()
	store := faults.NewStore()
	return factoryOf(t, faults.NewLayer(store, rules...)), store
}

func factoryOf(t *testing.T, h http.Handler) *informer.Factory {
	t.Helper()
	server := faults.Start(t, h, faults.Options{})
	c, err := rest.NewClient(&rest.Config{Host: server.URL(), Dial: server.Dial, Logger: logger(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	return informer.NewFactory(c, informer.Logger(logger(t)))
}

// running is an operator that runs.
type running struct {
	*operator.Operator
	t    *testing.T
	ctx  context.Context // of the test's waits
	stop context.CancelFunc
	done chan error
}

// start runs an operator until the test ends.
func start(t *testing.T, op *operator.Operator) *running {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	waits, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	r := &running{Operator: op, t: t, ctx: waits, stop: stop, done: make(chan error, 1)}
	go func() { r.done <- op.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		<-r.done // it logs to the test
		cancel()
	})
	r.until("its ports are open", func() bool { return op.Addresses().Health != nil || op.Addresses().Metrics != nil })
	return r
}

// until waits for a condition.
func (r *running) until(what string, is func() bool) {
	r.t.Helper()
	for tick := time.NewTicker(5 * time.Millisecond); !is(); {
		select {
		case <-tick.C:
		case err := <-r.done:
			r.done <- err
			if is() {
				return
			}
			r.t.Fatalf("it ended with %v before %s", err, what)
		case <-r.ctx.Done():
			r.t.Fatalf("it is not so that %s", what)
		}
	}
}

// ends stops it and returns what Run returned.
func (r *running) ends() error {
	r.t.Helper()
	r.stop()
	select {
	case err := <-r.done:
		r.done <- err
		return err
	case <-r.ctx.Done():
		r.t.Fatal("it does not stop")
		return nil
	}
}

// get asks a server of the operator: 0 is that of the metrics, 1 of the probes, 2 of the page.
func (r *running) get(n int, path string, header ...string) (int, string) {
	r.t.Helper()
	a := r.Addresses()
	addresses := []net.Addr{a.Metrics, a.Health, a.Debug}
	req, err := http.NewRequestWithContext(r.ctx, http.MethodGet, "http://"+addresses[n].String()+path, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func pods(f *informer.Factory) *informer.Informer[corev1.Pod] { return informer.For[corev1.Pod](f) }

func nothing(context.Context, controller.Key) (controller.Result, error) {
	return controller.Result{}, nil
}

func TestAnOperatorRunsAndStops(t *testing.T) {
	f, _ := inMemory(t)
	op := operator.New(operator.Options{Factories: []*informer.Factory{f}, Settings: anyPort, Logger: logger(t)},
		controller.New("pods", nothing, controller.For(pods(f)), controller.Logger(logger(t))))
	op.Handle("/hello", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }))
	op.Check("mood", operator.Ready, func(context.Context) error { return nil })
	worked := make(chan struct{})
	op.Add("job", func(context.Context) error { close(worked); return nil }, operator.Always)
	r := start(t, op)
	<-worked
	r.until("it is ready", func() bool { code, _ := r.get(1, "/readyz"); return code == 200 })
	if code, body := r.get(1, "/readyz?verbose"); code != 200 || body != "[+]informer-sync ok\n[+]informers ok\n[+]shutdown ok\n[+]mood ok\nreadyz check passed\n" {
		t.Errorf("/readyz?verbose: %d %s", code, body)
	}
	if code, body := r.get(0, "/hello"); code != 200 || body != "hello" {
		t.Errorf("/hello: %d %s", code, body)
	}
	for _, path := range []string{"/debug/pprof/", "/debug/skiff/", "/readyz"} {
		if code, _ := r.get(0, path); code != 404 {
			t.Errorf("%s: %d without being asked for", path, code)
		}
	}
	if !op.Leads() {
		t.Error("without an election it does not lead")
	}
	if err := r.ends(); err != nil {
		t.Error(err)
	}
	if op.Leads() {
		t.Error("it leads after its end")
	}
	func() {
		defer func() {
			if v := recover(); v != `operator: add part "late": the operator was run before` {
				t.Errorf("Add after Run panics with %v", v)
			}
		}()
		op.Add("late", func(context.Context) error { return nil }, operator.Always)
	}()
	if err := op.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "was run before") {
		t.Errorf("a second Run: %v", err)
	}
}

func TestOneAddressForAll(t *testing.T) {
	f, _ := inMemory(t)
	// A port that is free now. With port 0 the addresses would be several ports.
	s := &operator.Server{Address: "127.0.0.1:0"}
	if err := s.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	address := s.Addr().String()
	s.Close()
	r := start(t, operator.New(operator.Options{Factories: []*informer.Factory{f}, Logger: logger(t),
		Settings: operator.Settings{MetricsAddress: address, HealthAddress: address, DebugAddress: address, Pprof: true}}))
	for _, path := range []string{"/healthz", "/readyz/informers", "/metrics", "/debug/pprof/cmdline"} {
		if code, body := r.get(0, path); code != 200 {
			t.Errorf("%s: %d %s", path, code, body)
		}
	}
	if a := r.Addresses(); a.Metrics.String() != address || a.Health.String() != address || a.Debug.String() != address {
		t.Errorf("it listens on %v", a)
	}
	if err := r.ends(); err != nil {
		t.Error(err)
	}
}

func TestMistakesAreReturnedBeforeAnythingStarts(t *testing.T) {
	f, _ := inMemory(t)
	other, _ := inMemory(t)
	good := func() *controller.Controller { return controller.New("a", nothing, controller.For(pods(f))) }
	with := func(change func(*operator.Settings)) operator.Options {
		o := operator.Options{Factories: []*informer.Factory{f}, Settings: anyPort, Logger: logger(t)}
		if change != nil {
			change(&o.Settings)
		}
		return o
	}
	for want, op := range map[string]*operator.Operator{
		"factory 0 is nil":                  operator.New(operator.Options{Factories: []*informer.Factory{nil}}),
		"controller 1 is nil":               operator.New(with(nil), good(), nil),
		`two controllers are named "a"`:     operator.New(with(nil), good(), good()),
		"it has no For":                     operator.New(with(nil), controller.New("none", nothing)),
		"is not among the operator's":       operator.New(with(nil), controller.New("b", nothing, controller.For(pods(other)))),
		"authorize needs a factory":         operator.New(operator.Options{Settings: operator.Settings{Authorize: true}}),
		"to the metrics address, which is":  operator.New(with(func(s *operator.Settings) { s.MetricsAddress, s.Authorize = operator.Off, true })),
		"the log format is":                 operator.New(with(func(s *operator.Settings) { s.LogFormat = "xml" })),
		"a certificate needs both":          operator.New(with(func(s *operator.Settings) { s.CertFile = "x" })),
		"belong to the debug address, whi":  operator.New(with(func(s *operator.Settings) { s.DebugAddress, s.Pprof = operator.Off, true })),
		"not served to other machines":      operator.New(with(func(s *operator.Settings) { s.DebugAddress, s.Page = ":0", true })),
		"other machines without authorizat": operator.New(with(func(s *operator.Settings) { s.DebugAddress, s.Pprof = "0.0.0.0:0", true })),
		"no such file":                      operator.New(with(func(s *operator.Settings) { s.CertFile, s.KeyFile = "/none", "/none" })),
		"listen on 127.0.0.1:notaport":      operator.New(with(func(s *operator.Settings) { s.MetricsAddress = "127.0.0.1:notaport" })),
	} {
		if err := op.Run(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got the error %v, want one with %q", err, want)
		}
	}
	for want, add := range map[string]func(*operator.Operator){
		`add part ""`:           func(o *operator.Operator) { o.Add("", func(context.Context) error { return nil }, operator.Always) },
		`add part "x"`:          func(o *operator.Operator) { o.Add("x", nil, operator.Always) },
		`add check "a/b"`:       func(o *operator.Operator) { o.Check("a/b", operator.Ready, func(context.Context) error { return nil }) },
		`handle "GET /metrics"`: func(o *operator.Operator) { o.Handle("GET /metrics", http.NotFoundHandler()) },
		`handle "no path"`:      func(o *operator.Operator) { o.Handle("no path", http.NotFoundHandler()) },
	} {
		op := operator.New(with(nil))
		add(op)
		if err := op.Run(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got the error %v, want one with %q", err, want)
		}
	}
}

func TestAPartThatFailsEndsTheOperator(t *testing.T) {
	f, _ := inMemory(t)
	broken := errors.New("broken")
	op := operator.New(operator.Options{Factories: []*informer.Factory{f}, Settings: anyPort, Logger: logger(t)})
	op.Add("fuse", func(context.Context) error { return broken }, operator.OnLeader)
	if err := op.Run(t.Context()); !errors.Is(err, broken) || err.Error() != `part "fuse": broken` {
		t.Errorf("it ended with %v", err)
	}
}

// quiet are options of an operator that needs no network, for synctest.
func quiet(t *testing.T, e operator.Elector) operator.Options {
	return operator.Options{Logger: logger(t), Elector: e, NoSignals: true,
		Settings: operator.Settings{MetricsAddress: operator.Off, HealthAddress: operator.Off}}
}

func TestAPartThatDoesNotStopIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		defer close(release)
		op := operator.New(quiet(t, nil))
		op.Add("stubborn", func(context.Context) error { <-release; return nil }, operator.Always)
		ctx, stop := context.WithTimeout(t.Context(), time.Hour)
		defer stop()
		began := time.Now()
		err := op.Run(ctx)
		var late *operator.StopError
		if !errors.As(err, &late) || !slices.Equal(late.Parts, []string{`part "stubborn"`}) || late.Grace != operator.DefaultGracePeriod {
			t.Errorf("it ended with %v", err)
		}
		if took := time.Since(began) - time.Hour; took != operator.DefaultGracePeriod*4/5 {
			t.Errorf("it waited %v", took)
		}
	})
}

// Reconciles that do not finish are cancelled in time, so that a controller stops in its share of the
// grace period although its DrainTimeout is longer.
func TestAControllerDrainsInItsShare(t *testing.T) {
	for grace, want := range map[time.Duration]time.Duration{
		0:                16800 * time.Millisecond, // 70 % of 25 s, less a part of it
		10 * time.Second: 6720 * time.Millisecond,
		time.Hour:        controller.DefaultDrainTimeout,
		-1:               controller.DefaultDrainTimeout,
	} {
		synctest.Test(t, func(t *testing.T) {
			f, store := inMemory(t)
			if _, err := store.Put(&corev1.Pod{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
				ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: "b"}}); err != nil {
				t.Fatal(err)
			}
			var took time.Duration
			ctx, stop := context.WithCancel(t.Context())
			o := quiet(t, nil)
			o.Factories, o.Settings.GracePeriod = []*informer.Factory{f}, grace
			op := operator.New(o, controller.New("pods", func(ctx context.Context, _ controller.Key) (done controller.Result, err error) {
				stop()
				began := time.Now()
				<-ctx.Done()
				took = time.Since(began)
				return done, ctx.Err()
			}, controller.For(pods(f)), controller.Logger(logger(t))))
			err := op.Run(ctx)
			if took != want || errors.As(err, new(*operator.StopError)) || err == nil || !strings.Contains(err.Error(), "1 reconciles took longer than "+want.String()) {
				t.Errorf("a grace period of %v: cancelled after %v, and ended with %v; want %v", grace, took, err, want)
			}
		})
	}
}

// elector is an Elector that a test decides for.
type elector struct {
	leads chan struct{} // closed: it leads
	lost  chan struct{} // closed: it does not any more

	mu   sync.Mutex
	told []string
}

var errLost = errors.New("the lease is lost")

func (e *elector) Run(ctx context.Context, lead func(context.Context) error) error {
	select {
	case <-ctx.Done():
		return nil
	case <-e.leads:
	}
	term, end := context.WithCancelCause(ctx)
	defer end(nil)
	over := make(chan struct{})
	go func() {
		defer close(over)
		select {
		case <-term.Done():
		case <-e.lost:
			end(errLost)
		}
	}()
	err := lead(term)
	e.note("the lease is given back")
	if cause := context.Cause(term); errors.Is(cause, errLost) {
		err = errors.Join(cause, err)
	}
	end(nil)
	<-over
	return err
}

func (e *elector) all() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.told)
}

func (e *elector) note(what string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.told = append(e.told, what)
}

// What needs the lease waits for it with warm caches; what does not, does not. At the end the lease is
// given back after the leader's parts have ended.
func TestTheLeaderRunsTheControllers(t *testing.T) {
	f, _ := inMemory(t)
	e := &elector{leads: make(chan struct{}), lost: make(chan struct{})}
	op := operator.New(operator.Options{Factories: []*informer.Factory{f}, Settings: anyPort, Logger: logger(t), Elector: e},
		controller.New("leader", nothing, controller.For(pods(f))))
	always, leading := make(chan struct{}), make(chan struct{})
	op.Add("always", func(context.Context) error { close(always); return nil }, operator.Always)
	op.Add("leading", func(ctx context.Context) error {
		if !pods(f).HasSynced() {
			t.Error("it leads with a cold cache")
		}
		close(leading)
		<-ctx.Done()
		e.note("the leader's part ended")
		return nil
	}, operator.OnLeader)
	r := start(t, op)
	<-always
	r.until("it is ready before it leads", func() bool { code, _ := r.get(1, "/readyz"); return code == 200 })
	select {
	case <-leading:
		t.Error("the leader's part runs without the lease")
	default:
	}
	leads := `leader_election_master_status{name="operator.test"} `
	if _, body := r.get(0, "/metrics"); op.Leads() || !strings.Contains(body, leads+"0\n") {
		t.Errorf("it leads before it does: %v\n%s", op.Leads(), body)
	}
	close(e.leads)
	<-leading
	r.until("it leads", op.Leads)
	if _, body := r.get(0, "/metrics"); !strings.Contains(body, leads+"1\n") {
		t.Errorf("/metrics does not tell that it leads:\n%s", body)
	}
	if err := r.ends(); err != nil {
		t.Error(err)
	}
	if want := []string{"the leader's part ended", "the lease is given back"}; !slices.Equal(e.all(), want) {
		t.Errorf("it went %q, want %q", e.all(), want)
	}
}

func TestALostLeaseEndsTheOperator(t *testing.T) {
	f, _ := inMemory(t)
	e := &elector{leads: make(chan struct{}), lost: make(chan struct{})}
	close(e.leads)
	op := operator.New(operator.Options{Factories: []*informer.Factory{f}, Settings: anyPort, Logger: logger(t), Elector: e},
		controller.New("leader", nothing, controller.For(pods(f))))
	r := start(t, op)
	r.until("it leads", op.Leads)
	close(e.lost)
	select {
	case err := <-r.done:
		r.done <- err
		if !errors.Is(err, errLost) {
			t.Errorf("it ended with %v", err)
		}
	case <-r.ctx.Done():
		t.Error("it goes on without the lease")
	}
}

// What a program adds is stopped when its controllers have ended: a recorder of events gets what they
// record while they drain.
func TestPartsOutliveTheControllers(t *testing.T) {
	f, store := inMemory(t)
	put(t, store, "a")
	reconciling, release := make(chan struct{}), make(chan struct{})
	op := operator.New(operator.Options{Factories: []*informer.Factory{f}, Settings: anyPort, Logger: logger(t)},
		controller.New("slow", func(context.Context, controller.Key) (controller.Result, error) {
			close(reconciling)
			<-release
			return controller.Result{}, nil
		}, controller.For(pods(f))))
	var e elector // for its notes
	op.Add("recorder", func(ctx context.Context) error {
		<-ctx.Done()
		select {
		case <-release:
		default:
			e.note("stopped before the reconcile had ended")
		}
		return nil
	}, operator.OnLeader)
	r := start(t, op)
	<-reconciling
	r.stop()
	r.until("it is stopping", func() bool { code, _ := r.get(1, "/readyz/shutdown"); return code == 500 })
	close(release)
	if err := r.ends(); err != nil || len(e.all()) > 0 {
		t.Errorf("it ended with %v and %q", err, e.all())
	}
}

// While a part of the leader's is left running, the lease is not given back: the next leader waits
// until it is over.
func TestTheLeaseIsKeptWhileALeadersPartRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &elector{leads: make(chan struct{}), lost: make(chan struct{})}
		close(e.leads)
		op := operator.New(quiet(t, e))
		release := make(chan struct{})
		op.Add("stubborn", func(context.Context) error { <-release; return nil }, operator.OnLeader)
		ctx, stop := context.WithTimeout(t.Context(), time.Hour)
		defer stop()
		err := op.Run(ctx)
		var late *operator.StopError
		if !errors.As(err, &late) || !slices.Equal(late.Parts, []string{`part "stubborn"`, "election"}) {
			t.Errorf("it ended with %v", err)
		}
		if len(e.all()) != 0 {
			t.Errorf("it went %q", e.all())
		}
		close(release)
		synctest.Wait()
		if !slices.Equal(e.all(), []string{"the lease is given back"}) {
			t.Errorf("after the end of the part it went %q", e.all())
		}
	})
}

// With WithoutLease a controller does not wait for the election.
func TestWithoutLease(t *testing.T) {
	f, store := inMemory(t)
	if _, err := store.Put(&corev1.Pod{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"}, ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: "b"}}); err != nil {
		t.Fatal(err)
	}
	e := &elector{leads: make(chan struct{}), lost: make(chan struct{})}
	called := make(chan controller.Key, 10)
	op := operator.New(operator.Options{Factories: []*informer.Factory{f}, Settings: anyPort, Logger: logger(t), Elector: e},
		controller.New("everywhere", func(_ context.Context, k controller.Key) (controller.Result, error) {
			called <- k
			return controller.Result{}, nil
		}, controller.For(pods(f)), controller.WithoutLease()))
	r := start(t, op)
	select {
	case <-called:
	case <-r.ctx.Done():
		t.Error("it waits for the lease")
	}
	if err := r.ends(); err != nil {
		t.Error(err)
	}
}
