package outages

import (
	"context"
	"testing"
	"testing/synctest"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	clientrest "k8s.io/client-go/rest"
	"k8s.io/klog/v2"

	"github.com/skiff-k8s/skiff/faults"
	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/rest"
)

// cache is a running informer.
type cache interface {
	// synced reports whether the initial list is in the cache.
	synced() bool
	// state returns what is cached, by name.
	state(t *testing.T) map[string]string
	// stop ends the informer and returns when it has ended.
	stop()
}

// side is a library.
type side struct {
	name  string
	start func(t *testing.T, w *world, log *faults.Log) cache
}

var sides = []side{{"skiff", startSkiff}, {"client-go", startClientGo}}

type skiff struct {
	informer *informer.Informer[corev1.ConfigMap]
	end      func()
}

func startSkiff(t *testing.T, w *world, log *faults.Log) cache {
	transport := w.server.Transport()
	c, err := rest.NewClient(&rest.Config{
		Host: w.server.URL(), Dial: w.server.Dial, Logger: log.Logger(),
	})
	if err != nil {
		t.Fatal(err)
	}
	f := informer.NewFactory(c, informer.Logger(log.Logger()))
	i := informer.For[corev1.ConfigMap](f)
	ctx, cancel := context.WithCancel(t.Context())
	if err := f.Start(ctx); err != nil {
		t.Fatal(err)
	}
	return &skiff{i, func() {
		cancel()
		f.Wait()
		c.CloseIdleConnections()
		transport.CloseIdleConnections()
	}}
}

func (s *skiff) synced() bool { return s.informer.HasSynced() }
func (s *skiff) stop()        { s.end() }

func (s *skiff) state(t *testing.T) map[string]string {
	all := map[string]string{}
	for o, err := range s.informer.Lister().All(informer.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		all[o.Name] = digest(string(o.UID), o.ResourceVersion, o.Data)
	}
	return all
}

type clientGo struct {
	factory informers.SharedInformerFactory
	end     func()
}

func startClientGo(t *testing.T, w *world, log *faults.Log) cache {
	klog.SetSlogLogger(log.Logger())
	transport := w.server.Transport()
	c, err := kubernetes.NewForConfig(&clientrest.Config{Host: w.server.URL(), Transport: transport})
	if err != nil {
		t.Fatal(err)
	}
	f := informers.NewSharedInformerFactory(c, 0)
	f.Core().V1().ConfigMaps().Informer()
	ctx, cancel := context.WithCancel(t.Context())
	f.Start(ctx.Done())
	return &clientGo{f, func() {
		cancel()
		f.Shutdown()
		transport.CloseIdleConnections()
		// Shutdown does not wait for a list that is under way, and klog's logger is a variable without
		// a lock: the bubble's other goroutines must have ended, or wait, before it is written.
		synctest.Wait()
		klog.ClearLogger()
	}}
}

func (c *clientGo) synced() bool { return c.factory.Core().V1().ConfigMaps().Informer().HasSynced() }
func (c *clientGo) stop()        { c.end() }

func (c *clientGo) state(t *testing.T) map[string]string {
	list, err := c.factory.Core().V1().ConfigMaps().Lister().List(labels.Everything())
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, o := range list {
		all[o.Name] = digest(string(o.UID), o.ResourceVersion, o.Data)
	}
	return all
}
