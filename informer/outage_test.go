package informer_test

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/rest"
	"github.com/skiff-k8s/skiff/skifftest/controlplane"
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
