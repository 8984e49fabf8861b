package informer_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/rest"
)

// gate is the network between one client and the server.
type gate struct {
	mu     sync.Mutex
	closed bool
	conns  []net.Conn
}

func (g *gate) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil, errors.New("the network is down")
	}
	conn, err := new(net.Dialer).DialContext(ctx, network, addr)
	if err == nil {
		g.conns = append(g.conns, conn)
	}
	return conn, err
}

func (g *gate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
	for _, c := range g.conns {
		_ = c.Close()
	}
	g.conns = nil
}

func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = false
}

// After an outage in which the server lost its history (a restart: its watch cache begins anew), a
// list tells what was missed: what vanished is deleted with its last known state, what was made
// anew is deleted and added, what did not change is not told of.
func TestAnOutageInWhichHistoryIsLost(t *testing.T) {
	ctx := testContext(t)
	cluster := controlplane.New(t, controlplane.WithoutControllerManager())
	c := newClient(t, cluster.Config())
	namespace := cluster.Namespace(t)
	write := func(req *rest.Request, name string) (written corev1.ConfigMap) {
		t.Helper()
		if err := req.Namespace(namespace).Resource("configmaps").Do(ctx).Into(&written); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return written
	}
	create := func(name, value string) corev1.ConfigMap {
		return write(c.Post().Body(configMap(name, value)), name)
	}
	remove := func(name string) {
		t.Helper()
		if err := c.Delete().Namespace(namespace).Resource("configmaps").Name(name).Do(ctx).Error(); err != nil {
			t.Fatal(err)
		}
	}
	want := map[string]string{}
	expect := func(m corev1.ConfigMap) { want[namespace+"/"+m.Name] = string(m.UID) + "/" + m.ResourceVersion }
	for _, name := range []string{"same", "changed", "vanished", "anew"} {
		expect(create(name, "before"))
	}

	network := new(gate)
	cfg := cluster.Config()
	cfg.Dial = network.dial
	factory := informer.NewFactory(newClient(t, cfg), informer.OnError(func(err error) { t.Log(err) }))
	maps := informer.For[corev1.ConfigMap](factory, informer.Namespace(namespace))
	told := newModel[corev1.ConfigMap]("handler")
	h := told.handler()
	remember, last := h.OnDelete, map[string]string{}
	h.OnDelete = func(item informer.Item[corev1.ConfigMap]) {
		if o, err := item.Object(); err == nil {
			last[o.Name] = o.Data["value"]
		}
		remember(item)
	}
	maps.AddHandler(h)
	run(t, ctx, factory)
	told.waitFor(t, ctx, want)
	adds := told.count("add")

	network.close()
	remove("vanished")
	delete(want, namespace+"/vanished")
	remove("anew")
	expect(create("anew", "after"))
	expect(create("new", "after"))
	expect(write(c.Patch(types.MergePatchType).Name("changed").Body([]byte(`{"data":{"value":"after"}}`)), "changed"))
	if err := cluster.RestartAPIServer(ctx); err != nil {
		t.Fatal(err)
	}
	network.open()

	told.waitFor(t, ctx, want)
	if n := maps.Status().Lists; n != 2 {
		t.Errorf("%d lists were made; the history was not lost", n)
	}
	if told.count("add")-adds != 2 || told.count("update") != 1 || told.count("delete") != 2 {
		t.Errorf("the outage was told as %v", told.counts)
	}
	if last["vanished"] != "before" || last["anew"] != "before" {
		t.Errorf("the last known states are %v", last)
	}
}

// The bounds that an outage of the API server has, and how often a client asks whether it is over.
const (
	outageLasts  = 20 * time.Second
	rightReady   = 10 * time.Second // from the first 200 of /readyz
	rightAnswer  = 5 * time.Second  // from the first answer that the informer got; a second is the aim
	readyzPolled = 100 * time.Millisecond
)

// answers is a way to the server that notes the first answer after a time.
type answers struct {
	http.RoundTripper

	mu    sync.Mutex
	after time.Time
	first time.Time
}

func (a *answers) from(t time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.after, a.first = t, time.Time{}
}

func (a *answers) got() time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.first
}

func (a *answers) RoundTrip(req *http.Request) (*http.Response, error) {
	sent := time.Now()
	resp, err := a.RoundTripper.RoundTrip(req)
	a.mu.Lock()
	defer a.mu.Unlock()
	if err == nil && a.first.IsZero() && sent.After(a.after) {
		a.first = time.Now()
	}
	return resp, err
}

