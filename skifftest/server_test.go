package skifftest_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/skiff-k8s/skiff/client"
	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/rest"
	"github.com/skiff-k8s/skiff/skifftest"
)

func configMap(name string) *corev1.ConfigMap {
	return &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "shop"}, Data: map[string]string{"a": "b"},
	}
}

func newClient(t *testing.T, s *skifftest.Server) *rest.Client {
	t.Helper()
	c, err := rest.NewClient(s.Config())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	return c
}

// The client of a stranger's test creates, reads, changes and deletes, in protobuf.
func TestAClientReadsAndWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := skifftest.New(t, configMap("first"))
		c := newClient(t, s)
		shop := client.Of[corev1.ConfigMap](c).In("shop")
		if got, err := shop.Get(t.Context(), "first", metav1.GetOptions{}); err != nil || got.Data["a"] != "b" || got.UID == "" {
			t.Fatalf("get: %v, %v", got, err)
		}
		made, err := shop.Create(t.Context(), configMap("second"), metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := shop.Create(t.Context(), configMap("second"), metav1.CreateOptions{}); !apierrors.IsAlreadyExists(err) {
			t.Errorf("create again: %v", err)
		}
		made.Data["a"] = "c"
		if _, err := shop.Update(t.Context(), made, metav1.UpdateOptions{}); err != nil {
			t.Error(err)
		}
		if _, err := shop.Update(t.Context(), made, metav1.UpdateOptions{}); !apierrors.IsConflict(err) {
			t.Errorf("update of an old version: %v", err)
		}
		if got := skifftest.Get[corev1.ConfigMap](s, "shop", "second"); got.Data["a"] != "c" {
			t.Errorf("the server has %v", got)
		}
		if err := shop.Delete(t.Context(), "second", metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
		if skifftest.Has[corev1.ConfigMap](s, "shop", "second") {
			t.Error("the deleted object is there")
		}
		var verbs []string
		for _, call := range s.Writes() {
			verbs = append(verbs, call.Verb)
		}
		if want := []string{"create", "create", "update", "update", "delete"}; !slices.Equal(verbs, want) {
			t.Errorf("writes: %v, want %v", verbs, want)
		}
	})
}

// An informer lists and watches.
func TestAnInformerFollows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := skifftest.New(t, configMap("first"))
		factory := informer.NewFactory(newClient(t, s))
		maps := informer.For[corev1.ConfigMap](factory)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- factory.Run(ctx) }()
		synctest.Wait()
		s.Put(configMap("second"))
		synctest.Wait()
		if got, err := maps.Lister().Get("shop", "second"); err != nil || got.Data["a"] != "b" {
			t.Errorf("the cache has %v, %v", got, err)
		}
		stop()
		<-done
	})
}

// FailNth fails the call that it counts to, and no other.
func TestFailNth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := skifftest.New(t, configMap("a"))
		cfg := s.Config()
		cfg.MaxRetries = -1
		c, err := rest.NewClient(cfg)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.CloseIdleConnections)
		shop := client.Of[corev1.ConfigMap](c).In("shop")
		s.FailNth("get", "configmaps", 2, apierrors.NewUnauthorized("go away"))
		s.FailNth("get", "secrets", 1, errors.New("another resource"))
		for n := 1; n <= 3; n++ {
			_, err := shop.Get(t.Context(), "a", metav1.GetOptions{})
			if failed := apierrors.IsUnauthorized(err); failed != (n == 2) {
				t.Errorf("call %d: %v", n, err)
			}
		}
		s.FailNth("create", "", 1, skifftest.ErrBroken)
		if _, err := shop.Create(t.Context(), configMap("b"), metav1.CreateOptions{}); err == nil || apierrors.ReasonForError(err) != "" {
			t.Errorf("a broken connection: %v", err)
		}
	})
}

// The server's clock is the test's.
func TestWithClock(t *testing.T) {
	now := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	s := skifftest.New(t, skifftest.WithClock(func() time.Time { return now }), configMap("a"))
	if got := skifftest.Get[corev1.ConfigMap](s, "shop", "a").CreationTimestamp; !got.Time.Equal(now) {
		t.Errorf("created at %v", got)
	}
}

// Dependents go with their owner when they are told to.
func TestCollectGarbage(t *testing.T) {
	owner := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: "shop", UID: "1"}}
	owned := configMap("owned")
	owned.OwnerReferences = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "Deployment", Name: "web", UID: "1"}}
	s := skifftest.New(t, owner, owned, configMap("free"))
	s.CollectGarbage()
	if !skifftest.Has[corev1.ConfigMap](s, "shop", "owned") {
		t.Fatal("a dependent was collected while its owner is there")
	}
	skifftest.Delete[appsv1.Deployment](s, "shop", "web")
	s.CollectGarbage()
	if all := skifftest.Objects[corev1.ConfigMap](s); len(all) != 1 || all[0].Name != "free" {
		t.Errorf("left: %v", all)
	}
}

// A loopback listener is refused in a bubble, with the reason.
func TestLoopbackInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fatal{TB: t}
		func() {
			defer func() { _ = recover() }()
			skifftest.New(f, skifftest.WithLoopback())
		}()
		if f.text == "" {
			t.Error("the test did not fail")
		}
	})
}

type fatal struct {
	testing.TB
	text string
}

func (f *fatal) Fatalf(format string, args ...any) {
	f.text = fmt.Sprintf(format, args...)
	panic(f.text)
}
