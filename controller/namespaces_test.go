package controller

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/faults"
	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/rest"
)

func ofNamespace(name, namespace string) *corev1.ConfigMap {
	return &corev1.ConfigMap{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"},
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace}, Data: map[string]string{"n": "0"},
	}
}

// counting returns a reconcile that counts data.n of an object up to a limit, a write each time, and
// tells of each reconcile that has not seen the last write.
func counting(t *testing.T, c *rest.Client, maps *informer.Informer[corev1.ConfigMap], limit int, done func()) Reconcile {
	var written atomic.Int64
	return func(ctx context.Context, key Key) (Result, error) {
		m, err := maps.Lister().Get(key.Namespace, key.Name)
		if err != nil {
			return Result{}, err
		}
		if m.Data["n"] != fmt.Sprint(written.Load()) {
			t.Errorf("the reconcile after write %d sees %s", written.Load(), m.Data["n"])
		}
		if written.Load() == int64(limit) {
			done()
			return Result{}, nil
		}
		m.Data["n"] = fmt.Sprint(written.Add(1))
		_, err = client.Of[corev1.ConfigMap](c).In(key.Namespace).Update(ctx, m, metav1.UpdateOptions{})
		return Result{}, err
	}
}

// After a write, a controller waits for the stream of the namespace that was written, and not for the
// others, which have no event.
func TestAWriteIsAwaitedInItsNamespace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := faults.NewStore()
		server := faults.Start(t, store, faults.Options{})
		c, err := rest.NewClient(&rest.Config{Host: server.URL(), Dial: server.Dial, Logger: slog.New(slog.DiscardHandler), JSONOnly: true, QPS: -1})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := store.Put(ofNamespace("one", "b")); err != nil {
			t.Fatal(err)
		}
		factory := informer.NewFactory(c, informer.Namespaces("a", "b", "c"))
		maps := informer.For[corev1.ConfigMap](factory)
		ctx, cancel := context.WithCancel(t.Context())
		began := time.Now()
		if err := Run(ctx, factory, New("counting", counting(t, c, maps, 20, cancel), For(maps))); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("20 writes took %s", took)
		}
	})
}

// The error of a controller that cannot start names the namespace that is missing.
func TestANamespaceThatCannotBeListed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		layer := faults.NewLayer(faults.NewStore(), faults.Rule{Path: "/api/v1/namespaces/b/", Do: faults.Status(403)})
		server := faults.Start(t, layer, faults.Options{})
		c, err := rest.NewClient(&rest.Config{Host: server.URL(), Dial: server.Dial, Logger: slog.New(slog.DiscardHandler), JSONOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		factory := informer.NewFactory(c, informer.Namespaces("a", "b"))
		began := time.Now()
		err = Run(t.Context(), factory, New("test", noop, For(informer.For[corev1.ConfigMap](factory))))
		if err == nil || !strings.Contains(err.Error(), `informer configmaps in namespace "a", "b": not in sync within 2m0s`) || !strings.Contains(err.Error(), `informer configmaps in namespace "b": list`) {
			t.Errorf("the error is %v", err)
		}
		if took := time.Since(began); took < DefaultSyncTimeout || took > DefaultSyncTimeout+time.Minute {
			t.Errorf("Run ended after %s", took)
		}
	})
}

// On a real server, in each of two namespaces.
func TestAControllerOfTwoNamespaces(t *testing.T) {
	cluster := controlplane.Start(t)
	c, err := rest.NewClient(cluster.Config())
	if err != nil {
		t.Fatal(err)
	}
	a, b := cluster.Namespace(t), cluster.Namespace(t)
	for _, namespace := range []string{a, b} {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		if _, err := client.Of[corev1.ConfigMap](c).In(namespace).Create(ctx, ofNamespace("one", namespace), metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		factory := informer.NewFactory(c, informer.Namespaces(a, b), informer.FieldSelector("metadata.name=one"))
		maps := informer.For[corev1.ConfigMap](factory)
		inThis := func(item informer.Item[corev1.ConfigMap]) bool { return item.Namespace() == namespace }
		if err := Run(ctx, factory, New("counting", counting(t, c, maps, 10, cancel), For(maps).Where(inThis))); err != nil {
			t.Fatal(err)
		}
		if ctx.Err() != context.Canceled {
			t.Errorf("in %s: %v", namespace, ctx.Err())
		}
	}
}