// ready returns when a client that asks each readyzPolled got 200 from /readyz.
func ready(ctx context.Context, c *rest.Client) (time.Time, error) {
	tick := time.NewTicker(readyzPolled)
	defer tick.Stop()
	for {
		ask, cancel := context.WithTimeout(ctx, time.Second)
		err := c.Get().AbsPath("/readyz").MaxRetries(-1).Do(ask).Error()
		cancel()
		if err == nil {
			return time.Now(), nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return time.Time{}, errors.Join(context.Cause(ctx), err)
		}
	}
}

// The API server is away for 20 seconds. Where it is killed, its watch cache begins anew; where it is
// frozen, it accepts connections and sends nothing. One informer sees all changes before that, the
// connections of the other one break before the last ones. Other clients write as soon as the server
// is back.
func TestTheAPIServerIsAwayForTwentySeconds(t *testing.T) {
	for _, kind := range []struct {
		name       string
		away, back func(*controlplane.Cluster, context.Context) error
	}{
		{"killed", (*controlplane.Cluster).KillAPIServer, (*controlplane.Cluster).StartAPIServer},
		{"frozen", (*controlplane.Cluster).PauseAPIServer, (*controlplane.Cluster).ResumeAPIServer},
	} {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			isAway(t, kind.away, kind.back)
		})
	}
}

func isAway(t *testing.T, goes, comes func(*controlplane.Cluster, context.Context) error) {
	ctx := testContext(t)
	cluster := controlplane.New(t, controlplane.WithoutControllerManager())
	w := &writer{t, ctx, newClient(t, cluster.Config()), "default"}
	for _, name := range []string{"same", "changed", "vanished", "anew"} {
		w.create(configMap(name, "before"))
	}
	type cache struct {
		*witness
		network gate
		way     answers
	}
	caches := []*cache{{}, {}}
	for i, c := range caches {
		cfg := cluster.Config()
		cfg.Dial = c.network.dial
		cfg.WrapTransport = func(rt http.RoundTripper) http.RoundTripper {
			c.way.RoundTripper = rt
			return &c.way
		}
		name := []string{"one that saw all", "one that was cut off before"}[i]
		c.witness = newWitness[corev1.ConfigMap](t, ctx, name, newClient(t, cfg), w.namespace)
		c.becomes(ctx, w)
	}
	seeing, cut := caches[0], caches[1]

	cut.network.close()
	w.change("configmaps", "changed", `{"data":{"value":"last"}}`)
	w.remove("configmaps", "vanished")
	w.remove("configmaps", "anew")
	w.create(configMap("anew", "last"))
	seeing.becomes(ctx, w)
	if err := goes(cluster, ctx); err != nil {
		t.Fatal(err)
	}
	away := time.Now()
	for _, c := range caches {
		c.way.from(away)
	}
	cut.network.open()
	came := make(chan error, 1)
	time.AfterFunc(outageLasts, func() { came <- comes(cluster, ctx) })
	back, err := ready(ctx, newClient(t, cluster.Config()))
	if err != nil {
		t.Fatal(err)
	}
	w.change("configmaps", "changed", `{"data":{"value":"after"}}`)
	w.create(configMap("new", "after"))
	written := time.Now()

	soon, cancel := context.WithDeadline(ctx, back.Add(3*rightReady))
	defer cancel()
	var all sync.WaitGroup
	for _, c := range caches {
		all.Go(func() {
			right, err := c.is(soon, w)
			if err != nil {
				t.Error(err)
				return
			}
			answered, status := c.way.got(), c.informer.Status()
			if answered.IsZero() { // the watch is the one before
				answered = back
			}
			t.Logf("%s: away for %s; first answer %s and right %s after /readyz was 200", c.name, back.Sub(away).Round(time.Millisecond),
				answered.Sub(back).Round(time.Millisecond), right.Sub(back).Round(time.Millisecond))
			if d := right.Sub(back); d > rightReady {
				t.Errorf("%s: the cache was right %s after /readyz was 200", c.name, d)
			}
			if answered.Before(written) { // before there was something new
				answered = written
			}
			if d := right.Sub(answered); d > rightAnswer {
				t.Errorf("%s: the cache was right %s after the first answer", c.name, d)
			}
			if status.AnsweredAt.Before(away) {
				t.Errorf("%s: the server has answered, and the status is %+v", c.name, status)
			}
			if n := c.restores.Load(); n != 0 {
				t.Errorf("%s: the outage was taken for a restore %d times", c.name, n)
			}
		})
	}
	all.Wait()
	if err := <-came; err != nil {
		t.Error(err)
	}
}
