package skifftest_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/controller"
	"github.com/skiff-k8s/skiff/controlplane"
	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/rest"
	"github.com/skiff-k8s/skiff/skifftest"
	"github.com/skiff-k8s/skiff/skifftest/internal/live"
)

// copier returns a controller that keeps a Secret for each ConfigMap, and its caches, which run.
func copier(t *testing.T, config *rest.Config, namespace string) (*controller.Controller, *client.Client[corev1.ConfigMap]) {
	t.Helper()
	c, err := rest.NewClient(config)
	if err != nil {
		t.Fatal(err)
	}
	factory := informer.NewFactory(c, informer.Namespace(namespace))
	maps, secrets := informer.For[corev1.ConfigMap](factory), informer.For[corev1.Secret](factory)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	t.Cleanup(func() {
		cancel()
		factory.Wait()
		c.CloseIdleConnections()
	})
	write := client.Of[corev1.Secret](c)
	reconcile := func(ctx context.Context, key controller.Key) (controller.Result, error) {
		source, err := maps.Lister().Get(key.Namespace, key.Name)
		if err != nil {
			return controller.Result{}, err
		}
		if source.Data["fail"] != "" {
			panic("it fails")
		}
		secret, err := secrets.Lister().Get(key.Namespace, key.Name)
		if err != nil {
			_, err := write.In(key.Namespace).Create(ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: key.Name}, StringData: source.Data}, metav1.CreateOptions{})
			return controller.Result{RequeueAfter: time.Hour}, err
		}
		if string(secret.Labels["of"]) == source.Data["a"] {
			return controller.Result{}, nil
		}
		secret.Labels = map[string]string{"of": source.Data["a"]}
		if _, err = write.In(key.Namespace).Update(ctx, secret, metav1.UpdateOptions{}); err != nil {
			return controller.Result{}, err
		}
		return controller.Result{}, write.In(key.Namespace).Delete(ctx, key.Name, metav1.DeleteOptions{})
	}
	if err := factory.Start(ctx); err != nil {
		t.Fatal(err)
	}
	return controller.New("copier", reconcile, controller.For(maps), controller.Reads(secrets)), client.Of[corev1.ConfigMap](c).In(namespace)
}

func checkReconcile(t *testing.T, config *rest.Config, namespace string) {
	c, maps := copier(t, config, namespace)
	key := controller.Key{Namespace: namespace, Name: "a"}
	made, err := maps.Create(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "a"}, Data: map[string]string{"a": "1"}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	turn := skifftest.Reconcile(t, c, key)
	if turn.Err != nil || turn.Result.RequeueAfter != time.Hour || turn.String() != "create secrets "+namespace+"/a" ||
		!strings.Contains(turn.Writes[0].Body, "stringData:\n  a: \"1\"\n") {
		t.Errorf("the first turn: %+v", turn)
	}
	// It sees its own write and the test's.
	made.Data["a"] = "2"
	if made, err = maps.Update(t.Context(), made, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	turn = skifftest.Reconcile(t, c, key)
	if want := "update secrets " + namespace + "/a\ndelete secrets " + namespace + "/a"; turn.Err != nil || turn.String() != want {
		t.Errorf("the second turn: %+v, want %s", turn, want)
	}
	made.Data["fail"] = "yes"
	if _, err = maps.Update(t.Context(), made, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	var panicked *controller.PanicError
	if turn = skifftest.Reconcile(t, c, key); !errors.As(turn.Err, &panicked) || len(turn.Writes) > 0 {
		t.Errorf("a panic: %+v", turn)
	}
}

func TestReconcileIsOneTurn(t *testing.T) {
	checkReconcile(t, skifftest.New(t).Config(), "default")
}

func TestReconcileIsOneTurnOnTheControlPlane(t *testing.T) {
	cluster := live.Cluster(t, controlplane.WithoutControllerManager())
	checkReconcile(t, cluster.Config(), cluster.Namespace(t))
}

func TestReconcileRefusesOtherKeysAndControllersThatRun(t *testing.T) {
	c, _ := copier(t, skifftest.New(t).Config(), "default")
	at := &ending{TB: t}
	at.run(func() { skifftest.Reconcile(at, c, "default/a") })
	if !strings.Contains(at.message, "is a string") {
		t.Errorf("a key of another type: %q", at.message)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Run(ctx); err != nil {
		t.Fatal(err)
	}
	at.run(func() { skifftest.Reconcile(at, c, controller.Key{Namespace: "default", Name: "a"}) })
	if !strings.Contains(at.message, "was run") {
		t.Errorf("a controller that was run: %q", at.message)
	}
}

// A Reconcile reads a lister, so a test of it needs no server if it writes nothing.
func ExampleReconcile() {
	var t testing.TB = &failing{} // of the test
	services := skifftest.Informer(t, aService("default", "web", nil))
	c := controller.New("looks", func(ctx context.Context, key controller.Key) (controller.Result, error) {
		_, err := services.Lister().Get(key.Namespace, key.Name)
		return controller.Result{RequeueAfter: time.Minute}, err
	}, controller.For(services))
	turn := skifftest.Reconcile(t, c, controller.Key{Namespace: "default", Name: "web"})
	fmt.Println(turn.Result.RequeueAfter, turn.Err, len(turn.Writes))
	// Output: 1m0s <nil> 0
}
